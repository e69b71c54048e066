"""Withdrawals, what they paid, the bank's files, and where affiliates are paid.

A withdrawal agrees with its transfers at every commit that touches it, so that no code can
reserve what is not available or pay what was not reserved. What was asked never changes,
what was paid of commissions neither, nor a file once it is made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MY_WITHDRAWALS = (
    f"(SELECT array_agg(id) FROM withdrawal_requests WHERE affiliate_id = {ME})::uuid[]"
)
MEMBER_READS = {
    "withdrawal_requests": f"affiliate_id = {ME}",
    "withdrawal_allocations": f"withdrawal_id = ANY ({MY_WITHDRAWALS})",
}
TABLES = ("sepa_batches", *MEMBER_READS)
METHODS = ("wire", "paypal", "stripe", "manual")
OF_WITHDRAWALS = (
    "('WITHDRAWAL_REQUESTED', 'WITHDRAWAL_APPROVED', 'WITHDRAWAL_PAID', 'FEE_DEDUCTED', "
    "'WITHDRAWAL_REJECTED')"
)

AGREES = """
CREATE FUNCTION withdrawal_agrees() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w withdrawal_requests;
    moved record;
BEGIN
    SELECT * INTO w FROM withdrawal_requests WHERE id = NEW.id;
    SELECT coalesce(sum(e.amount) FILTER (WHERE e.account = 'AVAILABLE'), 0) AS available,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'RESERVED'), 0) AS reserved,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'PAID_OUT'), 0) AS paid_out,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'FEES'), 0) AS fees,
        min(e.balance_after) FILTER (
            WHERE e.account = 'AVAILABLE' AND t.type = 'WITHDRAWAL_REQUESTED') AS left_over
    INTO moved FROM ledger_transfers t JOIN ledger_entries e ON e.transfer_id = t.id
    WHERE t.withdrawal_id = w.id AND t.affiliate_id = w.affiliate_id;
    IF moved.left_over IS NULL OR moved.left_over < 0 THEN
        RAISE EXCEPTION 'withdrawal % takes what is not available', w.id
            USING ERRCODE = '23514', CONSTRAINT = 'withdrawal_requests_covered';
    END IF;
    IF (moved.available, moved.reserved, moved.paid_out, moved.fees) IS DISTINCT FROM (
        CASE WHEN w.status IN ('REJECTED', 'CANCELLED') THEN 0 ELSE -w.requested_amount END,
        CASE WHEN w.status IN ('PENDING_REVIEW', 'APPROVED') THEN w.requested_amount ELSE 0 END,
        CASE WHEN w.status = 'PAID' THEN w.net_amount ELSE 0 END,
        CASE WHEN w.status = 'PAID' THEN w.fee_amount ELSE 0 END
    ) THEN
        RAISE EXCEPTION 'withdrawal % (%) does not agree with its transfers', w.id, w.status
            USING ERRCODE = '23514', CONSTRAINT = 'withdrawal_requests_agree';
    END IF;
    RETURN NULL;
END $$
"""

KEEP_WITHDRAWAL = """
CREATE FUNCTION keep_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' THEN
        IF (old.id, old.affiliate_id, old.requested_amount, old.currency, old.requested_at)
            IS NOT DISTINCT FROM
           (new.id, new.affiliate_id, new.requested_amount, new.currency, new.requested_at)
        AND (old.status = new.status OR old.status IN ('PENDING_REVIEW', 'APPROVED'))
        THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'withdrawal % stays as it was asked and decided', old.id
        USING ERRCODE = '23514';
END $$
"""

KEEP_BATCH = """
CREATE FUNCTION keep_sepa_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' THEN
        IF (old.id, old.number, old.message_id, old.schema, old.execution_date, old.total,
            old.count, old.currency, old.xml, old.sha256, old.made_at, old.made_by)
            IS NOT DISTINCT FROM
           (new.id, new.number, new.message_id, new.schema, new.execution_date, new.total,
            new.count, new.currency, new.xml, new.sha256, new.made_at, new.made_by)
        THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'file % is made: it stays as it is', old.message_id USING ERRCODE = '23514';
END $$
"""

TRIGGERS = (
    "CREATE CONSTRAINT TRIGGER withdrawal_requests_agree AFTER INSERT OR UPDATE"
    " ON withdrawal_requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " EXECUTE FUNCTION withdrawal_agrees()",
    "CREATE TRIGGER withdrawal_requests_kept BEFORE UPDATE OR DELETE ON withdrawal_requests"
    " FOR EACH ROW EXECUTE FUNCTION keep_withdrawal()",
    "CREATE TRIGGER sepa_batches_kept BEFORE UPDATE OR DELETE ON sepa_batches"
    " FOR EACH ROW EXECUTE FUNCTION keep_sepa_batch()",
    "CREATE TRIGGER withdrawal_allocations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
    " ON withdrawal_allocations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)
FUNCTIONS = ("withdrawal_agrees()", "keep_withdrawal()", "keep_sepa_batch()")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    add_details()
    make_batches()
    make_withdrawals()
    make_allocations()
    name_withdrawals()
    for statement in (AGREES, KEEP_WITHDRAWAL, KEEP_BATCH):
        op.execute(sa.text(statement.replace(":", r"\:")))
    op.execute("REVOKE ALL ON FUNCTION withdrawal_agrees() FROM PUBLIC")
    for statement in TRIGGERS:
        op.execute(statement)
    for table in TABLES:
        protect(table)


def text_column(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def cents(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def add_details() -> None:
    table = "affiliate_profiles"
    op.add_column(table, sa.Column("payout_method", sa.String(32), nullable=True))
    op.add_column(table, sa.Column("payout_holder", sa.Text(), nullable=False, server_default=""))
    op.alter_column(table, "payout_holder", server_default=None)
    for name in ("payout_iban", "payout_iban_last4", "payout_paypal"):
        op.add_column(table, text_column(name, nullable=True))
    for name, rule in (
        ("payout_method", f"payout_method IN {METHODS}"),
        (
            "wire_has_iban",
            "payout_method is distinct from 'wire' or "
            "(payout_iban is not null and payout_holder <> '')",
        ),
        (
            "paypal_has_address",
            "payout_method is distinct from 'paypal' or payout_paypal is not null",
        ),
    ):
        op.create_check_constraint(op.f(f"ck_affiliate_profiles_{name}"), table, rule)


def make_batches() -> None:
    op.create_table(
        "sepa_batches",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        text_column("message_id"),
        text_column("schema"),
        sa.Column("execution_date", sa.Date(), nullable=False),
        sa.Column("status", one_of("status", "EXPORTED", "SETTLED", "GIVEN_UP"), nullable=False),
        cents("total"),
        cents("count"),
        text_column("currency"),
        text_column("xml"),
        text_column("sha256"),
        text_column("reference"),
        instant("made_at", nullable=False),
        sa.Column("made_by", sa.UUID(), nullable=True),
        instant("settled_at"),
        sa.Column("settled_by", sa.UUID(), nullable=True),
        instant("given_up_at"),
        text_column("given_up_reason"),
        sa.CheckConstraint("total > 0", name=op.f("ck_sepa_batches_total_positive")),
        sa.CheckConstraint("count > 0", name=op.f("ck_sepa_batches_count_positive")),
        sa.CheckConstraint(
            "(status = 'SETTLED') = (settled_at is not null)",
            name=op.f("ck_sepa_batches_settled_dated"),
        ),
        sa.CheckConstraint(
            "(status = 'GIVEN_UP') = (given_up_at is not null)",
            name=op.f("ck_sepa_batches_given_up_dated"),
        ),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_sepa_batches_made_by")),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["users.id"], name=op.f("fk_sepa_batches_settled_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sepa_batches")),
        sa.UniqueConstraint("number", name=op.f("uq_sepa_batches_number")),
        sa.UniqueConstraint("message_id", name=op.f("uq_sepa_batches_message_id")),
    )
    op.create_index("ix_sepa_batches_status_id", "sepa_batches", ["status", "id"])


CHECKS = {
    "requested_positive": "requested_amount > 0",
    "net_positive": "net_amount > 0",
    "fee_amount_not_negative": "fee_amount >= 0",
    "amounts_add_up": "fee_amount + net_amount = requested_amount",
    "waived_costs_nothing": "fee_amount = 0 or not fee_waived",
    "paid_dated": "(status = 'PAID') = (paid_at is not null)",
    "paid_explained": (
        "status <> 'PAID' or (payment_method is not null and payout_reference <> '')"
    ),
    "approved_dated": "status not in ('APPROVED', 'PAID') or approved_at is not null",
    "rejected_dated": "(status = 'REJECTED') = (rejected_at is not null)",
    "rejected_why": "status <> 'REJECTED' or rejection_reason <> ''",
    "cancelled_dated": "(status = 'CANCELLED') = (cancelled_at is not null)",
}


def make_withdrawals() -> None:
    table = "withdrawal_requests"
    statuses = ("PENDING_REVIEW", "APPROVED", "PAID", "REJECTED", "CANCELLED")
    op.create_table(
        table,
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        cents("requested_amount"),
        cents("fee_amount"),
        cents("net_amount"),
        text_column("currency"),
        sa.Column("fee_waived", sa.Boolean(), nullable=False),
        sa.Column("status", one_of("status", *statuses), nullable=False),
        instant("requested_at", nullable=False),
        instant("approved_at"),
        instant("paid_at"),
        instant("rejected_at"),
        instant("cancelled_at"),
        sa.Column("payment_method", one_of("payment_method", *METHODS), nullable=True),
        text_column("holder"),
        text_column("iban", nullable=True),
        text_column("iban_last4", nullable=True),
        text_column("paypal", nullable=True),
        text_column("payout_reference"),
        text_column("payout_proof", nullable=True),
        text_column("notes"),
        text_column("rejection_reason"),
        sa.Column("batch_id", sa.UUID(), nullable=True),
        instant("created_at", nullable=False),
        instant("updated_at", nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["affiliate_id"], ["affiliate_profiles.user_id"], name=op.f(f"fk_{table}_affiliate_id")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["sepa_batches.id"], name=op.f(f"fk_{table}_batch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for name, columns in (
        ("affiliate_id_id", ["affiliate_id", "id"]),
        ("status_id", ["status", "id"]),
        ("batch_id", ["batch_id"]),
    ):
        op.create_index(f"ix_{table}_{name}", table, columns)
    op.create_index(
        f"ix_{table}_payout_reference_trgm",
        table,
        ["payout_reference"],
        postgresql_using="gin",
        postgresql_ops={"payout_reference": "gin_trgm_ops"},
    )


def make_allocations() -> None:
    table = "withdrawal_allocations"
    op.create_table(
        table,
        sa.Column("withdrawal_id", sa.UUID(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=False),
        cents("amount"),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawal_requests.id"], name=op.f(f"fk_{table}_withdrawal_id")
        ),
        sa.ForeignKeyConstraint(
            ["commission_id"], ["affiliate_commissions.id"], name=op.f(f"fk_{table}_commission_id")
        ),
        sa.PrimaryKeyConstraint("withdrawal_id", "commission_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_commission_id", table, ["commission_id"])


def name_withdrawals() -> None:
    """Transfers about a withdrawal name it; no other names one."""
    op.create_foreign_key(
        op.f("fk_ledger_transfers_withdrawal_id"),
        "ledger_transfers",
        "withdrawal_requests",
        ["withdrawal_id"],
        ["id"],
    )
    op.create_index(
        "ix_ledger_transfers_withdrawal_id",
        "ledger_transfers",
        ["withdrawal_id"],
        postgresql_where=sa.text("withdrawal_id IS NOT NULL"),
    )
    op.create_check_constraint(
        op.f("ck_ledger_transfers_names_withdrawal"),
        "ledger_transfers",
        f"(type in {OF_WITHDRAWALS}) = (withdrawal_id is not null)",
    )


def protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)"
        )
    appended = table == "withdrawal_allocations"
    op.execute(f"GRANT SELECT, INSERT{'' if appended else ', UPDATE'} ON {table} TO ws_staff")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ws_staff")
    if table in MEMBER_READS:
        op.execute(f"GRANT SELECT ON {table} TO ws_member")
        op.execute(
            f"CREATE POLICY {table}_member_reads ON {table} FOR SELECT TO ws_member "
            f"USING ({MEMBER_READS[table]})"
        )


def downgrade() -> None:
    op.drop_constraint(
        op.f("ck_ledger_transfers_names_withdrawal"), "ledger_transfers", type_="check"
    )
    op.drop_index("ix_ledger_transfers_withdrawal_id", "ledger_transfers")
    op.drop_constraint(
        op.f("fk_ledger_transfers_withdrawal_id"), "ledger_transfers", type_="foreignkey"
    )
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for name in ("payout_method", "wire_has_iban", "paypal_has_address"):
        op.drop_constraint(
            op.f(f"ck_affiliate_profiles_{name}"), "affiliate_profiles", type_="check"
        )
    for name in (
        "payout_method",
        "payout_holder",
        "payout_iban",
        "payout_iban_last4",
        "payout_paypal",
    ):
        op.drop_column("affiliate_profiles", name)
