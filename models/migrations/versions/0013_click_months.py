"""A partition of the clicks for each month, and the index that finds addresses to hash."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MAKE = """
CREATE FUNCTION affiliation_make_click_month(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET timezone = 'UTC' AS $$
DECLARE
    month date := date_trunc('month', wanted)::date;
    following date := (date_trunc('month', wanted) + interval '1 month')::date;
    made text := 'affiliate_tracking_events_' || to_char(month, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('affiliate_tracking_events'));
    IF to_regclass('public.' || made) IS NOT NULL THEN
        RETURN false;
    END IF;
    SET LOCAL lock_timeout = '5s';
    EXECUTE format('CREATE TABLE public.%I (LIKE public.affiliate_tracking_events '
        'INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)', made);
    LOCK TABLE public.affiliate_tracking_events_other IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM public.affiliate_tracking_events_other '
        'WHERE created_at >= %L AND created_at < %L RETURNING *) '
        'INSERT INTO public.%I SELECT * FROM moved', month, following, made);
    EXECUTE format('ALTER TABLE public.affiliate_tracking_events ATTACH PARTITION public.%I '
        'FOR VALUES FROM (%L) TO (%L)', made, month, following);
    RETURN true;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(sa.text(MAKE.replace(":", r"\:")))
    op.execute("REVOKE ALL ON FUNCTION affiliation_make_click_month(date) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION affiliation_make_click_month(date) TO ws_staff")
    op.create_index(
        "ix_affiliate_tracking_events_plain_ip",
        "affiliate_tracking_events",
        ["created_at"],
        postgresql_where=sa.text("ip IS NOT NULL AND ip NOT LIKE 'h:%'"),
    )


def downgrade() -> None:
    op.drop_index("ix_affiliate_tracking_events_plain_ip", "affiliate_tracking_events")
    op.execute("DROP FUNCTION affiliation_make_click_month(date)")
