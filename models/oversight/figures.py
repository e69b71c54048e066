"""The machine in figures: what failed lately and what waits."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.ids import first_id_at
from models.oversight.job_run import JobRun
from models.oversight.mail import MailStatus, OutgoingMail
from models.oversight.outbox import OutboxEvent


def failed_runs_since(session: Session, since: datetime) -> int:
    """How many runs of jobs had errors since an instant."""
    return (
        session.scalar(
            select(func.count()).where(JobRun.id >= first_id_at(since), JobRun.errors > 0)
        )
        or 0
    )


def mails_waiting(session: Session, *, now: datetime) -> int:
    """How many mails should have been sent by now; one kept for a later day does not wait."""
    return (
        session.scalar(
            select(func.count()).where(
                OutgoingMail.status == MailStatus.QUEUED, OutgoingMail.next_try_at <= now
            )
        )
        or 0
    )


def events_waiting(session: Session) -> int:
    """How many facts have not reached their listeners yet."""
    return session.scalar(select(func.count()).where(OutboxEvent.dispatched_at.is_(None))) or 0
