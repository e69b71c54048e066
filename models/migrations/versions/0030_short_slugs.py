"""An affiliate's slug may be as short as one letter."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

SHAPE = "ck_affiliate_profiles_slug_shape"


def upgrade() -> None:
    _allow("{1,40}")


def downgrade() -> None:
    _allow("{3,40}")


def _allow(lengths: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f(SHAPE), "affiliate_profiles", type_="check")
    op.create_check_constraint(
        op.f(SHAPE), "affiliate_profiles", f"affiliate_slug ~ '^[a-z0-9-]{lengths}$'"
    )
