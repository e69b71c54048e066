"""Indexes that the consoles' searches, filters and figures ask for on tables that grow."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CITEXT = (("users", "email"), ("outgoing_mails", "to_email"))
TRIGRAMS = (
    ("users", "display_name"),
    ("payment_attempts", "psp_payment_id"),
    ("provider_events", "external_id"),
    ("provider_events", "kind"),
    ("audit_events", "action"),
    ("outgoing_mails", "subject"),
    ("system_logs", "message"),
)
PLAIN = (
    ("ix_invoices_customer_id_id", "invoices", ["customer_id", "id"]),
    ("ix_affiliate_attributions_user_id", "affiliate_attributions", ["user_id"]),
    ("ix_outgoing_mails_status_id", "outgoing_mails", ["status", "id"]),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column in TRIGRAMS:
        op.create_index(
            f"ix_{table}_{column}_trgm",
            table,
            [column],
            postgresql_using="gin",
            postgresql_ops={column: "gin_trgm_ops"},
        )
    for table, column in CITEXT:
        op.create_index(
            f"ix_{table}_{column}_trgm",
            table,
            [sa.literal_column(f"({column}::text)").label("sought")],
            postgresql_using="gin",
            postgresql_ops={"sought": "gin_trgm_ops"},
        )
    for name, table, columns in PLAIN:
        op.create_index(name, table, columns)
    op.drop_index("ix_invoices_paid_at", "invoices")
    op.create_index(
        "ix_invoices_paid_at",
        "invoices",
        ["paid_at"],
        postgresql_include=["status", "kind", "amount_including_tax", "plan_id"],
    )
    op.create_index("ix_users_suspended", "users", ["id"], postgresql_where=sa.text("is_suspended"))


def downgrade() -> None:
    op.drop_index("ix_users_suspended", "users")
    op.drop_index("ix_invoices_paid_at", "invoices")
    op.create_index("ix_invoices_paid_at", "invoices", ["paid_at"])
    for name, table, _ in PLAIN:
        op.drop_index(name, table)
    for table, column in (*TRIGRAMS, *CITEXT):
        op.drop_index(f"ix_{table}_{column}_trgm", table)
