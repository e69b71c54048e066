"""Forgetting what signing in leaves behind, once nobody can need it any more."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from models.accounts.data_request import next_request_due
from models.accounts.email_change import EmailChange
from models.accounts.magic_link import MagicLink
from models.accounts.user_session import UserSession

SESSIONS_KEPT = timedelta(days=30)
LINKS_KEPT = timedelta(days=30)
"""After their end. Long enough to answer "who signed in from where?", and no longer."""


def purge_sessions(session: Session, *, now: datetime) -> int:
    """Delete sessions that ended 30 days ago or earlier; answers how many."""
    ended = now - SESSIONS_KEPT
    return _count(
        session.execute(
            delete(UserSession).where(
                or_(UserSession.expires_at < ended, UserSession.revoked_at < ended)
            )
        )
    )


def purge_magic_links(session: Session, *, now: datetime) -> int:
    """Delete links and codes that ended 30 days ago or earlier; answers how many."""
    return _count(session.execute(delete(MagicLink).where(MagicLink.expires_at < now - LINKS_KEPT)))


def purge_email_changes(session: Session, *, now: datetime) -> int:
    """Delete asked changes of address that ended 30 days ago or earlier; answers how many."""
    ended = EmailChange.expires_at < now - LINKS_KEPT
    return _count(session.execute(delete(EmailChange).where(ended)))


def next_to_forget() -> Select[Any]:
    """Asks when the next of them has ended long enough ago; NULL where there is none."""
    ended = [
        select(func.min(UserSession.expires_at) + SESSIONS_KEPT),
        select(func.min(UserSession.revoked_at) + SESSIONS_KEPT),
        select(func.min(MagicLink.expires_at) + LINKS_KEPT),
        select(func.min(EmailChange.expires_at) + LINKS_KEPT),
        next_request_due(),
    ]
    return select(func.least(*(question.scalar_subquery() for question in ended)))


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
