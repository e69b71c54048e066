"""A way in whose mail shows no code (a purchase's welcome) has none.

Going back, such a row keeps what no code's hash equals.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("magic_links", "otp_hash", nullable=True)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("UPDATE magic_links SET otp_hash = '' WHERE otp_hash IS NULL")
    op.alter_column("magic_links", "otp_hash", nullable=False)
