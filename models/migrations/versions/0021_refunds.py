"""Refunds and credit notes: never more back than was paid, and a credit note never changes.

The sum is held by a trigger that locks the invoice first, so that two approvals at once
wait for each other whatever the code does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MY_CUSTOMERS = f"(SELECT array_agg(id) FROM customers WHERE user_id = {ME})::uuid[]"

WITHIN_PAID = """
CREATE FUNCTION refunds_stay_within_paid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint;
    back bigint;
BEGIN
    SELECT CASE WHEN status IN ('PAID', 'REFUNDED') THEN amount_including_tax ELSE 0 END
        INTO paid FROM invoices WHERE id = new.invoice_id FOR UPDATE;
    SELECT coalesce(sum(amount), 0) INTO back FROM refunds
        WHERE invoice_id = new.invoice_id AND status IN ('APPROVED', 'PROCESSED');
    IF back > paid THEN
        RAISE EXCEPTION 'refunds of invoice % come to %, more than the % paid',
            new.invoice_id, back, paid
            USING ERRCODE = '23514', CONSTRAINT = 'refunds_within_paid';
    END IF;
    RETURN NULL;
END $$
"""

KEEP_REFUND = """
CREATE FUNCTION keep_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refund %: what it is of stays as it was asked, and it is never deleted',
        old.id USING ERRCODE = '23514';
END $$
"""

KEEP_CREDIT_NOTE = """
CREATE FUNCTION keep_credit_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credit note % is issued: it stays as it is', old.number
        USING ERRCODE = '23514';
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _refunds()
    _credit_notes()
    for table, rights in (
        ("refunds", "SELECT, INSERT, UPDATE"),
        ("credit_notes", "SELECT, INSERT"),
    ):
        _protect(table, rights)
    _triggers()


def _refunds() -> None:
    moment = sa.DateTime(timezone=True)
    statuses = ("PENDING", "APPROVED", "REJECTED", "PROCESSED")
    op.create_table(
        "refunds",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*statuses, name="status", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("requested_by", sa.UUID(), nullable=True),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("rejected_at", moment, nullable=True),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("processed_at", moment, nullable=True),
        sa.Column("psp_refund_id", sa.Text(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("refusals", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("next_try_at", moment, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_refunds_tries_not_negative")),
        sa.CheckConstraint("refusals >= 0", name=op.f("ck_refunds_refusals_not_negative")),
        sa.CheckConstraint(
            "(status in ('APPROVED', 'PROCESSED')) = (approved_at is not null)",
            name=op.f("ck_refunds_approved_has_its_date"),
        ),
        sa.CheckConstraint(
            "(status = 'REJECTED') = (rejected_at is not null)"
            " and (status = 'REJECTED') = (rejection_reason is not null)",
            name=op.f("ck_refunds_rejected_has_its_reason"),
        ),
        sa.CheckConstraint(
            "(status = 'PROCESSED') = (processed_at is not null)",
            name=op.f("ck_refunds_processed_has_its_date"),
        ),
        sa.CheckConstraint(
            "(status = 'APPROVED') = (next_try_at is not null)",
            name=op.f("ck_refunds_approved_is_tried"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_refunds_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_refunds_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_refunds_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("psp_refund_id", name=op.f("uq_refunds_psp_refund_id")),
    )
    op.create_index(
        "uq_refunds_open_per_invoice",
        "refunds",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_refunds_due",
        "refunds",
        ["next_try_at"],
        postgresql_where=sa.text("status = 'APPROVED'"),
    )
    op.create_index("ix_refunds_status_id", "refunds", ["status", "id"])
    op.create_index("ix_refunds_invoice_id", "refunds", ["invoice_id"])
    op.create_index("ix_refunds_customer_id_id", "refunds", ["customer_id", "id"])
    op.create_index("ix_refunds_amount_id", "refunds", ["amount", "id"])
    _trigrams("refunds", "psp_refund_id")


def _credit_notes() -> None:
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("amount_excluding_tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("amount_including_tax", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("mentions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_excluding_tax + tax_amount = amount_including_tax",
            name=op.f("ck_credit_notes_amounts_add_up"),
        ),
        sa.CheckConstraint(
            "amount_including_tax > 0", name=op.f("ck_credit_notes_amount_positive")
        ),
        sa.CheckConstraint(
            "amount_excluding_tax >= 0",
            name=op.f("ck_credit_notes_amount_excluding_tax_not_negative"),
        ),
        sa.CheckConstraint("tax_amount >= 0", name=op.f("ck_credit_notes_tax_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_credit_notes_refund_id")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_credit_notes_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_credit_notes_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_notes_number")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_credit_notes_refund_id")),
    )
    op.create_index("ix_credit_notes_invoice_id", "credit_notes", ["invoice_id"])
    op.create_index("ix_credit_notes_customer_id_id", "credit_notes", ["customer_id", "id"])
    op.create_index(
        "ix_credit_notes_issued_at",
        "credit_notes",
        ["issued_at"],
        postgresql_include=["amount_including_tax"],
    )
    op.create_index(
        "ix_credit_notes_amount_including_tax_id", "credit_notes", ["amount_including_tax", "id"]
    )
    _trigrams("credit_notes", "number")


def _trigrams(table: str, column: str) -> None:
    op.create_index(
        f"ix_{table}_{column}_trgm",
        table,
        [column],
        postgresql_using="gin",
        postgresql_ops={column: "gin_trgm_ops"},
    )


def _protect(table: str, rights: str) -> None:
    """Row security on and forced; a member reads what was given back to them."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)"
        )
    op.execute(f"GRANT {rights} ON {table} TO ws_staff")
    op.execute(f"GRANT SELECT ON {table} TO ws_member")
    op.execute(
        f"CREATE POLICY {table}_member_reads ON {table} FOR SELECT TO ws_member "
        f"USING (customer_id = ANY ({MY_CUSTOMERS}))"
    )


def _triggers() -> None:
    op.execute(WITHIN_PAID)
    op.execute(KEEP_REFUND)
    op.execute(KEEP_CREDIT_NOTE)
    op.execute(
        "CREATE CONSTRAINT TRIGGER refunds_within_paid AFTER INSERT OR UPDATE OF status, amount "
        "ON refunds DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW "
        "WHEN (new.status IN ('APPROVED', 'PROCESSED')) "
        "EXECUTE FUNCTION refunds_stay_within_paid()"
    )
    op.execute(
        "CREATE TRIGGER refunds_keep_terms BEFORE UPDATE ON refunds FOR EACH ROW "
        "WHEN ((old.invoice_id, old.customer_id, old.amount, old.currency) IS DISTINCT FROM "
        "(new.invoice_id, new.customer_id, new.amount, new.currency)) "
        "EXECUTE FUNCTION keep_refund()"
    )
    op.execute(
        "CREATE TRIGGER refunds_keep BEFORE DELETE ON refunds FOR EACH ROW "
        "EXECUTE FUNCTION keep_refund()"
    )
    op.execute(
        "CREATE TRIGGER credit_notes_keep BEFORE UPDATE OR DELETE ON credit_notes FOR EACH ROW "
        "EXECUTE FUNCTION keep_credit_note()"
    )


def downgrade() -> None:
    op.drop_table("credit_notes")
    op.drop_table("refunds")
    for function in ("refunds_stay_within_paid", "keep_refund", "keep_credit_note"):
        op.execute(f"DROP FUNCTION {function}()")
