"""Membership: who is in which community, as what, since when."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Keyed, enum_of


class MemberRole(enum.StrEnum):
    MEMBER = "MEMBER"
    MODERATOR = "MODERATOR"
    ADMIN = "ADMIN"


class CommunityMember(Keyed, Base):
    """One person in one community; ``customer_id`` is the purchase that opened it, if one did."""

    __tablename__ = "community_members"
    __table_args__ = (
        UniqueConstraint("community_id", "user_id"),
        Index("ix_community_members_user_id", "user_id"),
    )

    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[MemberRole] = mapped_column(enum_of(MemberRole, "role"), default=MemberRole.MEMBER)
    customer_id: Mapped[UUID | None]
    joined_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_active_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    muted_until: Mapped[datetime | None]
    banned_at: Mapped[datetime | None]
