"""A movement about a commission names it; a transfer's sum is looked at once, not per entry.

Entries that sum to zero are either all zero or some are positive and some negative. So it is
enough that the deferred check runs for those not below zero, and that the check of each
statement refuses a transfer that has nothing but negative entries in a currency.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FOLLOWS = """
CREATE OR REPLACE FUNCTION ledger_follows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    lopsided uuid;
BEGIN
    {balance}
    IF EXISTS (
        SELECT FROM (
            SELECT m.affiliate_id, m.account, m.amount, m.balance_after, lag(m.balance_after)
                OVER (PARTITION BY m.affiliate_id, m.account ORDER BY m.seq) AS before
            FROM made m WHERE m.account IN ('LOCKED', 'AVAILABLE', 'RESERVED')) e
        LEFT JOIN ledger_accounts a
            ON a.affiliate_id = e.affiliate_id AND a.account = e.account
        WHERE e.balance_after IS DISTINCT FROM coalesce(e.before, a.balance) + e.amount
    ) THEN
        RAISE EXCEPTION 'balance_after is not the previous balance plus the amount'
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entries_follow';
    END IF;
    RETURN NULL;
END $$
"""

BALANCE = """
    SELECT m.transfer_id INTO lopsided FROM made m
    GROUP BY m.transfer_id, m.currency HAVING max(m.amount) < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer % does not sum to zero', lopsided
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entries_sum_to_zero';
    END IF;
"""

ZERO_SUM = (
    "CREATE CONSTRAINT TRIGGER ledger_entries_sum_to_zero AFTER INSERT ON ledger_entries "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION ledger_sums_to_zero()"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_check_constraint(
        op.f("ck_ledger_transfers_names_its_commission"),
        "ledger_transfers",
        r"type not like 'COMMISSION\_%' or commission_id is not null",
    )
    look_at_sums(BALANCE, "WHEN (NEW.amount >= 0)")


def look_at_sums(balance: str, when: str) -> None:
    """Put the checks of sums in force anew; what waits to be checked is checked first."""
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.execute(sa.text(FOLLOWS.format(balance=balance).replace(":", r"\:")))
    op.execute("DROP TRIGGER ledger_entries_sum_to_zero ON ledger_entries")
    op.execute(ZERO_SUM.format(when=when))


def downgrade() -> None:
    look_at_sums("", "")
    op.drop_constraint(
        op.f("ck_ledger_transfers_names_its_commission"), "ledger_transfers", type_="check"
    )
