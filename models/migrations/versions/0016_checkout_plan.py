"""A checkout keeps the plan it sells, whatever its button sells by the time it is paid."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("capture_endpoints", sa.Column("plan_id", sa.UUID(), nullable=True))
    op.execute(
        "UPDATE capture_endpoints c SET plan_id = b.plan_id "
        "FROM payment_buttons b WHERE b.id = c.button_id"
    )
    op.alter_column("capture_endpoints", "plan_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_capture_endpoints_plan_id"), "capture_endpoints", "plans", ["plan_id"], ["id"]
    )
    op.create_index("ix_capture_endpoints_plan_id", "capture_endpoints", ["plan_id"])


def downgrade() -> None:
    op.drop_column("capture_endpoints", "plan_id")
