"""What an UPGRADE invoice will change once paid, and what customers were told ahead of dates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MY_CUSTOMERS = f"(SELECT array_agg(id) FROM customers WHERE user_id = {ME})::uuid[]"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "invoices",
        sa.Column("switch", postgresql.JSONB(none_as_null=True, astext_type=sa.Text())),
    )
    op.create_table(
        "subscription_notices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("about_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_day_on", sa.Date(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('TRIAL_ENDING', 'ANNUAL_TERM', 'CARD_EXPIRING')",
            name=op.f("ck_subscription_notices_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_subscription_notices_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_notices")),
        sa.UniqueConstraint(
            "customer_id",
            "kind",
            "about_at",
            name=op.f("uq_subscription_notices_customer_id_kind_about_at"),
        ),
    )
    _protect("subscription_notices")


def _protect(table: str) -> None:
    """Staff see every notice, a member their own."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)"
        )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ws_staff")
    op.execute(f"GRANT SELECT ON {table} TO ws_member")
    op.execute(
        f"CREATE POLICY {table}_member_reads ON {table} FOR SELECT TO ws_member "
        f"USING (customer_id = ANY ({MY_CUSTOMERS}))"
    )


def downgrade() -> None:
    op.drop_table("subscription_notices")
    op.drop_column("invoices", "switch")
