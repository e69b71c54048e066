"""Which notices people have switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    topic = sa.Enum(
        "SALES", "DIGEST", name="topic", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        "silenced_mails",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("topic", topic, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_silenced_mails_user_id")),
        sa.PrimaryKeyConstraint("user_id", "topic", name=op.f("pk_silenced_mails")),
    )
    op.execute("ALTER TABLE silenced_mails ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE silenced_mails FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY silenced_mails_{role} ON silenced_mails TO {role} "
            "USING (true) WITH CHECK (true)"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON silenced_mails TO ws_staff")
    op.execute("GRANT SELECT ON silenced_mails TO ws_member")
    op.execute(
        "CREATE POLICY silenced_mails_member_reads ON silenced_mails FOR SELECT TO ws_member "
        f"USING (user_id = {ME})"
    )


def downgrade() -> None:
    op.drop_table("silenced_mails")
