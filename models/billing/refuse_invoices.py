"""What a refused or failed charge of an invoice does: dunning, step by step, to its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.billing.apply_switch import give_up_switch
from models.billing.customer import Customer, CustomerStatus
from models.billing.decline_codes import decline_of
from models.billing.end_subscription import end_subscriptions
from models.billing.invoice import InvoiceKind, InvoiceStatus
from models.billing.next_charge import next_charge
from models.billing.pay_invoices import Case
from models.billing.payment_attempt import AttemptOutcome
from models.oversight import Actor, emit_all
from models.settings import current_settings

NOT_PAID = "payment_failed"


def refuse_invoices(
    session: Session, cases: Sequence[Case], *, actor: Actor, now: datetime
) -> None:
    """Draw the consequences of attempts that ended without money.

    A refusal by the bank makes its customer PAST_DUE and each further one uses up a retry; a
    code that never passes by itself, or the last retry's, ends the purchase as EXPIRED. An
    error of ours or the PSP's uses up nothing: the next run tries again. Nor does a refusal
    of a charge that the customer asked for, and a change of plan is given up.
    """
    told: list[tuple[Customer, dict[str, Any]]] = []
    ending: list[Customer] = []
    for case in cases:
        if case.invoice.status is not InvoiceStatus.PENDING:
            continue
        if case.invoice.kind is InvoiceKind.UPGRADE:
            because = case.attempt.decline_code or case.attempt.message
            give_up_switch(session, case.invoice, because=because, now=now, actor=actor)
            continue
        if case.attempt.outcome is not AttemptOutcome.DECLINED:
            continue
        is_first = case.customer.first_failed_at is None
        is_over = case.attempt.uses_retry and _use_retry(case, now)
        if is_over:
            ending.append(case.customer)
        told.append((case.customer, _facts(case, is_first=is_first, is_over=is_over)))
    emit_all(session, "billing.renewal_declined", told, actor=actor)
    end_subscriptions(
        session, ending, CustomerStatus.EXPIRED, actor=actor, now=now, reason=NOT_PAID
    )


def _use_retry(case: Case, now: datetime) -> bool:
    """Count a refusal; True where no further retry may follow."""
    customer = case.customer
    if customer.status is CustomerStatus.PAST_DUE:
        customer.dunning_step += 1
    else:
        customer.become(CustomerStatus.PAST_DUE)
        customer.first_failed_at, customer.dunning_step = now, 0
    customer.next_charge_at = next_charge(customer)
    retries = len(current_settings().dunning_days)
    return decline_of(case.attempt.decline_code).is_hard or customer.dunning_step >= retries


def _facts(case: Case, *, is_first: bool, is_over: bool) -> dict[str, Any]:
    customer = case.customer
    return {
        "user_id": customer.user_id,
        "product_id": customer.product_id,
        "invoice_id": case.invoice.id,
        "amount": case.invoice.amount_including_tax,
        "attempt_no": case.attempt.attempt_no,
        "code": case.attempt.decline_code,
        "is_first": is_first and case.attempt.uses_retry,
        "is_over": is_over,
        "retry_at": None if is_over else customer.next_charge_at,
    }
