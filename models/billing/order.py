"""Orders: when a purchase was concluded, and until when its buyer may withdraw from it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.customer import Customer
from models.clock import paris
from models.settings import current_settings

RENOUNCED = "renounced_at"
"""Under this name a customer's ``extra`` notes when the client withdrew from the contract."""


def ordered_at(session: Session, customer_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When each of some customers last ordered; those whose access was given are left out."""
    rows = session.execute(
        select(CaptureEndpoint.customer_id, func.max(CaptureEndpoint.completed_at))
        .where(
            CaptureEndpoint.customer_id.in_(list(customer_ids)),
            CaptureEndpoint.purpose == CapturePurpose.PURCHASE,
            CaptureEndpoint.status == CaptureStatus.COMPLETED,
        )
        .group_by(CaptureEndpoint.customer_id)
    )
    return {key: at for key, at in rows if key is not None and at is not None}


def withdrawal_until(order_at: datetime) -> datetime:
    """The instant from which an order can no longer be withdrawn from.

    The setting's days are days of the Paris calendar, the order's own not counted: an order
    of 10 March at any hour can be withdrawn from until 24 March ends.
    """
    days = current_settings().withdrawal_right_days
    midnight = paris(order_at).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (midnight + timedelta(days=days + 1)).astimezone(UTC)


def renounced_at(customer: Customer, order_at: datetime | None) -> datetime | None:
    """When the client withdrew from the order of this instant; None where they did not."""
    noted = customer.extra.get(RENOUNCED)
    at = datetime.fromisoformat(noted) if noted else None
    return at if at is not None and order_at is not None and at >= order_at else None


def cancelled_by_renouncing(customer: Customer) -> bool:
    """Whether it was the client's withdrawal that cancelled the purchase."""
    at = customer.cancelled_at
    return at is not None and customer.extra.get(RENOUNCED) == at.isoformat()
