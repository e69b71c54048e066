"""Asking a payment back: the client within the law's days, and what can be asked at all."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.customer import Customer
from models.billing.invoice import EVER_PAID, Invoice
from models.billing.refund import Refund, left_to_refund, open_request, refundable_until
from models.errors import N_, DomainError, Missing
from models.oversight import Actor, emit
from models.settings import current_settings


class NothingPaid(DomainError):
    code = "nothing_paid"
    message = N_("Nothing was paid on this invoice: there is nothing to refund.")


class NothingToSend(DomainError):
    """Paid, but not through the provider: it has no payment to send back."""

    code = "nothing_to_send"
    message = N_(
        "The payment provider holds no payment for this invoice: "
        "nothing can be sent back to a card."
    )


class NothingLeft(DomainError):
    code = "nothing_left_to_refund"
    message = N_("All that was paid on this invoice is refunded already, or asked back.")


class TooLate(DomainError):
    """The days of the right of withdrawal are over; the owner may still refund."""

    code = "refund_too_late"
    message = N_("This payment could be asked back within %(days)s days, which are over.")


def request_refund(
    session: Session, invoice_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> Refund:
    """File a client's request for all that is left of an invoice; the owner decides on it.

    A second call answers the request that waits. Raises Missing for somebody else's
    invoice, NothingPaid, NothingToSend, NothingLeft, and TooLate once the days are over.
    """
    invoice = lock_invoice(session, invoice_id)
    buyer = Customer.get(session, invoice.customer_id).user_id
    if actor.user_id not in (None, buyer):
        raise Missing
    waiting = open_request(session, invoice.id)
    if waiting is not None:
        return waiting
    amount = check_refundable(session, invoice)
    until = refundable_until(invoice)
    if until is None or now > until:
        raise TooLate(days=current_settings().withdrawal_right_days)
    refund = file_refund(session, invoice, amount, reason=reason, actor=actor, now=now)
    refund.requested_by = buyer
    emit(
        session,
        "billing.refund_asked",
        refund,
        actor=actor,
        reason=reason,
        data={"invoice_id": invoice.id, "amount": amount},
    )
    return refund


def lock_invoice(session: Session, invoice_id: UUID) -> Invoice:
    """An invoice for the length of the transaction, after its customer: whoever renews or ends
    a purchase locks in that order too. Raises Missing."""
    customer_id = Invoice.get(session, invoice_id).customer_id
    Customer.for_update(session, customer_id)
    return Invoice.for_update(session, invoice_id)


def check_refundable(session: Session, invoice: Invoice) -> int:
    """What can still be asked back. Raises NothingPaid, NothingToSend or NothingLeft."""
    if invoice.status not in EVER_PAID:
        raise NothingPaid
    if not invoice.amount_including_tax:
        raise NothingPaid
    if invoice.psp_payment_id is None:
        raise NothingToSend
    left = left_to_refund(session, invoice)
    if not left:
        raise NothingLeft
    return left


def file_refund(
    session: Session,
    invoice: Invoice,
    amount: int,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Refund:
    """Write a request down, PENDING; the caller has checked it and holds the invoice's lock."""
    refund = Refund(
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        amount=amount,
        currency=invoice.currency,
        reason=reason.strip(),
        requested_by=actor.user_id,
        requested_at=now,
    )
    session.add(refund)
    session.flush()
    return refund
