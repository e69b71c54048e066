"""How long the machine's own records are kept. The audit trail is kept for good."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Delete, Update, delete, func, update
from sqlalchemy.orm import Session

from models.oversight.job_run import JobRun, RunStatus
from models.oversight.mail import MailStatus, OutgoingMail
from models.oversight.outbox import OutboxEvent
from models.oversight.system_log import SystemLog

RUNS_KEPT = timedelta(days=90)
IDLE_RUNS_KEPT = timedelta(days=2)
EVENTS_KEPT = timedelta(days=30)
LOGS_KEPT = timedelta(days=90)
SECRETS_KEPT = timedelta(days=1)


def purge_records(session: Session, *, now: datetime) -> dict[str, int]:
    """Delete what is past its time; answers how many of each.

    Runs stay 90 days, those that had nothing to do and no error 2 days; told events 30
    days; system logs 90 days. What was sent to whom stays; a sign-in link that was never
    sent is emptied after a day.
    """
    return {
        "runs": _do(session, delete(JobRun).where(JobRun.due_at < now - RUNS_KEPT))
        + _do(session, _idle_runs(now)),
        "events": _do(
            session, delete(OutboxEvent).where(OutboxEvent.dispatched_at < now - EVENTS_KEPT)
        ),
        "logs": _do(session, delete(SystemLog).where(SystemLog.at < now - LOGS_KEPT)),
        "secrets": _do(session, _old_secrets(now)),
    }


def _idle_runs(now: datetime) -> Delete:
    """Runs that ended well and whose every count is zero."""
    did_something = func.jsonb_path_exists(JobRun.counts, "$.* ? (@ != 0)")
    return delete(JobRun).where(
        JobRun.due_at < now - IDLE_RUNS_KEPT,
        JobRun.status == RunStatus.DONE,
        JobRun.trigger == "schedule",
        JobRun.errors == 0,
        ~did_something,
    )


def _old_secrets(now: datetime) -> Update:
    return (
        update(OutgoingMail)
        .where(
            OutgoingMail.secrets.is_not(None),
            OutgoingMail.status != MailStatus.QUEUED,
            OutgoingMail.created_at < now - SECRETS_KEPT,
        )
        .values(secrets=None)
    )


def _do(session: Session, statement: Any) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))
