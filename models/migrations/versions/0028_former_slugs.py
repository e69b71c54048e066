"""An affiliate changes their slug once, and links with the old one keep leading to them.

A slug that is or was somebody's is nobody else's. No unique index spans two columns, so a
trigger looks. It sees all it must: a slug becomes a former one in the update that gives it up,
and whoever takes it meanwhile waits for that update at the index of the slugs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

SLUG_IS_FREE = """
CREATE FUNCTION affiliate_slug_is_free() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM affiliate_profiles p WHERE p.user_id <> NEW.user_id
               AND (p.former_slug = NEW.affiliate_slug OR p.affiliate_slug = NEW.former_slug)) THEN
        RAISE EXCEPTION 'slug % is or was another affiliate''s', NEW.affiliate_slug
            USING ERRCODE = '23505', CONSTRAINT = 'affiliate_profiles_slug_is_free';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("affiliate_profiles", sa.Column("former_slug", sa.Text(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_affiliate_profiles_former_slug"), "affiliate_profiles", ["former_slug"]
    )
    op.create_check_constraint(
        op.f("ck_affiliate_profiles_slug_changed"),
        "affiliate_profiles",
        "former_slug <> affiliate_slug",
    )
    op.execute(sa.text(SLUG_IS_FREE.replace(":", r"\:")))
    op.execute("REVOKE ALL ON FUNCTION affiliate_slug_is_free() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER affiliate_profiles_slug_is_free "
        "AFTER INSERT OR UPDATE OF affiliate_slug, former_slug ON affiliate_profiles "
        "FOR EACH ROW EXECUTE FUNCTION affiliate_slug_is_free()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER affiliate_profiles_slug_is_free ON affiliate_profiles")
    op.execute("DROP FUNCTION affiliate_slug_is_free()")
    op.drop_constraint(
        op.f("ck_affiliate_profiles_slug_changed"), "affiliate_profiles", type_="check"
    )
    op.drop_constraint(
        op.f("uq_affiliate_profiles_former_slug"), "affiliate_profiles", type_="unique"
    )
    op.drop_column("affiliate_profiles", "former_slug")
