"""A withdrawal's key is its own, made when it is; the key that its asker sent stands beside it.

The consoles' filters and lists read a withdrawal's time in its key, and an asker may send any.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("withdrawal_requests", sa.Column("request_key", sa.UUID(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_withdrawal_requests_request_key"), "withdrawal_requests", ["request_key"]
    )
    # What was asked until now goes by the key it was sent with: sent once more, it is known.
    op.execute("UPDATE withdrawal_requests SET request_key = id")


def downgrade() -> None:
    op.drop_column("withdrawal_requests", "request_key")
