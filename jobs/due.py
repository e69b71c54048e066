"""When each periodic job would next find something to do, for simulations that skip idle ticks.

Answers the earliest such instant, or None where nothing waits. Answering too early costs a
run that does nothing; answering too late would lose one, so each errs on the early side.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session

from models import clock
from models.accounts.purge import next_to_forget
from models.affiliation import (
    attribution,
    mature,
    nightly_risk,
    redeem_boost,
    store_clicks,
    tidy_clicks,
)
from models.billing.charge_new_card import oldest_untried
from models.billing.due_renewals import next_renewal
from models.billing.end_periods import next_end
from models.billing.expire_captures import next_expiry
from models.billing.give_notices import next_notice
from models.billing.refund import next_refund_due
from models.billing.resolve_unknown import oldest_unknown
from models.catalog import WebhookDelivery, WebhookStatus
from models.catalog.forget_webhooks import next_webhook_to_forget
from models.oversight import MailStatus, OutboxEvent, OutgoingMail


def outbox(_session: Session) -> Select[Any]:
    """Since when the oldest untold event waits."""
    return select(func.min(OutboxEvent.created_at)).where(OutboxEvent.dispatched_at.is_(None))


def mails(_session: Session) -> Select[Any]:
    """When the next mail wants to be sent."""
    return select(func.min(OutgoingMail.next_try_at)).where(
        OutgoingMail.status == MailStatus.QUEUED
    )


def webhooks(_session: Session) -> Select[Any]:
    """When the next endpoint is to be told."""
    return select(func.min(WebhookDelivery.next_try_at)).where(
        WebhookDelivery.status == WebhookStatus.QUEUED
    )


def unknown_payments(_session: Session) -> Select[Any]:
    """Since when the oldest attempt of unknown outcome, or uncharged card, waits."""
    return select(
        func.least(oldest_unknown().scalar_subquery(), oldest_untried().scalar_subquery())
    )


def notices(_session: Session) -> Select[Any]:
    """When the next customer is to be told ahead of a date."""
    return next_notice()


def checkouts(_session: Session) -> Select[Any]:
    """When the next open checkout expires."""
    return next_expiry()


def refunds(_session: Session) -> Select[Any]:
    """When the PSP is next to be told of a refund, or asked about one."""
    return next_refund_due()


def renewals(_session: Session) -> Select[Any]:
    """When the next subscription is to be charged."""
    return next_renewal()


def ends(_session: Session) -> Select[Any]:
    """When the next purchase ends by itself, or the next grace does."""
    return next_end()


def clicks(_session: Session) -> datetime | None:
    """Now, where clicks wait in Redis."""
    return clock.now() if store_clicks.clicks_wait() else None


def commissions(_session: Session) -> Select[Any]:
    """When the next client loses the right to withdraw, or the next part is due."""
    return mature.next_maturing()


def refund_rates(_session: Session) -> Select[Any]:
    """Since when a refund or a risk level wants to be looked at each night."""
    return nightly_risk.next_rating()


def tidying(_session: Session) -> Select[Any]:
    """When the next address of a click is to be hashed, or the next boost or joining is over."""
    instants = union_all(
        tidy_clicks.next_to_hash(),
        redeem_boost.next_expiry_of_boosts(),
        attribution.next_end_of_joinings(),
    ).subquery()
    return select(func.min(instants.c[0]))


def leavings(_session: Session) -> Select[Any]:
    """When the next session, link, copy or webhook is to be forgotten, or the next account
    deleted."""
    soonest = next_to_forget(), next_webhook_to_forget()
    return select(func.least(*(question.scalar_subquery() for question in soonest)))


def never(_session: Session) -> None:
    """For what changes nothing: a simulation proves its ledger at the end."""
    return
