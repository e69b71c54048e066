"""What commissions live through: clawbacks by part, boosts, free joinings, risk and flags."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"
MY_CODES = (
    "(SELECT array_agg(code_id) FROM affiliate_boost_redemptions "
    f"WHERE affiliate_id = {ME})::uuid[]"
)
MEMBER_READS = {
    "affiliate_boost_redemptions": f"affiliate_id = {ME}",
    "affiliate_boost_codes": f"id = ANY ({MY_CODES})",
    "affiliate_boost_products": f"code_id = ANY ({MY_CODES})",
}
STAFF_ONLY = ("fraud_flags",)
LEFT = "{part}_matured_at IS NULL"
NOT_ALL_TAKEN = " AND status <> 'CLAWED_BACK'"
DUE = (("main", "locked_until"), ("extended", "extended_locked_until"))
CHECKS = (
    (
        "affiliate_commissions",
        "clawed_adds_up",
        "clawed_from_extended + clawed_from_main + clawed_from_available = clawed_back_amount",
    ),
    (
        "affiliate_commissions",
        "clawed_within_extended",
        "clawed_from_extended between 0 and extended_amount",
    ),
    (
        "affiliate_commissions",
        "clawed_within_main",
        "clawed_from_main between 0 and main_amount",
    ),
    (
        "affiliate_commissions",
        "clawed_from_available_not_negative",
        "clawed_from_available >= 0",
    ),
    (
        "affiliate_commissions",
        "boosted_by_a_redemption",
        "boost_amount = 0 or boost_redemption_id is not null",
    ),
    ("affiliate_commissions", "boost_amount_not_negative", "boost_amount >= 0"),
    ("affiliate_profiles", "rated_invoices_not_negative", "rated_invoices >= 0"),
    (
        "affiliate_attributions",
        "of_something",
        "product_id is not null or (is_free_product_attribution and community_id is not null)",
    ),
    (
        "affiliate_attributions",
        "free_ones_end",
        "not is_free_product_attribution or expires_at is not null",
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    make_boosts()
    make_flags()
    extend_commissions()
    extend_profiles()
    extend_attributions()
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    for table in (*MEMBER_READS, *STAFF_ONLY):
        protect(table)
    for table, rows in MEMBER_READS.items():
        op.execute(f"GRANT SELECT ON {table} TO ws_member")
        op.execute(
            f"CREATE POLICY {table}_member_reads ON {table} FOR SELECT TO ws_member USING ({rows})"
        )


def make_boosts() -> None:
    """Codes, the products they are for, and who redeemed them."""
    op.create_table(
        "affiliate_boost_codes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        one_of("boost_type", "percentage_increase", "flat_bonus"),
        sa.Column("boost_value", sa.Numeric(precision=12, scale=4), nullable=False),
        one_of("scope", "GLOBAL", "SPECIFIC"),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_uses", sa.BigInteger(), nullable=True),
        sa.Column("current_uses", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "code ~ '^[A-Z0-9][A-Z0-9_-]{2,39}$'", name=op.f("ck_affiliate_boost_codes_code_shape")
        ),
        sa.CheckConstraint(
            "boost_value > 0", name=op.f("ck_affiliate_boost_codes_boost_value_positive")
        ),
        sa.CheckConstraint(
            "boost_type <> 'percentage_increase' or boost_value <= 100",
            name=op.f("ck_affiliate_boost_codes_points_sane"),
        ),
        sa.CheckConstraint(
            "boost_type <> 'flat_bonus' or boost_value = trunc(boost_value)",
            name=op.f("ck_affiliate_boost_codes_whole_cents"),
        ),
        sa.CheckConstraint(
            "valid_until > valid_from", name=op.f("ck_affiliate_boost_codes_valid_for_a_while")
        ),
        sa.CheckConstraint("max_uses > 0", name=op.f("ck_affiliate_boost_codes_max_uses_positive")),
        sa.CheckConstraint(
            "current_uses >= 0", name=op.f("ck_affiliate_boost_codes_current_uses_not_negative")
        ),
        sa.CheckConstraint(
            "current_uses <= max_uses", name=op.f("ck_affiliate_boost_codes_uses_within")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_affiliate_boost_codes_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_boost_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_affiliate_boost_codes_code")),
    )
    op.create_table(
        "affiliate_boost_products",
        sa.Column("code_id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code_id"],
            ["affiliate_boost_codes.id"],
            name=op.f("fk_affiliate_boost_products_code_id"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_affiliate_boost_products_product_id")
        ),
        sa.PrimaryKeyConstraint("code_id", "product_id", name=op.f("pk_affiliate_boost_products")),
    )
    op.create_table(
        "affiliate_boost_redemptions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code_id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        one_of("status", "ACTIVE", "EXPIRED", "DEACTIVATED"),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_affiliate_boost_redemptions_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["code_id"],
            ["affiliate_boost_codes.id"],
            name=op.f("fk_affiliate_boost_redemptions_code_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliate_boost_redemptions")),
    )
    table, active = "affiliate_boost_redemptions", sa.text("status = 'ACTIVE'")
    op.create_index(
        "uq_affiliate_boost_redemptions_active",
        table,
        ["affiliate_id"],
        unique=True,
        postgresql_where=active,
    )
    op.create_index(f"ix_{table}_affiliate_id_id", table, ["affiliate_id", "id"])
    op.create_index(f"ix_{table}_code_id_id", table, ["code_id", "id"])
    op.create_index(f"ix_{table}_expiring", table, ["expires_at"], postgresql_where=active)


def make_flags() -> None:
    """What looks odd about an affiliate."""
    op.create_table(
        "fraud_flags",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        one_of("kind", "SAME_IP", "SAME_CARD", "OWN_EMAIL", "CLICK_BURST", "REFUND_CLUSTER"),
        sa.Column("evidence_key", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.UUID(), nullable=True),
        sa.CheckConstraint(
            "first_seen_at <= last_seen_at", name=op.f("ck_fraud_flags_seen_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_fraud_flags_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["dismissed_by"], ["users.id"], name=op.f("fk_fraud_flags_dismissed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_flags")),
        sa.UniqueConstraint(
            "affiliate_id",
            "kind",
            "evidence_key",
            name=op.f("uq_fraud_flags_affiliate_id_kind_evidence_key"),
        ),
    )
    op.create_index(
        "ix_fraud_flags_open",
        "fraud_flags",
        ["affiliate_id", "id"],
        postgresql_where=sa.text("dismissed_at IS NULL"),
    )
    op.create_index("ix_fraud_flags_kind_id", "fraud_flags", ["kind", "id"])


def one_of(name: str, *values: str) -> sa.Column[str]:
    """A text column of a few values, held by a CHECK."""
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=False)


def extend_commissions() -> None:
    """Which part each clawback came out of, and what a boost added."""
    table = "affiliate_commissions"
    for name in ("clawed_from_extended", "clawed_from_main", "clawed_from_available"):
        count(table, name)
    count(table, "boost_amount")
    op.add_column(table, sa.Column("boost_redemption_id", sa.UUID(), nullable=True))
    op.create_foreign_key(
        op.f("fk_affiliate_commissions_boost_redemption_id"),
        table,
        "affiliate_boost_redemptions",
        ["boost_redemption_id"],
        ["id"],
    )
    op.create_index(
        "ix_affiliate_commissions_boost_redemption_id",
        table,
        ["boost_redemption_id"],
        postgresql_where=sa.text("boost_redemption_id IS NOT NULL"),
    )
    op.create_index(
        "ix_affiliate_commissions_pending",
        table,
        ["earned_at", "id"],
        postgresql_where=sa.text("status = 'PENDING_LOCK'"),
    )
    index_due_parts(NOT_ALL_TAKEN)


def index_due_parts(also: str) -> None:
    """Make the indexes that find due parts anew, with a condition beside the part's own."""
    for part, until in DUE:
        name = f"ix_affiliate_commissions_{part}_due"
        op.drop_index(name, "affiliate_commissions")
        op.create_index(
            name,
            "affiliate_commissions",
            [until, "id"],
            postgresql_where=sa.text(LEFT.format(part=part) + also),
        )


def extend_profiles() -> None:
    """What the nightly look at refund rates remembers."""
    count("affiliate_profiles", "rated_invoices")
    for name in (
        "under_at_risk_since",
        "under_high_risk_since",
        "under_extreme_risk_since",
        "extreme_asked_at",
    ):
        op.add_column(
            "affiliate_profiles", sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        )


def extend_attributions() -> None:
    """Joining something free binds a person to a community's products for some days."""
    table = "affiliate_attributions"
    op.alter_column(table, "product_id", nullable=True)
    op.add_column(table, sa.Column("community_id", sa.UUID(), nullable=True))
    op.add_column(table, sa.Column("converted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_affiliate_attributions_community_id"),
        table,
        "communities",
        ["community_id"],
        ["id"],
    )
    op.create_index(
        "uq_affiliate_attributions_joined",
        table,
        ["user_id", "community_id"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL AND product_id IS NULL"),
    )
    op.create_index(
        "ix_affiliate_attributions_free",
        table,
        ["expires_at"],
        postgresql_where=sa.text(
            "is_free_product_attribution AND replaced_at IS NULL AND converted_at IS NULL"
        ),
    )


def count(table: str, name: str) -> None:
    """A whole number that begins at zero for the rows there are."""
    op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column(table, name, server_default=None)


def protect(table: str) -> None:
    """Row security on and forced; staff see and write every row."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY {table}_{role} ON {table} TO {role} USING (true) WITH CHECK (true)"
        )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ws_staff")


def downgrade() -> None:
    for table, name, _ in reversed(CHECKS):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_index("uq_affiliate_attributions_joined", "affiliate_attributions")
    op.drop_index("ix_affiliate_attributions_free", "affiliate_attributions")
    op.drop_column("affiliate_attributions", "converted_at")
    op.drop_column("affiliate_attributions", "community_id")
    op.alter_column("affiliate_attributions", "product_id", nullable=False)
    for name in (
        "extreme_asked_at",
        "under_extreme_risk_since",
        "under_high_risk_since",
        "under_at_risk_since",
        "rated_invoices",
    ):
        op.drop_column("affiliate_profiles", name)
    index_due_parts("")
    op.drop_index("ix_affiliate_commissions_pending", "affiliate_commissions")
    for name in (
        "boost_redemption_id",
        "boost_amount",
        "clawed_from_available",
        "clawed_from_main",
        "clawed_from_extended",
    ):
        op.drop_column("affiliate_commissions", name)
    for table in MEMBER_READS:
        op.execute(f"DROP POLICY {table}_member_reads ON {table}")
    for table in (
        "fraud_flags",
        "affiliate_boost_redemptions",
        "affiliate_boost_products",
        "affiliate_boost_codes",
    ):
        op.drop_table(table)
