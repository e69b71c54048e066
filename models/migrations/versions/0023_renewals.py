"""Renewals: which attempts use up a retry, and the invoices that wait for their payment."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "payment_attempts",
        sa.Column("uses_retry", sa.Boolean(), nullable=False, server_default="false"),
    )
    op.alter_column("payment_attempts", "uses_retry", server_default=None)
    op.create_index(
        "ix_invoices_waiting",
        "invoices",
        ["customer_id"],
        postgresql_where=sa.text("status IN ('DRAFT', 'PENDING')"),
    )


def downgrade() -> None:
    op.drop_index("ix_invoices_waiting", table_name="invoices")
    op.drop_column("payment_attempts", "uses_retry")
