"""Communities: guilds on WEOKTO, client communities on STAM."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts.platform import Platform
from models.base import Base, Json, Keyed, Stamped, enum_of
from models.communities.community_member import CommunityMember

SLUG = "^[a-z0-9]+(-[a-z0-9]+)*$"


class Community(Keyed, Stamped, Base):
    """What products, members and courses hang off. ``supplier_name`` is WEOKTO's label only."""

    __tablename__ = "communities"
    __table_args__ = (CheckConstraint(f"slug ~ '{SLUG}'", name="slug_shape"),)

    platform: Mapped[Platform] = mapped_column(enum_of(Platform, "platform"))
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str | None] = mapped_column(unique=True)
    settings: Mapped[Json] = mapped_column(default=dict)
    supplier_id: Mapped[str | None]
    supplier_name: Mapped[str | None]
    landing_page_url: Mapped[str | None]
    owner_notes: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name


def community_by_slug(session: Session, slug: str) -> Community | None:
    """The community under a slug."""
    return session.scalar(select(Community).where(Community.slug == slug))


def has_guild(session: Session, user_id: UUID) -> bool:
    """Whether a person is in a guild today."""
    found = guild_memberships(user_id).with_only_columns(CommunityMember.id).limit(1)
    return session.scalar(found) is not None


def guild_memberships(user_id: UUID) -> Select[CommunityMember]:
    """Asks for a person's places in guilds, which is to say in WEOKTO communities, today."""
    return (
        select(CommunityMember)
        .join(Community, Community.id == CommunityMember.community_id)
        .where(
            CommunityMember.user_id == user_id,
            CommunityMember.is_active,
            CommunityMember.banned_at.is_(None),
            Community.platform == Platform.WEOKTO,
        )
    )
