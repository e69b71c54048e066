"""Changes of address that wait for the new mailbox to confirm them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "email_changes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("new_email", postgresql.CITEXT(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_changes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_email_changes_token_hash")),
    )
    op.create_index(
        "ix_email_changes_user_id_created_at", "email_changes", ["user_id", "created_at"]
    )
    op.create_index(
        "ix_email_changes_new_email_created_at", "email_changes", ["new_email", "created_at"]
    )
    op.create_index("ix_email_changes_expires_at", "email_changes", ["expires_at"])
    op.execute("ALTER TABLE email_changes ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE email_changes FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY email_changes_{role} ON email_changes TO {role} "
            "USING (true) WITH CHECK (true)"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON email_changes TO ws_staff")


def downgrade() -> None:
    op.drop_table("email_changes")
