"""Refunds at the PSP (Stripe) in the port's words: giving back, finding, reading."""

import json
from collections.abc import Mapping
from typing import Any

from stripe import StripeClient

from models.billing.provider import PaymentOutcome, RefundAnswer, RefundedCharge, RefundRequest

_OUTCOMES = {
    "succeeded": PaymentOutcome.SUCCEEDED,
    "failed": PaymentOutcome.DECLINED,
    "canceled": PaymentOutcome.DECLINED,
}
_UNREFUNDABLE = ("charge_already_refunded", "charge_disputed", "amount_too_large")
_BEST_FIRST = (PaymentOutcome.SUCCEEDED, PaymentOutcome.PENDING, PaymentOutcome.DECLINED)


def give_back(psp: StripeClient, request: RefundRequest) -> RefundAnswer:
    """Refund part or all of a payment. Raises StripeError."""
    params: Any = {
        "payment_intent": request.payment_id,
        "amount": request.amount,
        "metadata": {**request.metadata, "refund_key": request.key},
    }
    made = psp.v1.refunds.create(params, {"idempotency_key": request.key})
    return refund_of(made.to_dict())


def find_refund(
    psp: StripeClient, key: str, payment_id: str, refund_id: str | None
) -> RefundAnswer:
    """A refund by its id where known, else among all of its payment by our key: the list is
    never behind, as a search may be. Raises StripeError."""
    if refund_id:
        return refund_of(psp.v1.refunds.retrieve(refund_id).to_dict())
    listed = psp.v1.refunds.list({"payment_intent": payment_id, "limit": 100})
    found = [refund_of(refund.to_dict()) for refund in listed.auto_paging_iter()]
    ours = [answer for answer in found if answer.key == key]
    ours.sort(key=lambda answer: _BEST_FIRST.index(answer.outcome))
    return ours[0] if ours else RefundAnswer(PaymentOutcome.NOT_FOUND, key=key)


def refund_of(refund: Mapping[str, Any]) -> RefundAnswer:
    """A Refund object; one that the bank still has to take is PENDING."""
    status = str(refund.get("status"))
    outcome = _OUTCOMES.get(status, PaymentOutcome.PENDING)
    failed = outcome is PaymentOutcome.DECLINED
    return RefundAnswer(
        outcome=outcome,
        refund_id=refund.get("id"),
        error_code=str(refund.get("failure_reason") or status) if failed else None,
        key=(refund.get("metadata") or {}).get("refund_key"),
        payment_id=refund.get("payment_intent"),
        amount=refund.get("amount"),
        raw=json.dumps(dict(refund), default=str),
    )


def charge_of(charge: Mapping[str, Any]) -> RefundedCharge:
    """A Charge object: how much of which payment was given back."""
    return RefundedCharge(
        payment_id=str(charge.get("payment_intent") or ""),
        refunded=int(charge.get("amount_refunded") or 0),
    )


def refused(outcome: PaymentOutcome, code: str, key: str) -> RefundAnswer:
    """What an error says of a refund: some codes mean that it never can be."""
    if code in _UNREFUNDABLE:
        outcome = PaymentOutcome.DECLINED
    return RefundAnswer(outcome, error_code=code, key=key)
