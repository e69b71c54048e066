"""Charging one open invoice at once: a new card's, or a change of plan's. A composition."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import User
from models.accounts.site import site_url
from models.billing.charge_answers import send_charges, settle_answers
from models.billing.customer import Customer
from models.billing.due_renewals import UNDER_WAY
from models.billing.invoice import EVER_PAID, Invoice, InvoiceLine, InvoiceStatus
from models.billing.invoice_attempt import attempt_for, cards_by_id, charge_for
from models.billing.open_renewals import OpenedCharge
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.errors import N_, DomainError
from models.session import staff_reading, unit_of_work

BACK_PATH = "/settings"


class NothingToPay(DomainError):
    """The invoice was voided: nobody is to pay it any more."""

    code = "nothing_to_pay"
    message = N_("This invoice is void: there is nothing to pay.")


def charge_invoice(
    invoice_id: UUID, *, uses_retry: bool, off_session: bool = True
) -> AttemptOutcome:
    """Charge the customer's default card for an open invoice, and settle the answer.

    ``off_session`` says that the customer is not there to be sent to their bank; where they
    are, NEEDS_ACTION leaves the bank's page on the attempt. An invoice that is paid, or with
    an attempt under way, is not charged again: the standing outcome is answered. Raises
    Missing, or NothingToPay for a voided one.
    """
    with unit_of_work() as session:
        opened = _open(
            session, invoice_id, uses_retry=uses_retry, off_session=off_session, now=clock.now()
        )
    if isinstance(opened, AttemptOutcome):
        return opened
    settle_answers(send_charges([opened]))
    with staff_reading() as session:
        return PaymentAttempt.get(session, opened.attempt_id).outcome


def _open(
    session: Session, invoice_id: UUID, *, uses_retry: bool, off_session: bool, now: datetime
) -> OpenedCharge | AttemptOutcome:
    customer = Customer.for_update(session, Invoice.get(session, invoice_id).customer_id)
    invoice = Invoice.for_update(session, invoice_id)
    if invoice.status in EVER_PAID:
        return AttemptOutcome.SUCCEEDED
    if invoice.status is InvoiceStatus.VOID:
        raise NothingToPay
    under_way, tried = session.execute(
        select(
            func.max(PaymentAttempt.outcome).filter(PaymentAttempt.outcome.in_(UNDER_WAY)),
            func.coalesce(func.max(PaymentAttempt.attempt_no), 0),
        ).where(PaymentAttempt.invoice_id == invoice_id)
    ).one()
    if under_way is not None:
        return AttemptOutcome(under_way)
    key = customer.default_payment_method_id
    card = cards_by_id(session, [key]).get(key) if key else None
    columns = {
        "id": invoice.id,
        "amount_including_tax": invoice.amount_including_tax,
        "currency": invoice.currency,
    }
    attempt = attempt_for(columns, tried + 1, card, uses_retry=uses_retry, now=now)
    session.execute(insert(PaymentAttempt), [attempt])
    if card is None:
        return OpenedCharge(attempt["id"], None)
    back = None
    if not off_session:
        back = f"{site_url(User.get(session, customer.user_id).platform)}{BACK_PATH}"
    label = session.scalars(
        select(InvoiceLine.label)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position)
        .limit(1)
    ).first()
    charge = charge_for(
        attempt, card, customer_id=customer.id, description=label or "", return_url=back
    )
    return OpenedCharge(attempt["id"], charge)
