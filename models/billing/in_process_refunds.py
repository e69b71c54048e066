"""The refunds of the in-process twin: each key answers what its first call did."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

from models.billing.provider import (
    Payment,
    PaymentOutcome,
    RefundAnswer,
    RefundedCharge,
    RefundRequest,
)


class RefundDesk:
    """Gives back in memory what was paid, never more. ``refunds`` lists them by their id."""

    def __init__(self, payments: Mapping[str, Payment], next_id: Callable[[str], str]) -> None:
        self.refunds: dict[str, RefundAnswer] = {}
        self._payments = payments
        self._next_id = next_id
        self._by_key: dict[str, tuple[RefundRequest, str]] = {}
        self.given_back: dict[str, int] = defaultdict(int)

    def give_back(self, request: RefundRequest, *, pending: bool) -> RefundAnswer:
        """Give back once; ``pending`` leaves it to ``settle``."""
        if request.key in self._by_key:
            before, refund_id = self._by_key[request.key]
            if before != request:
                return RefundAnswer(PaymentOutcome.UNKNOWN, error_code="idempotency_error")
            return self.refunds[refund_id]
        payment = self._payments.get(request.payment_id)
        if payment is None or payment.outcome is not PaymentOutcome.SUCCEEDED:
            return RefundAnswer(PaymentOutcome.ERROR, error_code="resource_missing")
        if self.given_back[request.payment_id] + request.amount > (payment.amount or 0):
            return RefundAnswer(PaymentOutcome.DECLINED, error_code="charge_already_refunded")
        self.given_back[request.payment_id] += request.amount
        refund_id = self._next_id("re")
        answer = RefundAnswer(
            PaymentOutcome.PENDING if pending else PaymentOutcome.SUCCEEDED,
            refund_id,
            key=request.key,
            payment_id=request.payment_id,
            amount=request.amount,
        )
        self.refunds[refund_id] = answer
        self._by_key[request.key] = (request, refund_id)
        return answer

    def find(self, key: str, refund_id: str | None) -> RefundAnswer:
        """A refund by its id, else by its key."""
        found = refund_id or self._by_key.get(key, (None, ""))[1]
        return self.refunds.get(found) or RefundAnswer(PaymentOutcome.NOT_FOUND, key=key)

    def settle(self, refund_id: str, *, succeeded: bool = True) -> RefundAnswer:
        """Play the bank: a pending refund arrives, or comes back."""
        answer = self.refunds[refund_id]
        if succeeded:
            answer = replace(answer, outcome=PaymentOutcome.SUCCEEDED)
        else:
            self.given_back[str(answer.payment_id)] -= answer.amount or 0
            answer = replace(answer, outcome=PaymentOutcome.DECLINED, error_code="declined")
        self.refunds[refund_id] = answer
        return answer

    def charge(self, payment_id: str) -> RefundedCharge:
        """What was given back of a payment in all."""
        return RefundedCharge(payment_id, self.given_back[payment_id])
