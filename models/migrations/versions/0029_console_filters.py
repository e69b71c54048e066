"""What the consoles' lists are filtered by is found by an index, also where it is rare.

The ledger's days stand in the order in which its rows were written, so a summary of each
range of pages answers for them and costs the writing nothing.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

EARNINGS = "ix_affiliate_commissions_affiliate_id_id"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_affiliate_commissions_earned_at", "affiliate_commissions", ["earned_at"])
    op.drop_index(EARNINGS, "affiliate_commissions")
    op.create_index(
        EARNINGS,
        "affiliate_commissions",
        ["affiliate_id", "id"],
        postgresql_include=["total_amount"],
    )
    op.create_index(
        "ix_affiliate_attributions_product_id_id", "affiliate_attributions", ["product_id", "id"]
    )
    op.create_index(
        "ix_affiliate_attributions_own",
        "affiliate_attributions",
        ["id"],
        postgresql_where="self_referral",
    )
    op.create_index("ix_customers_given", "customers", ["id"], postgresql_where="is_complimentary")
    op.create_index(
        "ix_ledger_transfers_created_at",
        "ledger_transfers",
        ["created_at"],
        postgresql_using="brin",
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_transfers_created_at", "ledger_transfers")
    op.drop_index("ix_customers_given", "customers")
    op.drop_index("ix_affiliate_attributions_own", "affiliate_attributions")
    op.drop_index("ix_affiliate_attributions_product_id_id", "affiliate_attributions")
    op.drop_index(EARNINGS, "affiliate_commissions")
    op.create_index(EARNINGS, "affiliate_commissions", ["affiliate_id", "id"])
    op.drop_index("ix_affiliate_commissions_earned_at", "affiliate_commissions")
