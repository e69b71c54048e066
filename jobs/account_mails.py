"""Mails about accounts: what changed on one's account, told where it may not have been oneself."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts import DataRequest, DataRequestStatus, User
from models.accounts.mail_user import mail_user
from models.base import Json
from models.oversight import OutboxEvent


def mail_email_changed(session: Session, event: OutboxEvent) -> None:
    """Tell the old address that the account has left it: it may not have been its holder."""
    user = User.get(session, UUID(event.subject_id))
    mail_user(
        session,
        user,
        "email_changed",
        {"now": user.email, "changed_at": event.created_at},
        about=event.id,
        to_email=event.data["former"],
    )


def mail_second_factor_reset(session: Session, event: OutboxEvent) -> None:
    """Tell somebody that their second factor is gone: it may not have been at their wish."""
    user = User.get(session, UUID(event.subject_id))
    said = {"reset_at": event.created_at}
    mail_user(session, user, "second_factor_reset", said, about=event.id)


def mail_data_ready(session: Session, event: OutboxEvent) -> None:
    """Tell the person that their copy can be downloaded, unless its days are over already."""
    request = _request(session, event)
    if request.status is DataRequestStatus.READY:
        _to_person(session, "data_ready", request, {"until": request.expires_at})


def mail_deletion_asked(session: Session, event: OutboxEvent) -> None:
    """Tell the person when their account goes, and how to keep it: it may not have been them."""
    request = _request(session, event)
    if request.status is DataRequestStatus.ASKED:
        said = {"at": request.due_at, "by_us": request.requested_by != request.user_id}
        _to_person(session, "deletion_asked", request, said)


def mail_deletion_held(session: Session, event: OutboxEvent) -> None:
    """Tell the person what keeps their account from being deleted, once for each such thing."""
    request, held_by = _request(session, event), event.data["code"]
    if request.status is DataRequestStatus.ASKED and request.held_by == held_by:
        said = {"why": event.data["why"], "said": event.data["said"]}
        _to_person(session, "deletion_held", request, said, about=f"{request.id}:{held_by}")


def mail_deletion_undone(session: Session, event: OutboxEvent) -> None:
    """Tell the person that their account stays."""
    _to_person(session, "deletion_undone", _request(session, event), {})


def _request(session: Session, event: OutboxEvent) -> DataRequest:
    return DataRequest.get(session, UUID(event.subject_id))


def _to_person(
    session: Session, kind: str, request: DataRequest, said: Json, *, about: object = None
) -> None:
    user = User.get(session, request.user_id)
    mail_user(session, user, kind, said, about=about or request.id)
