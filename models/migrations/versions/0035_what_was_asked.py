"""A withdrawal's key is its own, made when it is; the key that its asker sent stands beside it.

The consoles' filters and lists read a withdrawal's time in its key, and an asker may send any.
Once asked, neither key changes, nor where the money shall go: what the owner approves is what
is paid.

The ledger's one writer is told by the outermost frame of PostgreSQL's call stack, its last
line: the frames before it quote the text of statements, which can say anything.
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

QUOTES = '"«»„“”‹›‘’「」'
POST, OPEN = r"ledger_post\(ledger_posting\[\]\)", r"ledger_open\(\)"
WRITERS = {
    "ledger_transfers": ("INSERT", POST, "ledger_post"),
    "ledger_entries": ("INSERT", POST, "ledger_post"),
    "ledger_accounts": ("INSERT OR UPDATE", f"{POST}|{OPEN}", "ledger_post|ledger_open"),
    "ledger_heads": ("INSERT OR UPDATE", f"{POST}|{OPEN}", "ledger_post|ledger_open"),
}

WRITTEN_BY = """
CREATE OR REPLACE FUNCTION ledger_written_by() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF stack !~ ({pattern}) THEN  -- in whatever language
        RAISE EXCEPTION '% is written by the posting function alone', tg_table_name
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$
"""
ANYWHERE = r"""'(^|\n)[^\n"]*\m(' || tg_argv[0] || ')[(]'"""
OUTERMOST = (
    rf"""'(^|\n)([^\n{QUOTES}]*\s)?(' || tg_argv[0] || ')([^\n{QUOTES}\w][^\n{QUOTES}]*)?$'"""
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("withdrawal_requests", sa.Column("request_key", sa.UUID(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_withdrawal_requests_request_key"), "withdrawal_requests", ["request_key"]
    )
    # What was asked until now goes by the key it was sent with: sent once more, it is known.
    op.execute("UPDATE withdrawal_requests SET request_key = id")
    keep(KEPT)
    guard(OUTERMOST, {table: (acts, frames) for table, (acts, frames, _) in WRITERS.items()})


def keep(names: tuple[str, ...]) -> None:
    """Have the trigger hold these columns as they were written first."""
    rows = (", ".join(f"{row}.{name}" for name in names) for row in ("old", "new"))
    op.execute(KEEP_WITHDRAWAL.format(**dict(zip(("old", "new"), rows, strict=True))))


def guard(pattern: str, writers: dict[str, tuple[str, str]]) -> None:
    """Have the ledger's tables take what comes of these functions, by this pattern of them."""
    op.execute(sa.text(WRITTEN_BY.format(pattern=pattern).replace(":", r"\:")))
    for table, (acts, frames) in writers.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_one_writer BEFORE {acts} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_written_by('{frames}')"
        )


def downgrade() -> None:
    guard(ANYWHERE, {table: (acts, names) for table, (acts, _, names) in WRITERS.items()})
    keep(KEPT_UNTIL_NOW)
    op.drop_column("withdrawal_requests", "request_key")
