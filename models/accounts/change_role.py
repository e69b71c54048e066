"""What kind of user a person is: changed by the owner, or by becoming an affiliate."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts.platform import Platform
from models.accounts.signals import role_changing
from models.accounts.suspend_user import guard_target, said
from models.accounts.user import STAFF, User, UserType
from models.errors import N_, DomainError, NotAllowed
from models.oversight import Actor, emit


class OnlyTheOwner(NotAllowed):
    code = "only_the_owner"
    message = N_("Only the owner changes roles.")


class StaffAreWeoktoUsers(DomainError):
    code = "staff_are_weokto_users"
    message = N_("Staff are WEOKTO users; this account is on STAM.")


def change_role(
    session: Session,
    user_id: UUID,
    user_type: UserType,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> User:
    """Give a person another role, at once in every session they have.

    Someone who becomes staff meets the second factor at their next request. A call with the
    role they have changes nothing. Raises OnlyTheOwner, NotOnOneself (so that there is
    always an owner left), StaffAreWeoktoUsers, ReasonMissing, and what another area
    refuses a role with (see ``role_changing``).
    """
    if actor.role not in (UserType.OWNER, "system"):
        raise OnlyTheOwner
    user = User.for_update(session, user_id)
    if user.user_type is user_type:
        return user
    guard_target(user, actor)
    if user_type in STAFF and user.platform is not Platform.WEOKTO:
        raise StaffAreWeoktoUsers
    role_changing.send(None, session=session, user=user, user_type=user_type)
    user.user_type = user_type
    emit(session, "accounts.role_changed", user, actor=actor, reason=said(reason))
    return user


def become_affiliate(session: Session, user_id: UUID, *, actor: Actor, now: datetime) -> User:
    """Make a CLIENT an AFFILIATE, as their new profile asks; anyone else stays what they are."""
    user = User.for_update(session, user_id)
    if user.user_type is UserType.CLIENT:
        user.user_type = UserType.AFFILIATE
        emit(session, "accounts.role_changed", user, actor=actor)
    return user
