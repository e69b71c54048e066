"""Whoever bought a product sees it and its plan, also once they are no longer on show."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MINE = "(SELECT array_agg({column}) FROM customers WHERE user_id = " + ME + ")::uuid[]"
BOUGHT = {"products": "product_id", "plans": "current_plan_id"}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column in BOUGHT.items():
        op.execute(
            f"CREATE POLICY {table}_member_bought ON {table} FOR SELECT TO ws_member "
            f"USING (id = ANY ({MINE.format(column=column)}))"
        )


def downgrade() -> None:
    for table in BOUGHT:
        op.execute(f"DROP POLICY {table}_member_bought ON {table}")
