"""What a purchase lets be done to it as it stands, and the refusals of what it does not."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.errors import N_, DomainError

OPEN = (AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION)


class NotRunning(DomainError):
    code = "not_running"
    message = N_("This purchase has ended. It can be bought again.")


class PeriodOver(DomainError):
    """The period that was paid for is over, or so near its end that nothing can be undone."""

    code = "period_over"
    message = N_("The period that was paid for is over: this can no longer be undone.")


class NeverRenews(DomainError):
    code = "never_renews"
    message = N_("Nothing more is ever charged for this purchase.")


class Complimentary(DomainError):
    code = "complimentary"
    message = N_("This access was given free: there is nothing to pay and nothing to change.")


class PastDue(DomainError):
    code = "past_due"
    message = N_("A payment is due. It has to be made first, with another card if need be.")


class Cancelling(DomainError):
    code = "cancelling"
    message = N_("This purchase is cancelled and ends by itself. Take the cancellation back first.")


class ContractRenounced(DomainError):
    code = "contract_renounced"
    message = N_("This contract was withdrawn from, so nothing more is charged.")


class PaymentUnderWay(DomainError):
    """An invoice waits for its payment, or for word of it."""

    code = "payment_under_way"
    message = N_("A payment is being made. Wait until its outcome is known, then try again.")


def running(session: Session, customer_id: UUID) -> Customer:
    """A running purchase, its row locked. Raises Missing or NotRunning."""
    customer = Customer.for_update(session, customer_id)
    if not customer.is_running:
        raise NotRunning
    return customer


def refuse_under_way(session: Session, customer: Customer) -> None:
    """Raises PaymentUnderWay while an invoice of this customer waits for its payment."""
    waiting = session.scalar(
        select(Invoice.id)
        .where(
            Invoice.customer_id == customer.id,
            Invoice.status.in_([InvoiceStatus.DRAFT, InvoiceStatus.PENDING]),
        )
        .limit(1)
    )
    if waiting is not None:
        raise PaymentUnderWay


def payment_unknown(session: Session, customer: Customer) -> bool:
    """Whether money may be on its way for an invoice of this customer."""
    found = (
        select(PaymentAttempt.id)
        .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
        .where(Invoice.customer_id == customer.id, PaymentAttempt.outcome.in_(OPEN))
        .limit(1)
    )
    return session.scalar(found) is not None


def ends_at(customer: Customer) -> datetime | None:
    """When what was paid for, or the trial, ends; None for what stays for good."""
    if customer.status is CustomerStatus.TRIAL:
        return customer.trial_ends_at
    if customer.status is CustomerStatus.PAST_DUE:  # its trial may have ended unpaid
        return customer.subscription_ends_at or customer.trial_ends_at
    return customer.subscription_ends_at
