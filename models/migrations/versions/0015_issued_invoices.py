"""An issued invoice never changes and is never deleted: corrections are credit notes.

What may still move is where it stands (``status``, ``voided_at``), what the payment side
says of it, and why nobody earned on it.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FIXED = (
    "id",
    "number",
    "customer_id",
    "plan_id",
    "kind",
    "period_start",
    "period_end",
    "amount_excluding_tax",
    "tax_amount",
    "tax_rate",
    "amount_including_tax",
    "currency",
    "due_at",
    "paid_at",
    "mentions",
)

KEEP_INVOICE = f"""
CREATE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' THEN
        IF ({", ".join(f"old.{column}" for column in FIXED)})
            IS NOT DISTINCT FROM ({", ".join(f"new.{column}" for column in FIXED)})
        THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'invoice % is issued: it stays as it is', old.number
        USING ERRCODE = '23514';
END $$
"""

KEEP_LINES = """
CREATE FUNCTION keep_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM invoices WHERE id = old.invoice_id AND number IS NOT NULL) THEN
        RAISE EXCEPTION 'invoice % is issued: its lines stay as they are', old.invoice_id
            USING ERRCODE = '23514';
    END IF;
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(KEEP_INVOICE)
    op.execute(KEEP_LINES)
    op.execute(
        "CREATE TRIGGER invoices_keep_issued BEFORE UPDATE OR DELETE ON invoices FOR EACH ROW "
        "WHEN (old.number IS NOT NULL) EXECUTE FUNCTION keep_issued_invoice()"
    )
    op.execute(
        "CREATE TRIGGER invoice_lines_keep_issued BEFORE UPDATE OR DELETE ON invoice_lines "
        "FOR EACH ROW EXECUTE FUNCTION keep_issued_lines()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER invoice_lines_keep_issued ON invoice_lines")
    op.execute("DROP TRIGGER invoices_keep_issued ON invoices")
    op.execute("DROP FUNCTION keep_issued_lines()")
    op.execute("DROP FUNCTION keep_issued_invoice()")
