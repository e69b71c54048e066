"""Communities, products, plans, payment buttons and what they open."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "communities",
        sa.Column("id", sa.UUID(), nullable=False),
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
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("supplier_id", sa.Text(), nullable=True),
        sa.Column("supplier_name", sa.Text(), nullable=True),
        sa.Column("landing_page_url", sa.Text(), nullable=True),
        sa.Column("owner_notes", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_communities_slug_shape")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communities")),
        sa.UniqueConstraint("domain", name=op.f("uq_communities_domain")),
        sa.UniqueConstraint("slug", name=op.f("uq_communities_slug")),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("community_id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_description", sa.Text(), nullable=False),
        sa.Column("is_free", sa.Boolean(), nullable=False),
        sa.Column("requires_trial", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_products_slug_shape")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["communities.id"], name=op.f("fk_products_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", name=op.f("uq_products_slug")),
    )
    op.create_index("ix_products_community_id", "products", ["community_id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "billing_interval",
            sa.Enum(
                "ONE_TIME",
                "MONTHLY",
                "QUARTERLY",
                "ANNUALLY",
                "LIFETIME",
                name="billing_interval",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("trial_days", sa.BigInteger(), nullable=True),
        sa.Column("trial_amount", sa.BigInteger(), nullable=False),
        sa.Column("setup_fee", sa.BigInteger(), nullable=False),
        sa.Column("max_billing_cycles", sa.BigInteger(), nullable=True),
        sa.Column("commission_percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_featured", sa.Boolean(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency = 'EUR'", name=op.f("ck_plans_currency_is_euro")),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_plans_slug_shape")),
        sa.CheckConstraint(
            "commission_percent between 0 and 100", name=op.f("ck_plans_commission_percent_sane")
        ),
        sa.CheckConstraint(
            "max_billing_cycles > 0", name=op.f("ck_plans_max_billing_cycles_positive")
        ),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_plans_price_amount_not_negative")),
        sa.CheckConstraint("setup_fee >= 0", name=op.f("ck_plans_setup_fee_not_negative")),
        sa.CheckConstraint("trial_amount >= 0", name=op.f("ck_plans_trial_amount_not_negative")),
        sa.CheckConstraint("trial_days between 1 and 730", name=op.f("ck_plans_trial_days_sane")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_plans_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("slug", name=op.f("uq_plans_slug")),
    )
    op.create_index("ix_plans_product_id", "plans", ["product_id"], unique=False)
    op.create_table(
        "product_access",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
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
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_product_access_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_access")),
        sa.UniqueConstraint(
            "product_id",
            "access_type",
            "target_id",
            name=op.f("uq_product_access_product_id_access_type_target_id"),
        ),
    )
    op.create_table(
        "payment_buttons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("plan_id", sa.UUID(), nullable=False),
        sa.Column("button_key", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("cta_text", sa.Text(), nullable=False),
        sa.Column(
            "payment_type",
            sa.Enum(
                "subscription",
                "one-time",
                name="payment_type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("success_url", sa.Text(), nullable=False),
        sa.Column("cancel_url", sa.Text(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("webhook_secret", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "button_key ~ '^[a-z0-9-]{3,64}$'", name=op.f("ck_payment_buttons_button_key_shape")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_payment_buttons_plan_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_payment_buttons_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_buttons")),
        sa.UniqueConstraint("button_key", name=op.f("uq_payment_buttons_button_key")),
    )
    op.create_index("ix_payment_buttons_plan_id", "payment_buttons", ["plan_id"], unique=False)
    op.create_index(
        "ix_payment_buttons_product_id", "payment_buttons", ["product_id"], unique=False
    )
    op.create_table(
        "button_sightings",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("button_id", sa.UUID(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("first_seen_on", sa.Date(), nullable=False),
        sa.Column("last_seen_on", sa.Date(), nullable=False),
        sa.Column("price_shown", sa.BigInteger(), nullable=True),
        sa.Column("loses_ref", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["button_id"], ["payment_buttons.id"], name=op.f("fk_button_sightings_button_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_button_sightings")),
        sa.UniqueConstraint(
            "button_id", "page_url", name=op.f("uq_button_sightings_button_id_page_url")
        ),
    )
    op.execute(
        """
        CREATE FUNCTION keep_sold_plan() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (old.price_amount, old.billing_interval, old.trial_days, old.trial_amount,
                old.setup_fee, old.max_billing_cycles, old.currency, old.product_id)
               IS DISTINCT FROM
               (new.price_amount, new.billing_interval, new.trial_days, new.trial_amount,
                new.setup_fee, new.max_billing_cycles, new.currency, new.product_id)
            THEN
                RAISE EXCEPTION 'plan % has been sold: its terms stay', old.slug
                    USING ERRCODE = '23514';
            END IF;
            RETURN new;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER plans_keep_sold BEFORE UPDATE ON plans FOR EACH ROW "
        "WHEN (old.sold_at IS NOT NULL) EXECUTE FUNCTION keep_sold_plan()"
    )
    op.execute(
        """
        CREATE FUNCTION keep_used_button_key() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'button key % has been used: it stays', old.button_key
                USING ERRCODE = '23514';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER payment_buttons_keep_used_key BEFORE UPDATE ON payment_buttons "
        "FOR EACH ROW WHEN (old.used_at IS NOT NULL AND old.button_key <> new.button_key) "
        "EXECUTE FUNCTION keep_used_button_key()"
    )


def downgrade() -> None:
    op.drop_table("button_sightings")
    op.drop_index("ix_payment_buttons_product_id", table_name="payment_buttons")
    op.drop_index("ix_payment_buttons_plan_id", table_name="payment_buttons")
    op.drop_table("payment_buttons")
    op.drop_table("product_access")
    op.drop_index("ix_plans_product_id", table_name="plans")
    op.drop_table("plans")
    op.drop_index("ix_products_community_id", table_name="products")
    op.drop_table("products")
    op.drop_table("communities")
    op.execute("DROP FUNCTION keep_sold_plan()")
    op.execute("DROP FUNCTION keep_used_button_key()")
