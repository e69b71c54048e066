"""What is kept of what endpoints were told: no address of who is no more, and nothing for long."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models.catalog.webhook_delivery import WebhookDelivery, WebhookStatus

WEBHOOKS_KEPT = timedelta(days=30)
"""After they were queued, once delivered or given up; tries are over after three days."""

OVER = WebhookDelivery.status != WebhookStatus.QUEUED


def forget_buyers(session: Session, customer_ids: Iterable[UUID]) -> None:
    """Empty the address of a deleted buyer in what was, or is still to be, told of their
    purchases. The sale itself stays told."""
    theirs = WebhookDelivery.data["customer"].astext.in_([str(key) for key in customer_ids])
    emptied = WebhookDelivery.data.op("||")(cast({"email": None}, JSONB))
    session.execute(
        update(WebhookDelivery)
        .where(theirs, WebhookDelivery.data.has_key("email"))
        .values(data=emptied)
        .execution_options(synchronize_session=False)
    )


def purge_webhooks(session: Session, *, now: datetime) -> int:
    """Delete deliveries that are over, 30 days after they were queued; answers how many."""
    result = session.execute(
        delete(WebhookDelivery)
        .where(OVER, WebhookDelivery.created_at < now - WEBHOOKS_KEPT)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def next_webhook_to_forget() -> Select[Any]:
    """Asks when the next of them is to be deleted; NULL where there is none."""
    return select(func.min(WebhookDelivery.created_at) + WEBHOOKS_KEPT).where(OVER)
