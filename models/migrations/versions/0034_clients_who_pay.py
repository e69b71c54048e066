"""What counts as an affiliate's sale, and as an active client of theirs.

A sale of the funnel is a completed checkout with something to pay, now or later, that is not
the affiliate's own purchase. An active client is a running purchase that was not given and is not
free, under an attribution whose days have not passed; ``at`` is the business's clock, and a
process of the former version that names none gets the database's.
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"

CLIENTS = f"""
CREATE FUNCTION my_clients(at timestamptz DEFAULT now())
RETURNS TABLE (billing_interval text, running bigint, paying bigint, prices bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(c.terms ->> 'interval', l.billing_interval), count(*),
        count(*) FILTER (WHERE c.status <> 'TRIAL'),
        coalesce(sum(coalesce((c.terms ->> 'price')::bigint, l.price_amount))
            FILTER (WHERE c.status <> 'TRIAL'), 0)::bigint
    FROM (
        SELECT DISTINCT customer_id FROM affiliate_attributions
        WHERE affiliate_id = {ME} AND replaced_at IS NULL AND NOT self_referral
            AND (converted_at IS NOT NULL OR expires_at IS NULL OR expires_at > at)
    ) mine
    JOIN customers c ON c.id = mine.customer_id
    JOIN plans l ON l.id = c.current_plan_id
    WHERE c.status IN ('TRIAL', 'ACTIVE', 'PAST_DUE') AND NOT c.is_complimentary
        AND greatest(
            coalesce((c.terms ->> 'price')::bigint, l.price_amount),
            coalesce((c.terms ->> 'trial_amount')::bigint, l.trial_amount),
            coalesce((c.terms ->> 'setup_fee')::bigint, l.setup_fee)
        ) > 0
    GROUP BY 1
$$
"""

CHECKOUTS = f"""
CREATE OR REPLACE FUNCTION my_checkouts(since timestamptz)
RETURNS TABLE (begun bigint, bought bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT e.click_id),
        count(DISTINCT e.click_id) FILTER (
            WHERE k.status = 'COMPLETED'
            AND (k.amount > 0 OR coalesce((k.quote ->> 'price')::bigint, 0) > 0)
            AND NOT EXISTS (
                SELECT FROM affiliate_attributions a
                WHERE a.customer_id = k.customer_id AND a.affiliate_id = {ME} AND a.self_referral
                AND a.bound_at <= k.completed_at
                AND (a.replaced_at IS NULL OR k.completed_at < a.replaced_at)
            )
        )
    FROM affiliate_tracking_events e
    JOIN capture_endpoints k ON k.affiliate_click_id = e.click_id
    WHERE e.affiliate_id = {ME} AND e.created_at >= since
$$
"""

FORMER_CLIENTS = f"""
CREATE FUNCTION my_clients()
RETURNS TABLE (billing_interval text, running bigint, paying bigint, prices bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(c.terms ->> 'interval', l.billing_interval), count(*),
        count(*) FILTER (WHERE c.status <> 'TRIAL' AND NOT c.is_complimentary),
        coalesce(sum(coalesce((c.terms ->> 'price')::bigint, l.price_amount))
            FILTER (WHERE c.status <> 'TRIAL' AND NOT c.is_complimentary), 0)::bigint
    FROM (
        SELECT DISTINCT customer_id FROM affiliate_attributions
        WHERE affiliate_id = {ME} AND replaced_at IS NULL AND NOT self_referral
    ) mine
    JOIN customers c ON c.id = mine.customer_id
    JOIN plans l ON l.id = c.current_plan_id
    WHERE c.status IN ('TRIAL', 'ACTIVE', 'PAST_DUE')
    GROUP BY 1
$$
"""

FORMER_CHECKOUTS = f"""
CREATE OR REPLACE FUNCTION my_checkouts(since timestamptz)
RETURNS TABLE (begun bigint, bought bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT e.click_id),
        count(DISTINCT e.click_id) FILTER (WHERE k.status = 'COMPLETED')
    FROM affiliate_tracking_events e
    JOIN capture_endpoints k ON k.affiliate_click_id = e.click_id
    WHERE e.affiliate_id = {ME} AND e.created_at >= since
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION my_clients()")
    op.execute(CLIENTS)
    _for_readers("my_clients(timestamptz)")
    op.execute(CHECKOUTS)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION my_clients(timestamptz)")
    op.execute(FORMER_CLIENTS)
    _for_readers("my_clients()")
    op.execute(FORMER_CHECKOUTS)


def _for_readers(function: str) -> None:
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO ws_member, ws_staff")
