"""A button that a page was seen to carry is used, so its key stays.

A sighting says whether its price is our own, drawn from the catalogue: such a page changes
with the plan, while one whose author wrote the price goes on showing it. All that was noted
so far was drawn by us.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "button_sightings",
        sa.Column("price_follows", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.alter_column("button_sightings", "price_follows", server_default=None)
    op.execute(
        """
        UPDATE payment_buttons SET used_at = seen.first
        FROM (
            SELECT button_id, min(first_seen_on)::timestamp AT TIME ZONE 'Europe/Paris' AS first
            FROM button_sightings GROUP BY button_id
        ) AS seen
        WHERE payment_buttons.id = seen.button_id AND payment_buttons.used_at IS NULL
        """
    )


def downgrade() -> None:
    op.drop_column("button_sightings", "price_follows")
