"""Deleting an account: asked for, undone within seven days, then done for good.

What accounts keep of the person is emptied here; other areas empty theirs when they hear
``account_closing``. What was paid, earned and decided stays, under a pseudonym.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.accounts.avatar import drop_picture
from models.accounts.copy_data import guard_asker
from models.accounts.data_request import DataRequest, DataRequestKind, S, open_request
from models.accounts.email_change import EmailChange
from models.accounts.magic_link import MagicLink, lock_links
from models.accounts.mail_choice import SilencedMail
from models.accounts.mail_user import mail_user
from models.accounts.open_session import end_all_sessions
from models.accounts.second_factor import RecoveryCode, SecondFactor
from models.accounts.signals import account_closing, account_held
from models.accounts.user import STAFF, User
from models.accounts.user_session import UserSession
from models.errors import N_, DomainError, Gone, Missing
from models.oversight import Actor, emit
from models.oversight.forget_mails import FAREWELL, NOWHERE, forget_mails

GRACE = timedelta(days=7)
REASON = "account_deleted"


class StaffAccount(DomainError):
    code = "staff_account"
    message = N_("An account of staff is not deleted: its role is taken away first.")


class NothingToUndo(Gone):
    code = "nothing_to_undo"
    message = N_("No deletion of this account is under way.")


def ask_deletion(
    session: Session, user_id: UUID, *, actor: Actor, now: datetime, reason: str | None = None
) -> DataRequest:
    """Have an account deleted in seven days; until then it works as ever, and can be kept.

    A second call gives the first request back. Raises Missing for a deleted account,
    StaffAccount, ReasonMissing and OwnerIsOutOfReach for whoever asks for somebody else, and
    what other areas hold against it: a subscription that renews, money on its way.
    """
    user = User.for_update(session, user_id)
    if user.closed_at is not None:
        raise Missing
    why = guard_asker(user, actor, reason)
    known = open_request(session, user_id, DataRequestKind.DELETION)
    if known is not None:
        return known
    refuse_held(session, user, now=now)
    request = DataRequest(
        user_id=user.id,
        kind=DataRequestKind.DELETION,
        requested_at=now,
        requested_by=actor.user_id,
        reason=why,
        due_at=now + GRACE,
    )
    session.add(request)
    emit(session, "accounts.deletion_asked", request, actor=actor, reason=why)
    return request


def undo_deletion(
    session: Session, request_id: UUID, *, actor: Actor, now: datetime, reason: str | None = None
) -> DataRequest:
    """Keep the account after all. A second call changes nothing. Raises NothingToUndo once done."""
    request = DataRequest.for_update(session, request_id)
    if request.status is S.CANCELLED:
        return request
    if request.kind is not DataRequestKind.DELETION or request.status is not S.ASKED:
        raise NothingToUndo
    why = guard_asker(User.get(session, request.user_id), actor, reason)
    request.become(S.CANCELLED)
    request.ended_at = now
    emit(session, "accounts.deletion_undone", request, actor=actor, reason=why)
    return request


def delete_account(
    session: Session, request_id: UUID, *, actor: Actor, now: datetime
) -> DataRequest:
    """Delete the account of a request whose days are over; one not due, or done, stays as it is.

    Raises what holds the account, as when it was asked for.
    """
    leaving = User.get(session, DataRequest.get(session, request_id).user_id)
    lock_links(session, leaving.platform, leaving.email)
    user = User.for_update(session, leaving.id)
    request = DataRequest.for_update(session, request_id)
    if request.status is not S.ASKED or request.due_at is None or request.due_at > now:
        return request
    refuse_held(session, user, now=now)
    address, locale = user.email, user.locale
    _empty(session, user, actor=actor, now=now)
    request.become(S.DONE)
    request.ended_at, request.held_by = now, None
    emit(session, "accounts.account_deleted", request, actor=actor)
    mail_user(session, user, FAREWELL, about=request.id, to_email=address, locale=locale)
    return request


def note_held(
    session: Session, request_id: UUID, refusal: DomainError, *, actor: Actor
) -> DataRequest:
    """Write down what kept a deletion from happening; it is tried again each night.

    Told once, and again only where something else holds it by now.
    """
    request = DataRequest.for_update(session, request_id)
    if request.status is not S.ASKED or request.held_by == refusal.code:
        return request
    request.held_by = refusal.code
    why = {"code": refusal.code, "why": refusal.template, "said": refusal.params}
    emit(session, "accounts.deletion_held", request, actor=actor, data=why)
    return request


def refuse_held(session: Session, user: User, *, now: datetime) -> None:
    """Raise what keeps an account from being deleted: StaffAccount, or what areas hold it by."""
    if user.user_type in STAFF:
        raise StaffAccount
    account_held.send(None, session=session, user_id=user.id, now=now)


def pseudonym_of(user_id: UUID) -> str:
    """What stands for a deleted person where a unique name has to."""
    return f"compte-supprime-{user_id.hex[-20:]}"


def _empty(session: Session, user: User, *, actor: Actor, now: datetime) -> None:
    """Empty every personal field, by statements of which the trail keeps no before and after."""
    pseudonym = pseudonym_of(user.id)
    end_all_sessions(session, user.id, actor=actor, now=now, reason=REASON)
    account_closing.send(
        None, session=session, user_id=user.id, actor=actor, now=now, pseudonym=pseudonym
    )
    address, platform = user.email, user.platform
    nowhere = f"{pseudonym}{NOWHERE}"
    forget_mails(session, user.id, address, platform=platform, nowhere=nowhere)
    drop_picture(user.avatar_url)  # a rollback would not bring it back; the next try goes on
    _forget_doors(session, user)
    _forget_copies(session, user, now=now)
    session.flush()
    session.execute(
        update(User)
        .where(User.id == user.id)
        .values(
            email=nowhere,
            email_verified_at=None,
            display_name="",
            bio="",
            avatar_url=None,
            suspension_reason=None,
            closed_at=now,
            updated_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire(user)


def _forget_doors(session: Session, user: User) -> None:
    """The ways in, and from where they were used."""
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user.id)
        .values(ip=None, user_agent="", device="", browser="", os="")
        .execution_options(synchronize_session=False)
    )
    links = MagicLink.email == user.email, MagicLink.platform == user.platform
    session.execute(delete(MagicLink).where(*links))
    for table in (EmailChange, RecoveryCode, SecondFactor, SilencedMail):
        session.execute(delete(table).where(table.user_id == user.id))


def _forget_copies(session: Session, user: User, *, now: datetime) -> None:
    copies = session.scalars(
        select(DataRequest)
        .where(
            DataRequest.user_id == user.id,
            DataRequest.kind == DataRequestKind.COPY,
            DataRequest.status.in_([S.ASKED, S.READY]),
        )
        .order_by(DataRequest.id)
        .with_for_update()
    )
    for copy in copies:
        copy.become(S.EXPIRED if copy.status is S.READY else S.CANCELLED)
        copy.content, copy.ended_at = None, now
