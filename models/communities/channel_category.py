"""Channel categories: the headings that a community's channels stand under."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Keyed

STARTING_CATEGORIES = (
    ("annonces", "📢 Annonces"),
    ("general", "💬 Général"),
    ("formations", "🎓 Formations"),
    ("wins", "🏆 Wins"),
    ("support", "❓ Support"),
)
"""What a new community starts with, as (slug, name), in order."""


class ChannelCategory(Keyed, Base):
    """One heading of one community, in its place."""

    __tablename__ = "channel_categories"
    __table_args__ = (UniqueConstraint("community_id", "slug"),)

    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    slug: Mapped[str]
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
