"""Affiliates, programs, clicks, attributions, commissions and the lock table."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "affiliate_tracking_events",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("click_id", sa.Text(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=True),
        sa.Column(
            "platform",
            sa.Enum(
                "WEOKTO",
                "STAM",
                name="platform",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("medium", sa.Text(), nullable=True),
        sa.Column("utm", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("landing_path", sa.Text(), nullable=False),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("visitor_key", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", "created_at", name=op.f("pk_affiliate_tracking_events")),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index(
        "ix_affiliate_tracking_events_affiliate_id",
        "affiliate_tracking_events",
        ["affiliate_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_affiliate_tracking_events_click_id",
        "affiliate_tracking_events",
        ["click_id"],
        unique=False,
    )
    op.create_index(
        "ix_affiliate_tracking_events_visitor",
        "affiliate_tracking_events",
        ["visitor_key", "affiliate_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "affiliate_profiles",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("affiliate_slug", sa.Text(), nullable=False),
        sa.Column("current_guild_id", sa.UUID(), nullable=True),
        sa.Column("guild_joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_guild_change_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_commission_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "risk_level",
            sa.Enum(
                "NORMAL",
                "AT_RISK",
                "HIGH_RISK",
                "EXTREME_RISK",
                name="risk_level",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("risk_pinned", sa.Boolean(), nullable=False),
        sa.Column("total_refunds", sa.BigInteger(), nullable=False),
        sa.Column("refund_rate", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("internal_notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "affiliate_slug ~ '^[a-z0-9-]{3,40}$'", name=op.f("ck_affiliate_profiles_slug_shape")
        ),
        sa.CheckConstraint(
            "refund_rate between 0 and 1", name=op.f("ck_affiliate_profiles_refund_rate_sane")
        ),
        sa.CheckConstraint(
            "total_refunds >= 0", name=op.f("ck_affiliate_profiles_total_refunds_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["current_guild_id"],
            ["communities.id"],
            name=op.f("fk_affiliate_profiles_current_guild_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_affiliate_profiles_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_affiliate_profiles")),
        sa.UniqueConstraint("affiliate_slug", name=op.f("uq_affiliate_profiles_affiliate_slug")),
    )
    op.create_index(
        "ix_affiliate_profiles_risk_level",
        "affiliate_profiles",
        ["risk_level", "user_id"],
        unique=False,
    )
    op.create_table(
        "lock_rule_versions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.UUID(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_lock_rule_versions_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock_rule_versions")),
        sa.UniqueConstraint("version", name=op.f("uq_lock_rule_versions_version")),
    )
    op.create_table(
        "affiliate_programs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "default_rate_type",
            sa.Enum(
                "percentage",
                "fixed",
                name="default_rate_type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("default_rate", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("cookie_duration_days", sa.BigInteger(), nullable=False),
        sa.Column("include_renewals", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cookie_duration_days between 1 and 730",
            name=op.f("ck_affiliate_programs_cookie_duration_sane"),
        ),
        sa.CheckConstraint(
            "default_rate >= 0", name=op.f("ck_affiliate_programs_default_rate_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_affiliate_programs_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_programs")),
        sa.UniqueConstraint("product_id", name=op.f("uq_affiliate_programs_product_id")),
    )
    op.create_table(
        "lock_rules",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("version_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "profile",
            sa.Enum(
                "NEW",
                "RECENT",
                "VALIDATED",
                "TRUSTED",
                "AT_RISK",
                "HIGH_RISK",
                "EXTREME_RISK",
                name="profile",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("min_age", sa.BigInteger(), nullable=True),
        sa.Column("main_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("main_days", sa.BigInteger(), nullable=False),
        sa.Column("extended_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("extended_days", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "main_days between 0 and extended_days", name=op.f("ck_lock_rules_days_in_order")
        ),
        sa.CheckConstraint(
            "main_percent + extended_percent = 100", name=op.f("ck_lock_rules_percents_add_up")
        ),
        sa.CheckConstraint(
            "main_percent between 0 and 100", name=op.f("ck_lock_rules_main_percent_sane")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["lock_rule_versions.id"], name=op.f("fk_lock_rules_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock_rules")),
        sa.UniqueConstraint("version_id", "profile", name=op.f("uq_lock_rules_version_id_profile")),
    )
    op.create_table(
        "risk_level_changes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column(
            "from_level",
            sa.Enum(
                "NORMAL",
                "AT_RISK",
                "HIGH_RISK",
                "EXTREME_RISK",
                name="from_level",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "to_level",
            sa.Enum(
                "NORMAL",
                "AT_RISK",
                "HIGH_RISK",
                "EXTREME_RISK",
                name="to_level",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("changed_by", sa.UUID(), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_risk_level_changes_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_risk_level_changes_changed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_level_changes")),
    )
    op.create_index(
        op.f("ix_risk_level_changes_affiliate_id"),
        "risk_level_changes",
        ["affiliate_id"],
        unique=False,
    )
    op.create_table(
        "affiliate_attributions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("tracking_event_id", sa.UUID(), nullable=True),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("attribution_model", sa.Text(), nullable=False),
        sa.Column("is_free_product_attribution", sa.Boolean(), nullable=False),
        sa.Column("self_referral", sa.Boolean(), nullable=False),
        sa.Column("self_referral_evidence", sa.Text(), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_by_event_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_affiliate_attributions_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_affiliate_attributions_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_affiliate_attributions_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_affiliate_attributions_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_attributions")),
    )
    op.create_index(
        "ix_affiliate_attributions_affiliate_id_id",
        "affiliate_attributions",
        ["affiliate_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_affiliate_attributions_customer_id",
        "affiliate_attributions",
        ["customer_id"],
        unique=False,
    )
    op.create_index(
        "uq_affiliate_attributions_standing",
        "affiliate_attributions",
        ["user_id", "product_id"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "affiliate_commissions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("program_id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("invoice_id", sa.UUID(), nullable=False),
        sa.Column("attribution_id", sa.UUID(), nullable=False),
        sa.Column("lock_rule_version_id", sa.UUID(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING_LOCK",
                "LOCKED",
                "PARTIALLY_MATURED",
                "MATURED",
                "PAID",
                "CLAWED_BACK",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("base_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "rate_type",
            sa.Enum(
                "percentage",
                "fixed",
                name="rate_type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rate_applied", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("main_amount", sa.BigInteger(), nullable=False),
        sa.Column("extended_amount", sa.BigInteger(), nullable=False),
        sa.Column("main_lock_days", sa.BigInteger(), nullable=False),
        sa.Column("extended_lock_days", sa.BigInteger(), nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extended_locked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("main_matured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended_matured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clawed_back_amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_amount", sa.BigInteger(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "clawed_back_amount between 0 and total_amount",
            name=op.f("ck_affiliate_commissions_clawed_within"),
        ),
        sa.CheckConstraint(
            "extended_amount >= 0",
            name=op.f("ck_affiliate_commissions_extended_amount_not_negative"),
        ),
        sa.CheckConstraint(
            "main_amount + extended_amount = total_amount",
            name=op.f("ck_affiliate_commissions_parts_add_up"),
        ),
        sa.CheckConstraint(
            "main_amount >= 0", name=op.f("ck_affiliate_commissions_main_amount_not_negative")
        ),
        sa.CheckConstraint(
            "paid_amount between 0 and total_amount",
            name=op.f("ck_affiliate_commissions_paid_within"),
        ),
        sa.CheckConstraint(
            "total_amount between 1 and base_amount",
            name=op.f("ck_affiliate_commissions_total_within_base"),
        ),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_affiliate_commissions_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["attribution_id"],
            ["affiliate_attributions.id"],
            name=op.f("fk_affiliate_commissions_attribution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_affiliate_commissions_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_affiliate_commissions_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["lock_rule_version_id"],
            ["lock_rule_versions.id"],
            name=op.f("fk_affiliate_commissions_lock_rule_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["affiliate_programs.id"],
            name=op.f("fk_affiliate_commissions_program_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_commissions")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_affiliate_commissions_invoice_id")),
    )
    op.create_index(
        "ix_affiliate_commissions_affiliate_id_id",
        "affiliate_commissions",
        ["affiliate_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_affiliate_commissions_customer_id",
        "affiliate_commissions",
        ["customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_affiliate_commissions_extended_due",
        "affiliate_commissions",
        ["extended_locked_until", "id"],
        unique=False,
        postgresql_where=sa.text("extended_matured_at IS NULL"),
    )
    op.create_index(
        "ix_affiliate_commissions_main_due",
        "affiliate_commissions",
        ["locked_until", "id"],
        unique=False,
        postgresql_where=sa.text("main_matured_at IS NULL"),
    )
    op.create_index(
        "ix_affiliate_commissions_status_id",
        "affiliate_commissions",
        ["status", "id"],
        unique=False,
    )
    # What no month's partition takes yet is kept all the same.
    op.execute(
        "CREATE TABLE affiliate_tracking_events_other "
        "PARTITION OF affiliate_tracking_events DEFAULT"
    )


def downgrade() -> None:
    op.drop_index("ix_affiliate_commissions_status_id", table_name="affiliate_commissions")
    op.drop_index(
        "ix_affiliate_commissions_main_due",
        table_name="affiliate_commissions",
        postgresql_where=sa.text("main_matured_at IS NULL"),
    )
    op.drop_index(
        "ix_affiliate_commissions_extended_due",
        table_name="affiliate_commissions",
        postgresql_where=sa.text("extended_matured_at IS NULL"),
    )
    op.drop_index("ix_affiliate_commissions_customer_id", table_name="affiliate_commissions")
    op.drop_index("ix_affiliate_commissions_affiliate_id_id", table_name="affiliate_commissions")
    op.drop_table("affiliate_commissions")
    op.drop_index(
        "uq_affiliate_attributions_standing",
        table_name="affiliate_attributions",
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.drop_index("ix_affiliate_attributions_customer_id", table_name="affiliate_attributions")
    op.drop_index("ix_affiliate_attributions_affiliate_id_id", table_name="affiliate_attributions")
    op.drop_table("affiliate_attributions")
    op.drop_index(op.f("ix_risk_level_changes_affiliate_id"), table_name="risk_level_changes")
    op.drop_table("risk_level_changes")
    op.drop_table("lock_rules")
    op.drop_table("affiliate_programs")
    op.drop_table("lock_rule_versions")
    op.drop_index("ix_affiliate_profiles_risk_level", table_name="affiliate_profiles")
    op.drop_table("affiliate_profiles")
    op.drop_index("ix_affiliate_tracking_events_visitor", table_name="affiliate_tracking_events")
    op.drop_index("ix_affiliate_tracking_events_click_id", table_name="affiliate_tracking_events")
    op.drop_index(
        "ix_affiliate_tracking_events_affiliate_id", table_name="affiliate_tracking_events"
    )
    op.drop_table("affiliate_tracking_events")
