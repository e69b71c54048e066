"""People: one row per person and platform, with what kind of user they are."""

import enum
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.accounts.platform import Platform
from models.base import Base, CIText, Keyed, Stamped, enum_of, trigrams


class UserType(enum.StrEnum):
    CLIENT = "CLIENT"
    AFFILIATE = "AFFILIATE"
    ADMIN = "ADMIN"
    PRODUCT_MANAGER = "PRODUCT_MANAGER"
    OWNER = "OWNER"


STAFF = frozenset({UserType.ADMIN, UserType.PRODUCT_MANAGER, UserType.OWNER})


class User(Keyed, Stamped, Base):
    """A person on one platform. ``email_verified_at`` is set by the first link or code used.

    ``closed_at``: the account was deleted; what is left of it names nobody.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("platform", "email"),
        Index("ix_users_user_type_id", "user_type", "id"),
        Index("ix_users_suspended", "id", postgresql_where=text("is_suspended")),
        trigrams("users", "email", citext=True),
        trigrams("users", "display_name"),
    )

    platform: Mapped[Platform] = mapped_column(enum_of(Platform, "platform"))
    email: Mapped[str] = mapped_column(CIText())
    email_verified_at: Mapped[datetime | None]
    display_name: Mapped[str] = mapped_column(default="")
    avatar_url: Mapped[str | None]
    bio: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="fr")
    user_type: Mapped[UserType] = mapped_column(
        enum_of(UserType, "user_type"), default=UserType.CLIENT
    )
    is_suspended: Mapped[bool] = mapped_column(default=False)
    suspension_reason: Mapped[str | None]
    last_login_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def is_staff(self) -> bool:
        """Whether a console and a second factor are this person's."""
        return self.user_type in STAFF

    def __str__(self) -> str:
        return self.email


def user_by_email(session: Session, platform: Platform, email: str) -> User | None:
    """The person of a platform with this address, whatever its case."""
    return session.scalar(_BY_EMAIL, {"platform": platform, "email": email})


_BY_EMAIL = select(User).where(
    User.platform == bindparam("platform"), User.email == bindparam("email")
)
