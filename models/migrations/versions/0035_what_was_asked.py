"""A withdrawal's key is its own, made when it is; the key that its asker sent stands beside it.

The consoles' filters and lists read a withdrawal's time in its key, and an asker may send any.
Once asked, neither key changes, nor where the money shall go: what the owner approves is what
is paid.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEPT_UNTIL_NOW = ("id", "affiliate_id", "requested_amount", "currency", "requested_at")
KEPT = (*KEPT_UNTIL_NOW, "request_key", "holder", "iban", "iban_last4", "paypal")

KEEP_WITHDRAWAL = """
CREATE OR REPLACE FUNCTION keep_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' THEN
        IF ({old}) IS NOT DISTINCT FROM ({new})
        AND (old.status = new.status OR old.status IN ('PENDING_REVIEW', 'APPROVED'))
        THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'withdrawal % stays as it was asked and decided', old.id
        USING ERRCODE = '23514';
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("withdrawal_requests", sa.Column("request_key", sa.UUID(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_withdrawal_requests_request_key"), "withdrawal_requests", ["request_key"]
    )
    # What was asked until now goes by the key it was sent with: sent once more, it is known.
    op.execute("UPDATE withdrawal_requests SET request_key = id")
    keep(KEPT)


def keep(names: tuple[str, ...]) -> None:
    """Have the trigger hold these columns as they were written first."""
    rows = (", ".join(f"{row}.{name}" for name in names) for row in ("old", "new"))
    op.execute(KEEP_WITHDRAWAL.format(**dict(zip(("old", "new"), rows, strict=True))))


def downgrade() -> None:
    keep(KEPT_UNTIL_NOW)
    op.drop_column("withdrawal_requests", "request_key")
