"""A period's payment that was given back stands in no second one's way.

Whoever buys again at the very instant of the first purchase, refunded in between, pays for a
period that starts then too. Going back fails where that has happened: nothing is thrown away.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _one_a_period("kind <> 'UPGRADE' AND status NOT IN ('VOID', 'REFUNDED')")


def downgrade() -> None:
    _one_a_period("kind <> 'UPGRADE' AND status <> 'VOID'")


def _one_a_period(among: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("uq_invoices_period", table_name="invoices")
    op.create_index(
        "uq_invoices_period",
        "invoices",
        ["customer_id", "period_start", "kind"],
        unique=True,
        postgresql_where=sa.text(among),
    )
