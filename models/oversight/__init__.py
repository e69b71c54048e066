"""Oversight: what happened, who did it, what follows from it, and how the machine fares."""

from models.oversight.actor import NOBODY, SYSTEM, Actor
from models.oversight.audit import AuditEvent, history_of
from models.oversight.emit import emit, emit_all
from models.oversight.job_run import JobRun, RunStatus
from models.oversight.mail import MailStatus, OutgoingMail
from models.oversight.outbox import OutboxDelivery, OutboxEvent
from models.oversight.queue_mail import queue_mail
from models.oversight.resend_mail import resend_mail
from models.oversight.run_job import run_now
from models.oversight.system_log import SystemLog

__all__ = [
    "NOBODY",
    "SYSTEM",
    "Actor",
    "AuditEvent",
    "JobRun",
    "MailStatus",
    "OutboxDelivery",
    "OutboxEvent",
    "OutgoingMail",
    "RunStatus",
    "SystemLog",
    "emit",
    "emit_all",
    "history_of",
    "queue_mail",
    "resend_mail",
    "run_now",
]
