"""Requests of people about their own data, and accounts that were deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "data_requests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        _one_of("kind", "COPY", "DELETION"),
        _one_of("status", "ASKED", "READY", "DONE", "EXPIRED", "CANCELLED"),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'DELETION') = (due_at is not null)",
            name=op.f("ck_data_requests_deletion_is_due"),
        ),
        sa.CheckConstraint(
            "(status = 'READY') = (content is not null)",
            name=op.f("ck_data_requests_ready_is_there"),
        ),
        sa.CheckConstraint(
            "case kind when 'COPY' then status <> 'DONE'"
            " else status in ('ASKED', 'DONE', 'CANCELLED') end",
            name=op.f("ck_data_requests_status_of_its_kind"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_data_requests_user_id")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["users.id"], name=op.f("fk_data_requests_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_requests")),
    )
    op.create_index(
        "uq_data_requests_open",
        "data_requests",
        ["user_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status = 'ASKED'"),
    )
    for column in ("user_id", "kind", "status"):
        op.create_index(f"ix_data_requests_{column}_id", "data_requests", [column, "id"])
    _protect()


def _one_of(name: str, *values: str) -> sa.Column[str]:
    kind = sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=False)


def _protect() -> None:
    """Row security on and forced; a member reads their own requests, and their copy."""
    op.execute("ALTER TABLE data_requests ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE data_requests FORCE ROW LEVEL SECURITY")
    for role in ("ws_tables", "ws_staff"):
        op.execute(
            f"CREATE POLICY data_requests_{role} ON data_requests TO {role} "
            "USING (true) WITH CHECK (true)"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON data_requests TO ws_staff")
    op.execute("GRANT SELECT ON data_requests TO ws_member")
    op.execute(
        "CREATE POLICY data_requests_member_reads ON data_requests FOR SELECT TO ws_member "
        f"USING (user_id = {ME})"
    )


def downgrade() -> None:
    op.drop_table("data_requests")
    op.drop_column("users", "closed_at")
