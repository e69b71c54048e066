"""The owner's list of refunds begins with what waits for a decision, at any size."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("CREATE INDEX ix_refunds_queue ON refunds (strpos('APPROVED PENDING', status), id)")


def downgrade() -> None:
    op.drop_index("ix_refunds_queue", table_name="refunds")
