"""The buyer of a checkout: their row as a lock, and whether they have the product already."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.billing.capture_endpoint import CaptureEndpoint
from models.billing.customer import RUNNING, Customer
from models.catalog import PaymentButton


def lock_buyer(session: Session, capture: CaptureEndpoint) -> User:
    """The buyer's row, locked so that two checkouts of one person go one after the other.

    The weaker lock lets rows that merely point at the person be written meanwhile.
    """
    return session.scalars(
        select(User).where(User.id == capture.user_id).with_for_update(key_share=True)
    ).one()


def has_it_already(session: Session, capture: CaptureEndpoint) -> bool:
    """Whether the buyer is a running customer of what the checkout sells."""
    found = (
        select(Customer.id)
        .join(PaymentButton, PaymentButton.product_id == Customer.product_id)
        .where(
            PaymentButton.id == capture.button_id,
            Customer.user_id == capture.user_id,
            Customer.status.in_(RUNNING),
        )
    )
    return session.scalar(found) is not None
