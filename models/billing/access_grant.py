"""Access grants: what a purchase has opened for its buyer, and until when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Keyed, enum_of
from models.catalog import AccessType


class AccessGrant(Keyed, Base):
    """One thing one customer may enter. Revoked when the purchase ends, reopened if it revives."""

    __tablename__ = "access_grants"
    __table_args__ = (
        UniqueConstraint("customer_id", "access_type", "target_id"),
        Index("ix_access_grants_user_id", "user_id", "access_type", "target_id"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    access_type: Mapped[AccessType] = mapped_column(enum_of(AccessType, "access_type"))
    target_id: Mapped[UUID]
    granted_at: Mapped[datetime] = mapped_column(default=clock.now)
    revoked_at: Mapped[datetime | None]
    first_used_at: Mapped[datetime | None]
