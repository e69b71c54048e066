"""Customers, checkouts, invoices, attempts and the provider's words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invoice_counters",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_invoice_counters")),
    )
    op.create_table(
        "provider_events",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "open",
                "posted",
                "duplicate",
                "ignored",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint(
            "source", "external_id", name=op.f("uq_provider_events_source_external_id")
        ),
    )
    op.create_index(
        "ix_provider_events_open",
        "provider_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'open'"),
    )
    op.create_index(
        "ix_provider_events_outcome_id", "provider_events", ["outcome", "id"], unique=False
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("current_plan_id", sa.UUID(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "TRIAL",
                "ACTIVE",
                "PAST_DUE",
                "CANCELLED",
                "EXPIRED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subscription_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("billing_anchor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("billing_cycles_done", sa.BigInteger(), nullable=False),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dunning_step", sa.BigInteger(), nullable=False),
        sa.Column("next_charge_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("default_payment_method_id", sa.UUID(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "billing_cycles_done >= 0", name=op.f("ck_customers_billing_cycles_done_not_negative")
        ),
        sa.CheckConstraint(
            "dunning_step >= 0", name=op.f("ck_customers_dunning_step_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["current_plan_id"], ["plans.id"], name=op.f("fk_customers_current_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_customers_product_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_customers_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("user_id", "product_id", name=op.f("uq_customers_user_id_product_id")),
    )
    op.create_index("ix_customers_current_plan_id", "customers", ["current_plan_id"], unique=False)
    op.create_index(
        "ix_customers_next_charge",
        "customers",
        ["next_charge_at"],
        unique=False,
        postgresql_where=sa.text("next_charge_at IS NOT NULL"),
    )
    op.create_index("ix_customers_product_id_id", "customers", ["product_id", "id"], unique=False)
    op.create_index("ix_customers_status_id", "customers", ["status", "id"], unique=False)
    op.create_table(
        "access_grants",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column(
            "access_type",
            sa.Enum(
                "community",
                "formation",
                "module",
                "channel",
                name="access_type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("target_id", sa.UUID(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_access_grants_customer_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_access_grants_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grants")),
        sa.UniqueConstraint(
            "customer_id",
            "access_type",
            "target_id",
            name=op.f("uq_access_grants_customer_id_access_type_target_id"),
        ),
    )
    op.create_index(
        "ix_access_grants_user_id",
        "access_grants",
        ["user_id", "access_type", "target_id"],
        unique=False,
    )
    op.create_table(
        "capture_endpoints",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("button_id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "COMPLETED",
                "FAILED",
                "EXPIRED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("affiliate_click_id", sa.Text(), nullable=True),
        sa.Column("consent_text", sa.Text(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("try_no", sa.BigInteger(), nullable=False),
        sa.Column("vault_capture_id", sa.Text(), nullable=True),
        sa.Column("capture_url", sa.Text(), nullable=True),
        sa.Column("capture_secret_hash", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("card_received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vault_token", sa.Text(), nullable=True),
        sa.Column("vault_reference", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("exp_month", sa.BigInteger(), nullable=True),
        sa.Column("exp_year", sa.BigInteger(), nullable=True),
        sa.Column("psp_customer_id", sa.Text(), nullable=True),
        sa.Column("psp_payment_method_id", sa.Text(), nullable=True),
        sa.Column("card_fingerprint", sa.Text(), nullable=True),
        sa.Column("last_decline_code", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("invoice_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_capture_endpoints_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["button_id"], ["payment_buttons.id"], name=op.f("fk_capture_endpoints_button_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_capture_endpoints_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_capture_endpoints_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture_endpoints")),
        sa.UniqueConstraint("vault_capture_id", name=op.f("uq_capture_endpoints_vault_capture_id")),
    )
    op.create_index(
        "ix_capture_endpoints_button_id_id", "capture_endpoints", ["button_id", "id"], unique=False
    )
    op.create_index(
        "ix_capture_endpoints_open",
        "capture_endpoints",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_index(
        "ix_capture_endpoints_user_id_id", "capture_endpoints", ["user_id", "id"], unique=False
    )
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("vault_token", sa.Text(), nullable=False),
        sa.Column("vault_reference", sa.Text(), nullable=False),
        sa.Column("psp_customer_id", sa.Text(), nullable=False),
        sa.Column("psp_payment_method_id", sa.Text(), nullable=False),
        sa.Column("card_fingerprint", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("exp_month", sa.BigInteger(), nullable=True),
        sa.Column("exp_year", sa.BigInteger(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_payment_methods_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
    )
    op.create_index(
        "ix_payment_methods_card_fingerprint", "payment_methods", ["card_fingerprint"], unique=False
    )
    op.create_index(
        op.f("ix_payment_methods_customer_id"), "payment_methods", ["customer_id"], unique=False
    )
    op.create_index("ix_payment_methods_last4", "payment_methods", ["last4"], unique=False)
    op.create_index(
        "uq_payment_methods_default",
        "payment_methods",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "FIRST",
                "RENEWAL",
                "TRIAL",
                "UPGRADE",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "DRAFT",
                "PENDING",
                "PAID",
                "VOID",
                "REFUNDED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount_excluding_tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("amount_including_tax", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment_method_id", sa.UUID(), nullable=True),
        sa.Column("psp_payment_id", sa.Text(), nullable=True),
        sa.Column("psp_status", sa.Text(), nullable=True),
        sa.Column("mentions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("no_commission_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status in ('PAID', 'REFUNDED')) = (number is not null)",
            name=op.f("ck_invoices_numbered_once_paid"),
        ),
        sa.CheckConstraint(
            "amount_excluding_tax + tax_amount = amount_including_tax",
            name=op.f("ck_invoices_amounts_add_up"),
        ),
        sa.CheckConstraint(
            "amount_excluding_tax >= 0", name=op.f("ck_invoices_amount_excluding_tax_not_negative")
        ),
        sa.CheckConstraint("tax_amount >= 0", name=op.f("ck_invoices_tax_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_invoices_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_methods.id"],
            name=op.f("fk_invoices_payment_method_id"),
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_invoices_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("number", name=op.f("uq_invoices_number")),
    )
    op.create_index(
        "ix_invoices_amount_including_tax_id",
        "invoices",
        ["amount_including_tax", "id"],
        unique=False,
    )
    op.create_index(
        "ix_invoices_number_trgm",
        "invoices",
        ["number"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"number": "gin_trgm_ops"},
    )
    op.create_index("ix_invoices_paid_at", "invoices", ["paid_at"], unique=False)
    op.create_index(
        op.f("ix_invoices_psp_payment_id"), "invoices", ["psp_payment_id"], unique=False
    )
    op.create_index("ix_invoices_status_id", "invoices", ["status", "id"], unique=False)
    op.create_index(
        "uq_invoices_period",
        "invoices",
        ["customer_id", "period_start", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'UPGRADE'"),
    )
    op.create_table(
        "invoice_lines",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "total = quantity * unit_amount", name=op.f("ck_invoice_lines_total_multiplies")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_lines_invoice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_lines")),
        sa.UniqueConstraint(
            "invoice_id", "position", name=op.f("uq_invoice_lines_invoice_id_position")
        ),
    )
    op.create_table(
        "payment_attempts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("capture_id", sa.UUID(), nullable=True),
        sa.Column("invoice_id", sa.UUID(), nullable=True),
        sa.Column("attempt_no", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "PENDING",
                "NEEDS_ACTION",
                "SUCCEEDED",
                "DECLINED",
                "ERROR",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("decline_code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("psp_customer_id", sa.Text(), nullable=True),
        sa.Column("psp_payment_id", sa.Text(), nullable=True),
        sa.Column("redirect_url", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_payment_attempts_amount_not_negative")),
        sa.CheckConstraint(
            "num_nonnulls(capture_id, invoice_id) > 0",
            name=op.f("ck_payment_attempts_of_something"),
        ),
        sa.ForeignKeyConstraint(
            ["capture_id"], ["capture_endpoints.id"], name=op.f("fk_payment_attempts_capture_id")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_payment_attempts_invoice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempts")),
        sa.UniqueConstraint(
            "capture_id", "attempt_no", name=op.f("uq_payment_attempts_capture_id_attempt_no")
        ),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_attempts_idempotency_key")),
    )
    op.create_index(
        "ix_payment_attempts_invoice_id", "payment_attempts", ["invoice_id"], unique=False
    )
    op.create_index(
        "ix_payment_attempts_outcome_id", "payment_attempts", ["outcome", "id"], unique=False
    )
    op.create_index(
        "ix_payment_attempts_psp_payment_id", "payment_attempts", ["psp_payment_id"], unique=False
    )
    op.create_index(
        "uq_payment_attempts_one_success_per_capture",
        "payment_attempts",
        ["capture_id"],
        unique=True,
        postgresql_where=sa.text("outcome = 'SUCCEEDED'"),
    )
    op.create_index(
        "uq_payment_attempts_open_per_capture",
        "payment_attempts",
        ["capture_id"],
        unique=True,
        postgresql_where=sa.text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
    )
    op.create_index(
        "uq_payment_attempts_open_per_invoice",
        "payment_attempts",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
    )
    op.create_foreign_key(
        "fk_customers_default_payment_method",
        "customers",
        "payment_methods",
        ["default_payment_method_id"],
        ["id"],
    )


def downgrade() -> None:
    op.drop_constraint("fk_customers_default_payment_method", "customers", type_="foreignkey")
    op.drop_index(
        "uq_payment_attempts_open_per_invoice",
        table_name="payment_attempts",
        postgresql_where=sa.text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
    )
    op.drop_index(
        "uq_payment_attempts_open_per_capture",
        table_name="payment_attempts",
        postgresql_where=sa.text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
    )
    op.drop_index(
        "uq_payment_attempts_one_success_per_capture",
        table_name="payment_attempts",
        postgresql_where=sa.text("outcome = 'SUCCEEDED'"),
    )
    op.drop_index("ix_payment_attempts_psp_payment_id", table_name="payment_attempts")
    op.drop_index("ix_payment_attempts_outcome_id", table_name="payment_attempts")
    op.drop_index("ix_payment_attempts_invoice_id", table_name="payment_attempts")
    op.drop_table("payment_attempts")
    op.drop_table("invoice_lines")
    op.drop_index(
        "uq_invoices_period", table_name="invoices", postgresql_where=sa.text("kind <> 'UPGRADE'")
    )
    op.drop_index("ix_invoices_status_id", table_name="invoices")
    op.drop_index(op.f("ix_invoices_psp_payment_id"), table_name="invoices")
    op.drop_index("ix_invoices_paid_at", table_name="invoices")
    op.drop_index(
        "ix_invoices_number_trgm",
        table_name="invoices",
        postgresql_using="gin",
        postgresql_ops={"number": "gin_trgm_ops"},
    )
    op.drop_index("ix_invoices_amount_including_tax_id", table_name="invoices")
    op.drop_table("invoices")
    op.drop_index(
        "uq_payment_methods_default",
        table_name="payment_methods",
        postgresql_where=sa.text("is_default"),
    )
    op.drop_index("ix_payment_methods_last4", table_name="payment_methods")
    op.drop_index(op.f("ix_payment_methods_customer_id"), table_name="payment_methods")
    op.drop_index("ix_payment_methods_card_fingerprint", table_name="payment_methods")
    op.drop_table("payment_methods")
    op.drop_index("ix_capture_endpoints_user_id_id", table_name="capture_endpoints")
    op.drop_index(
        "ix_capture_endpoints_open",
        table_name="capture_endpoints",
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.drop_index("ix_capture_endpoints_button_id_id", table_name="capture_endpoints")
    op.drop_table("capture_endpoints")
    op.drop_index("ix_access_grants_user_id", table_name="access_grants")
    op.drop_table("access_grants")
    op.drop_index("ix_customers_status_id", table_name="customers")
    op.drop_index("ix_customers_product_id_id", table_name="customers")
    op.drop_index(
        "ix_customers_next_charge",
        table_name="customers",
        postgresql_where=sa.text("next_charge_at IS NOT NULL"),
    )
    op.drop_index("ix_customers_current_plan_id", table_name="customers")
    op.drop_table("customers")
    op.drop_index("ix_provider_events_outcome_id", table_name="provider_events")
    op.drop_index(
        "ix_provider_events_open",
        table_name="provider_events",
        postgresql_where=sa.text("outcome = 'open'"),
    )
    op.drop_table("provider_events")
    op.drop_table("invoice_counters")
