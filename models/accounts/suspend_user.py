"""Keeping a person out, and letting them back in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts.open_session import end_all_sessions
from models.accounts.user import User, UserType
from models.errors import N_, BadInput, NotAllowed
from models.oversight import Actor, emit


class ReasonMissing(BadInput):
    code = "reason_missing"
    message = N_("Say why: the reason stays in the person's history.")


class OwnerIsOutOfReach(NotAllowed):
    code = "owner_is_out_of_reach"
    message = N_("Only the owner acts on an owner's account.")


class NotOnOneself(NotAllowed):
    code = "not_on_oneself"
    message = N_("You cannot do this to your own account.")


def suspend_user(
    session: Session, user_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> User:
    """Suspend a person and end all their sessions; open sockets follow the event.

    A second call changes nothing. Raises Missing, ReasonMissing, NotOnOneself and
    OwnerIsOutOfReach.
    """
    user = User.for_update(session, user_id)
    if user.is_suspended:
        return user
    guard_target(user, actor)
    user.is_suspended, user.suspension_reason = True, said(reason)
    end_all_sessions(session, user.id, actor=actor, now=now, reason=reason)
    emit(session, "accounts.user_suspended", user, actor=actor, reason=reason)
    return user


def reactivate_user(
    session: Session, user_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> User:
    """Let a suspended person sign in again. A second call changes nothing."""
    user = User.for_update(session, user_id)
    if not user.is_suspended:
        return user
    guard_target(user, actor)
    user.is_suspended, user.suspension_reason = False, None
    emit(session, "accounts.user_reactivated", user, actor=actor, reason=said(reason))
    return user


def said(reason: str) -> str:
    """A reason in words. Raises ReasonMissing for an empty one."""
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(field="reason")
    return reason


def guard_target(user: User, actor: Actor) -> None:
    """Staff act on others, and only an owner (or the system) on an owner."""
    if user.id == actor.user_id:
        raise NotOnOneself
    if user.user_type is UserType.OWNER and actor.role not in (UserType.OWNER, "system"):
        raise OwnerIsOutOfReach
