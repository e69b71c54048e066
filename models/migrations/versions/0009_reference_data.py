"""What every installation begins with: the two guilds and the first lock table."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from models.ids import new_id

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

GUILDS = (("community-academy", "Community Academy"), ("tbcb", "The Best Community Builder"))
CATEGORIES = (
    ("annonces", "📢 Annonces"),
    ("general", "💬 Général"),
    ("formations", "🎓 Formations"),
    ("wins", "🏆 Wins"),
    ("support", "❓ Support"),
)
LOCKS = (
    # profile, from which age in days, main %, days, extended %, days
    ("NEW", 0, 80, 45, 20, 90),
    ("RECENT", 31, 85, 40, 15, 60),
    ("VALIDATED", 61, 90, 35, 10, 40),
    ("TRUSTED", 91, 94, 30, 6, 40),
    ("AT_RISK", None, 80, 60, 20, 90),
    ("HIGH_RISK", None, 70, 90, 30, 120),
    ("EXTREME_RISK", None, 60, 90, 40, 180),
)
ALWAYS = datetime(2020, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    connection = op.get_bind()
    for slug, name in GUILDS:
        guild = new_id()
        connection.execute(
            sa.text(
                "INSERT INTO communities (id, platform, name, slug, settings, owner_notes,"
                " is_active, created_at, updated_at)"
                " VALUES (:id, 'WEOKTO', :name, :slug, '{}', '', true, now(), now())"
            ),
            {"id": guild, "name": name, "slug": slug},
        )
        for position, (category_slug, category) in enumerate(CATEGORIES):
            connection.execute(
                sa.text(
                    "INSERT INTO channel_categories (id, community_id, slug, name, position)"
                    " VALUES (:id, :guild, :slug, :name, :position)"
                ),
                {
                    "id": new_id(),
                    "guild": guild,
                    "slug": category_slug,
                    "name": category,
                    "position": position,
                },
            )
    version = new_id()
    connection.execute(
        sa.text(
            "INSERT INTO lock_rule_versions (id, version, valid_from, note)"
            " VALUES (:id, 1, :since, '')"
        ),
        {"id": version, "since": ALWAYS},
    )
    for position, (profile, age, main, main_days, extended, extended_days) in enumerate(LOCKS):
        connection.execute(
            sa.text(
                "INSERT INTO lock_rules (id, version_id, position, profile, min_age, main_percent,"
                " main_days, extended_percent, extended_days) VALUES (:id, :version, :position,"
                " :profile, :age, :main, :main_days, :extended, :extended_days)"
            ),
            {
                "id": new_id(),
                "version": version,
                "position": position,
                "profile": profile,
                "age": age,
                "main": main,
                "main_days": main_days,
                "extended": extended,
                "extended_days": extended_days,
            },
        )


def downgrade() -> None:
    for table in ("lock_rules", "lock_rule_versions", "channel_categories", "communities"):
        op.execute(f"DELETE FROM {table}")
