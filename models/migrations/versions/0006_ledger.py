"""The ledger's tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_accounts",
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "LOCKED",
                "AVAILABLE",
                "RESERVED",
                "COMMISSIONS",
                "FEES",
                "PAID_OUT",
                "ADJUSTMENTS",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_ledger_accounts_affiliate_id"),
        ),
        sa.PrimaryKeyConstraint("affiliate_id", "account", name=op.f("pk_ledger_accounts")),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_ledger_heads_affiliate_id"),
        ),
        sa.PrimaryKeyConstraint("affiliate_id", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "ledger_transfers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "COMMISSION_EARNED",
                "COMMISSION_MATURED",
                "COMMISSION_CLAWED_BACK",
                "WITHDRAWAL_REQUESTED",
                "WITHDRAWAL_APPROVED",
                "WITHDRAWAL_PAID",
                "FEE_DEDUCTED",
                "WITHDRAWAL_REJECTED",
                "ADJUSTMENT_CREDIT",
                "ADJUSTMENT_DEBIT",
                name="type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("commission_id", sa.UUID(), nullable=True),
        sa.Column("withdrawal_id", sa.UUID(), nullable=True),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_by", sa.UUID(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_ledger_transfers_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["commission_id"],
            ["affiliate_commissions.id"],
            name=op.f("fk_ledger_transfers_commission_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfers")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_ledger_transfers_idempotency_key")),
        sa.UniqueConstraint("seq", name=op.f("uq_ledger_transfers_seq")),
    )
    op.create_index(
        "ix_ledger_transfers_affiliate_id_seq",
        "ledger_transfers",
        ["affiliate_id", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_ledger_transfers_commission_id", "ledger_transfers", ["commission_id"], unique=False
    )
    op.create_index(
        "ix_ledger_transfers_type_seq", "ledger_transfers", ["type", "seq"], unique=False
    )
    op.create_table(
        "ledger_entries",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "LOCKED",
                "AVAILABLE",
                "RESERVED",
                "COMMISSIONS",
                "FEES",
                "PAID_OUT",
                "ADJUSTMENTS",
                name="account",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("affiliate_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliate_id"],
            ["affiliate_profiles.user_id"],
            name=op.f("fk_ledger_entries_affiliate_id"),
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfers.id"], name=op.f("fk_ledger_entries_transfer_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint(
            "transfer_id", "account", name=op.f("uq_ledger_entries_transfer_id_account")
        ),
    )
    op.create_index(
        "ix_ledger_entries_account_seq", "ledger_entries", ["account", "seq"], unique=False
    )
    op.create_index(
        "ix_ledger_entries_affiliate_id_seq",
        "ledger_entries",
        ["affiliate_id", "seq"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entries_affiliate_id_seq", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_account_seq", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index("ix_ledger_transfers_type_seq", table_name="ledger_transfers")
    op.drop_index("ix_ledger_transfers_commission_id", table_name="ledger_transfers")
    op.drop_index("ix_ledger_transfers_affiliate_id_seq", table_name="ledger_transfers")
    op.drop_table("ledger_transfers")
    op.drop_table("ledger_heads")
    op.drop_table("ledger_accounts")
