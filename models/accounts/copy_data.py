"""A copy of everything held on a person: asked for, made by a job, kept some days."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts.data_request import DataRequest, DataRequestKind, S, open_request
from models.accounts.suspend_user import guard_target, said
from models.accounts.user import User
from models.errors import Missing
from models.oversight import Actor, emit
from models.session import defer

MAKE = "accounts-copy-data"
KEPT = timedelta(days=7)
AGAIN_AFTER = timedelta(hours=24)


def ask_copy(
    session: Session, user_id: UUID, *, actor: Actor, now: datetime, reason: str | None = None
) -> DataRequest:
    """Ask for a copy of everything held on a person; a job makes it and a mail tells of it.

    One that is being made, or was asked less than a day ago and can be downloaded, is given
    back instead of another. Whoever asks for somebody else gives a ``reason``: the copy is
    for the person alone all the same. Raises Missing for a deleted account, ReasonMissing
    and OwnerIsOutOfReach.
    """
    user = User.for_update(session, user_id)
    if user.closed_at is not None:
        raise Missing
    why = guard_asker(user, actor, reason)
    known = open_request(session, user_id, DataRequestKind.COPY) or _recent(session, user, now)
    if known is not None:
        return known
    request = DataRequest(
        user_id=user.id,
        kind=DataRequestKind.COPY,
        requested_at=now,
        requested_by=actor.user_id,
        reason=why,
    )
    session.add(request)
    emit(session, "accounts.data_copy_asked", request, actor=actor, reason=why)
    defer(session, MAKE)
    return request


def guard_asker(user: User, actor: Actor, reason: str | None) -> str | None:
    """People ask for themselves; staff for others, with a reason, which is given back.

    Raises ReasonMissing and OwnerIsOutOfReach.
    """
    if actor.user_id == user.id:
        return None
    guard_target(user, actor)
    return said(reason or "")


def keep_copy(
    session: Session, request_id: UUID, content: bytes, *, actor: Actor, now: datetime
) -> DataRequest:
    """Keep a finished copy for its person. One that is there already, or given up, stays so."""
    request = DataRequest.for_update(session, request_id)
    if request.status is not S.ASKED:
        return request
    request.become(S.READY)
    request.content, request.size = content, len(content)
    request.ended_at, request.expires_at = now, now + KEPT
    emit(session, "accounts.data_copy_ready", request, actor=actor)
    return request


def forget_copies(session: Session, *, now: datetime) -> int:
    """Empty the copies whose days are over; answers how many."""
    over = session.scalars(
        select(DataRequest)
        .where(DataRequest.status == S.READY, DataRequest.expires_at <= now)
        .order_by(DataRequest.id)
        .with_for_update()
    ).all()
    for request in over:
        request.become(S.EXPIRED)
        request.content = None
    return len(over)


def _recent(session: Session, user: User, now: datetime) -> DataRequest | None:
    return session.scalar(
        select(DataRequest)
        .where(
            DataRequest.user_id == user.id,
            DataRequest.status == S.READY,
            DataRequest.requested_at > now - AGAIN_AFTER,
        )
        .limit(1)
    )
