"""Subscriptions that live on: what was sold, dunning, a plan waiting, cards of their own checkout.

``terms`` of existing customers are what their last completed checkout of the plan promised,
else what the plan says. A voided invoice gives its period free again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WITHOUT_TERMS = "terms = '{}'::jsonb"

FROM_CHECKOUTS = """
UPDATE customers c SET terms = latest.quote
FROM (
    SELECT DISTINCT ON (customer_id, plan_id) customer_id, plan_id, quote
    FROM capture_endpoints
    WHERE status = 'COMPLETED' AND customer_id IS NOT NULL
    ORDER BY customer_id, plan_id, completed_at DESC
) latest
WHERE latest.customer_id = c.id AND latest.plan_id = c.current_plan_id
"""

FROM_PLANS = f"""
UPDATE customers c SET terms = jsonb_build_object(
    'product_name', p.name, 'plan_name', l.name, 'price', l.price_amount,
    'currency', l.currency, 'interval', l.billing_interval, 'trial_days', l.trial_days,
    'trial_amount', CASE WHEN l.trial_days IS NULL THEN 0 ELSE l.trial_amount END,
    'setup_fee', l.setup_fee, 'max_billing_cycles', l.max_billing_cycles,
    'amount', 0, 'kind', NULL, 'lines', '[]'::jsonb
)
FROM plans l JOIN products p ON p.id = l.product_id
WHERE l.id = c.current_plan_id AND {WITHOUT_TERMS}
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _customers()
    _invoices_and_attempts()
    _card_checkouts()


def _customers() -> None:
    moment = sa.DateTime(timezone=True)
    json = postgresql.JSONB(astext_type=sa.Text())
    for column in (
        sa.Column("terms", json, nullable=False, server_default="{}"),
        sa.Column("periods_since_anchor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("first_failed_at", moment, nullable=True),
        sa.Column("access_paused_at", moment, nullable=True),
        sa.Column("next_plan_id", sa.UUID(), nullable=True),
        sa.Column("next_terms", json, nullable=True),
        sa.Column("is_complimentary", sa.Boolean(), nullable=False, server_default="false"),
    ):
        op.add_column("customers", column)
    op.execute("UPDATE customers SET periods_since_anchor = billing_cycles_done")
    op.execute(FROM_CHECKOUTS)
    op.execute(FROM_PLANS)
    op.execute(
        "UPDATE customers SET next_charge_at = NULL WHERE status IN ('CANCELLED', 'EXPIRED')"
    )
    for column_name in ("terms", "periods_since_anchor", "is_complimentary"):
        op.alter_column("customers", column_name, server_default=None)
    op.create_foreign_key(
        op.f("fk_customers_next_plan_id"), "customers", "plans", ["next_plan_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_customers_periods_since_anchor_not_negative"),
        "customers",
        "periods_since_anchor >= 0",
    )
    op.create_check_constraint(
        op.f("ck_customers_next_plan_has_terms"),
        "customers",
        "num_nonnulls(next_plan_id, next_terms) in (0, 2)",
    )
    op.create_check_constraint(
        op.f("ck_customers_ended_charges_nothing"),
        "customers",
        "next_charge_at is null or status in ('TRIAL', 'ACTIVE', 'PAST_DUE')",
    )
    for name, instant, rows in (
        (
            "ix_customers_period_ends",
            "subscription_ends_at",
            "next_charge_at IS NULL AND subscription_ends_at IS NOT NULL"
            " AND status IN ('ACTIVE', 'PAST_DUE')",
        ),
        ("ix_customers_trial_ends", "trial_ends_at", "next_charge_at IS NULL AND status = 'TRIAL'"),
        (
            "ix_customers_grace_ends",
            "first_failed_at",
            "access_paused_at IS NULL AND status = 'PAST_DUE'",
        ),
    ):
        op.create_index(name, "customers", [instant], postgresql_where=sa.text(rows))


def _invoices_and_attempts() -> None:
    op.drop_index("uq_invoices_period", table_name="invoices")
    op.create_index(
        "uq_invoices_period",
        "invoices",
        ["customer_id", "period_start", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'UPGRADE' AND status <> 'VOID'"),
    )
    op.add_column("payment_attempts", sa.Column("payment_method_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payment_attempts_payment_method_id"),
        "payment_attempts",
        "payment_methods",
        ["payment_method_id"],
        ["id"],
    )
    op.create_unique_constraint(
        op.f("uq_payment_attempts_invoice_id_attempt_no"),
        "payment_attempts",
        ["invoice_id", "attempt_no"],
    )
    op.drop_index("ix_payment_attempts_invoice_id", table_name="payment_attempts")
    op.create_index(
        "uq_payment_attempts_one_success_per_invoice",
        "payment_attempts",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("outcome = 'SUCCEEDED'"),
    )


def _card_checkouts() -> None:
    op.add_column(
        "capture_endpoints",
        sa.Column(
            "purpose",
            sa.Enum("PURCHASE", "CARD", name="purpose", native_enum=False, length=32),
            nullable=False,
            server_default="PURCHASE",
        ),
    )
    op.alter_column("capture_endpoints", "purpose", server_default=None)
    op.alter_column("capture_endpoints", "button_id", nullable=True)
    op.alter_column("capture_endpoints", "plan_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_capture_endpoints_purpose"),
        "capture_endpoints",
        "purpose IN ('PURCHASE', 'CARD')",
    )
    op.create_check_constraint(
        op.f("ck_capture_endpoints_of_a_purchase_or_a_customer"),
        "capture_endpoints",
        "CASE purpose WHEN 'CARD' THEN customer_id IS NOT NULL AND amount = 0"
        " ELSE button_id IS NOT NULL AND plan_id IS NOT NULL END",
    )
    op.create_index("ix_capture_endpoints_customer_id", "capture_endpoints", ["customer_id"])


def downgrade() -> None:
    op.execute("DELETE FROM capture_endpoints WHERE purpose = 'CARD'")
    op.drop_index("ix_capture_endpoints_customer_id", table_name="capture_endpoints")
    op.drop_constraint("ck_capture_endpoints_of_a_purchase_or_a_customer", "capture_endpoints")
    op.alter_column("capture_endpoints", "plan_id", nullable=False)
    op.alter_column("capture_endpoints", "button_id", nullable=False)
    op.drop_column("capture_endpoints", "purpose")
    op.drop_index("uq_payment_attempts_one_success_per_invoice", table_name="payment_attempts")
    op.create_index("ix_payment_attempts_invoice_id", "payment_attempts", ["invoice_id"])
    op.drop_constraint("uq_payment_attempts_invoice_id_attempt_no", "payment_attempts")
    op.drop_column("payment_attempts", "payment_method_id")
    op.drop_index("uq_invoices_period", table_name="invoices")
    op.create_index(
        "uq_invoices_period",
        "invoices",
        ["customer_id", "period_start", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'UPGRADE'"),
    )
    for name in ("ix_customers_grace_ends", "ix_customers_trial_ends", "ix_customers_period_ends"):
        op.drop_index(name, table_name="customers")
    op.drop_constraint("ck_customers_ended_charges_nothing", "customers")
    for column_name in (
        "is_complimentary",
        "next_terms",
        "next_plan_id",
        "access_paused_at",
        "first_failed_at",
        "periods_since_anchor",
        "terms",
    ):
        op.drop_column("customers", column_name)
