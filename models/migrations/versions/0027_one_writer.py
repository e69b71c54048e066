"""Nobody writes the ledger but its functions: not even the tables' owner, nor by mistake.

The functions that post run with the owner's rights, so rights alone cannot keep the owner
out. What called for a write stands in PostgreSQL's own call stack: rows come by
``ledger_post``, and an affiliate's empty accounts and chain by ``ledger_open``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

WRITERS = {
    "ledger_transfers": ("INSERT", "ledger_post"),
    "ledger_entries": ("INSERT", "ledger_post"),
    "ledger_accounts": ("INSERT OR UPDATE", "ledger_post|ledger_open"),
    "ledger_heads": ("INSERT OR UPDATE", "ledger_post|ledger_open"),
}

WRITTEN_BY = r"""
CREATE FUNCTION ledger_written_by() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF stack !~ ('(^|\n)[^\n"]*\m(' || tg_argv[0] || ')[(]') THEN  -- in whatever language
        RAISE EXCEPTION '% is written by the posting function alone', tg_table_name
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(sa.text(WRITTEN_BY.replace(":", r"\:")))
    op.execute("REVOKE ALL ON FUNCTION ledger_written_by() FROM PUBLIC")
    for table, (acts, writers) in WRITERS.items():
        op.execute(
            f"CREATE TRIGGER {table}_one_writer BEFORE {acts} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_written_by('{writers}')"
        )


def downgrade() -> None:
    for table in WRITERS:
        op.execute(f"DROP TRIGGER {table}_one_writer ON {table}")
    op.execute("DROP FUNCTION ledger_written_by()")
