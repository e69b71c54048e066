"""Mails about renewals that fail, what follows from it, and purchases that end by themselves."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.subscription_mails import mail_customer, named_customer
from models.billing import Customer, CustomerStatus
from models.billing.decline_codes import decline_of
from models.billing.end_subscription import is_end_told
from models.billing.standing import ends_at
from models.oversight import OutboxEvent
from models.settings import current_settings


def mail_payment_failed(session: Session, event: OutboxEvent) -> None:
    """That a renewal was refused, why, and where to enter another card: the first time only."""
    if not event.data["is_first"] or event.data["is_over"]:
        return
    customer = named_customer(session, UUID(event.subject_id))
    said = {
        "amount": event.data["amount"],
        "why": decline_of(event.data["code"]).message,
        "retry_at": event.data["retry_at"],
        "paused_at": _paused_at(customer),
        "customer_id": customer.id,
    }
    mail_customer(session, customer, "payment_failed", said, key=str(event.id))


def mail_payment_recovered(session: Session, event: OutboxEvent) -> None:
    """That the payment went through after all, and what is charged next."""
    customer = named_customer(session, UUID(event.subject_id))
    mail_customer(session, customer, "payment_recovered", {}, key=str(event.id))


def mail_access_paused(session: Session, event: OutboxEvent) -> None:
    """That access is paused until the payment is made, and where to enter another card."""
    customer = named_customer(session, UUID(event.subject_id))
    said = {"customer_id": customer.id}
    mail_customer(session, customer, "access_paused", said, key=str(event.id))


def mail_subscription_ended(session: Session, event: OutboxEvent) -> None:
    """That a purchase has ended, unless its cancellation, or a withdrawal, has said so."""
    customer = named_customer(session, UUID(event.subject_id))
    if not is_end_told(customer, event.data):
        return
    expired = event.data["status"] == CustomerStatus.EXPIRED
    said = {"was_unpaid": expired and event.data["is_unpaid"], "was_ended": not expired}
    mail_customer(session, customer, "subscription_ended", said, key=str(event.id))


def _paused_at(customer: Customer) -> object:
    """When access stops without a payment: the grace's end, never before what was paid for."""
    if customer.first_failed_at is None:
        return None
    grace = customer.first_failed_at + timedelta(hours=24 * current_settings().grace_days)
    end = ends_at(customer)
    return max(grace, end) if end else grace
