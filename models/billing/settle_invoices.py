"""Settling invoices: what the PSP said of their attempts, many at once, in one transaction.

The answers to a run's charges, to a new card's, the webhooks and the look-ups all end here:
the first word that settles an attempt does, the others find it done.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import among
from models.billing.customer import Customer
from models.billing.invoice import EVER_PAID, Invoice, InvoiceStatus
from models.billing.pay_invoices import Case, pay_invoices
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.provider import Payment, PaymentOutcome
from models.billing.refuse_invoices import refuse_invoices
from models.billing.silence import ABANDONED_AFTER, give_up_invoice_after
from models.many_rows import written_together
from models.oversight import Actor

Row = TypeVar("Row", Customer, Invoice, PaymentAttempt)


@dataclass(frozen=True)
class Settled:
    """The PSP's word on one attempt at an invoice."""

    attempt_id: UUID
    payment: Payment


@dataclass
class Settlement:
    """How the attempts of some words stand, whoever brought the word that settled each:
    ``amount`` in cents is what was charged; ``to_explain`` says per attempt what a person has
    to look at; ``changed`` are the attempts that these words moved."""

    charged: int = 0
    amount: int = 0
    declined: int = 0
    errors: int = 0
    unknown: int = 0
    changed: set[UUID] = field(default_factory=set)
    to_explain: dict[UUID, str] = field(default_factory=dict)


def settle_invoices(
    session: Session, settled: Sequence[Settled], *, actor: Actor, now: datetime
) -> Settlement:
    """Bring attempts at invoices to what the PSP says of them; a repeated word changes nothing.

    A success pays the invoice, moves its customer's dates and lets affiliates earn; a refusal
    begins or continues the dunning, or ends the purchase; an error changes the attempt alone,
    so that the next run tries again; a word that settles nothing leaves it open. Money for
    what was given up, paid otherwise or ended meanwhile is left for a person to explain.
    """
    result = Settlement()
    paid: list[Case] = []
    refused: list[Case] = []
    with session.no_autoflush:  # each row is written once
        cases = _cases(session, settled)
        for case in cases:
            outcome = _judge(session, case, result, now)
            if outcome is None:
                continue
            case.attempt.become(outcome)
            result.changed.add(case.attempt.id)
            if outcome is AttemptOutcome.NEEDS_ACTION:
                case.attempt.redirect_url = case.payment.redirect_url
                continue
            case.attempt.redirect_url, case.attempt.finished_at = None, now
            if outcome is not AttemptOutcome.SUCCEEDED:
                refused.append(case)
            elif case.invoice.status is InvoiceStatus.PENDING:
                paid.append(case)
        with written_together(session, _rows(cases)):
            pay_invoices(session, paid, actor=actor, now=now)
            refuse_invoices(session, refused, actor=actor, now=now)
    _count(result, cases)
    return result


def _rows(cases: Sequence[Case]) -> Iterator[Customer | Invoice | PaymentAttempt]:
    for case in cases:
        yield from (case.customer, case.invoice, case.attempt)


def _count(result: Settlement, cases: Sequence[Case]) -> None:
    """A run's summary is of all that it charged: a webhook may have been faster than its answer."""
    for case in cases:
        match case.attempt.outcome:
            case AttemptOutcome.SUCCEEDED:
                result.charged += 1
                result.amount += case.attempt.amount
            case AttemptOutcome.DECLINED:
                result.declined += 1
            case AttemptOutcome.ERROR:
                result.errors += 1
            case _:
                result.unknown += 1


def _cases(session: Session, settled: Sequence[Settled]) -> list[Case]:
    """The rows of each word in the words' order; customers are locked before their invoices,
    and these before their attempts, each by key."""
    words = {word.attempt_id: word.payment for word in settled}
    places = session.execute(_PLACES, {"keys": list(words)})
    where = {attempt: (invoice, customer) for attempt, invoice, customer in places}
    customers = _locked(session, Customer, {customer for _, customer in where.values()})
    invoices = _locked(session, Invoice, {invoice for invoice, _ in where.values()})
    attempts = _locked(session, PaymentAttempt, where)
    return [
        Case(attempts[key], invoices[where[key][0]], customers[where[key][1]], payment)
        for key, payment in words.items()
        if key in where
    ]


def _locked(session: Session, table: type[Row], keys: Collection[UUID]) -> dict[UUID, Row]:
    return {row.id: row for row in table.held_all(session, keys)}


_PLACES = (
    select(PaymentAttempt.id, Invoice.id, Invoice.customer_id)
    .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
    .where(among(PaymentAttempt.id, "keys"))
)


def _judge(
    session: Session, case: Case, result: Settlement, now: datetime
) -> AttemptOutcome | None:
    """What an attempt becomes by the PSP's word; None where it stays what it is."""
    attempt, payment = case.attempt, case.payment
    if not attempt.is_open:
        return _judge_closed(session, case, result)
    if payment.payment_id:
        attempt.psp_payment_id = payment.payment_id
    match payment.outcome:
        case PaymentOutcome.SUCCEEDED:
            return _judge_success(case, result)
        case PaymentOutcome.DECLINED:
            attempt.decline_code = payment.decline_code
            return AttemptOutcome.DECLINED
        case PaymentOutcome.ERROR:
            attempt.message = payment.error_code
            return AttemptOutcome.ERROR
        case PaymentOutcome.NEEDS_ACTION:
            return _judge_question(attempt, now)
        case PaymentOutcome.NOT_FOUND if now >= attempt.started_at + give_up_invoice_after():
            attempt.message = "never_arrived"
            return AttemptOutcome.ERROR
    attempt.message = payment.error_code or payment.psp_status
    return None


def _judge_success(case: Case, result: Settlement) -> AttemptOutcome | None:
    """A success that fits its attempt; what does not fit leaves the attempt as it is."""
    attempt, payment, status = case.attempt, case.payment, case.invoice.status
    why = None
    if payment.amount is not None and payment.amount != attempt.amount:
        why = "another_amount"
    elif payment.currency and payment.currency != attempt.currency:
        why = "another_currency"
    elif status in EVER_PAID:
        why = "invoice_paid_already"
    if why is not None:
        result.to_explain[attempt.id] = why
        return None
    if status is not InvoiceStatus.PENDING:
        result.to_explain[attempt.id] = "paid_after_void"
    return AttemptOutcome.SUCCEEDED


def _judge_question(attempt: PaymentAttempt, now: datetime) -> AttemptOutcome | None:
    """A bank that asks for its client: a refusal where nobody was there to answer it."""
    if attempt.uses_retry:
        attempt.decline_code = "authentication_required"
        return AttemptOutcome.DECLINED
    if attempt.outcome is not AttemptOutcome.NEEDS_ACTION:
        return AttemptOutcome.NEEDS_ACTION
    if now < attempt.started_at + ABANDONED_AFTER:
        return None
    attempt.message = "abandoned"
    return AttemptOutcome.ERROR


def _judge_closed(session: Session, case: Case, result: Settlement) -> AttemptOutcome | None:
    """A repeated word is nothing; money for what was given up pays, unless it was tried again."""
    attempt, payment = case.attempt, case.payment
    if payment.outcome is not PaymentOutcome.SUCCEEDED:
        return None
    if attempt.outcome is AttemptOutcome.SUCCEEDED:
        if payment.payment_id and payment.payment_id != attempt.psp_payment_id:
            result.to_explain[attempt.id] = "second_payment_of_one_attempt"
        return None
    waits = case.invoice.status is InvoiceStatus.PENDING
    if attempt.outcome is AttemptOutcome.ERROR and waits and not _followed(session, attempt):
        attempt.psp_payment_id = payment.payment_id
        return _judge_success(case, result)
    result.to_explain[attempt.id] = f"paid_after_{attempt.outcome.value.lower()}"
    return None


def _followed(session: Session, attempt: PaymentAttempt) -> bool:
    """Whether the invoice was tried again after this attempt."""
    later = select(PaymentAttempt.id).where(
        PaymentAttempt.invoice_id == attempt.invoice_id,
        PaymentAttempt.attempt_no > attempt.attempt_no,
    )
    return session.scalar(later.limit(1)) is not None
