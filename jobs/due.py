"""When each periodic job would next find something to do, for simulations that skip idle ticks.

Answers the earliest such instant, or None where nothing waits. Answering too early costs a
run that does nothing; answering too late would lose one, so each errs on the early side.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation import mature, store_clicks, tidy_clicks
from models.billing.expire_captures import next_expiry
from models.billing.resolve_unknown import oldest_unknown
from models.catalog import WebhookDelivery, WebhookStatus
from models.oversight import MailStatus, OutboxEvent, OutgoingMail


def outbox(session: Session) -> datetime | None:
    """Since when the oldest untold event waits."""
    return session.scalar(
        select(func.min(OutboxEvent.created_at)).where(OutboxEvent.dispatched_at.is_(None))
    )


def mails(session: Session) -> datetime | None:
    """When the next mail wants to be sent."""
    return session.scalar(
        select(func.min(OutgoingMail.next_try_at)).where(OutgoingMail.status == MailStatus.QUEUED)
    )


def webhooks(session: Session) -> datetime | None:
    """When the next endpoint is to be told."""
    return session.scalar(
        select(func.min(WebhookDelivery.next_try_at)).where(
            WebhookDelivery.status == WebhookStatus.QUEUED
        )
    )


def unknown_payments(session: Session) -> datetime | None:
    """Since when the oldest attempt of unknown outcome, or uncharged card, waits."""
    return oldest_unknown(session)


def checkouts(session: Session) -> datetime | None:
    """When the next open checkout expires."""
    return next_expiry(session)


def clicks(_session: Session) -> datetime | None:
    """Now, where clicks wait in Redis."""
    return clock.now() if store_clicks.clicks_wait() else None


def commissions(session: Session) -> datetime | None:
    """When the next client loses the right to withdraw."""
    return mature.next_elapsing(session)


def addresses(session: Session) -> datetime | None:
    """When the next address of a click is to be hashed."""
    return tidy_clicks.next_to_hash(session)


def never(_session: Session) -> None:
    """For what changes nothing: a simulation proves its ledger at the end."""
    return
