"""The in-process twin of the payment provider, for simulations and tests of rules.

No network and no chance: ids come from counters, time from ``models.clock``, outcomes from
the table of test cards. It honours idempotency keys as the PSP does and records every
charge, so that a test can prove that nothing was charged twice.
"""

import json
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from models import clock
from models.billing.in_process_refunds import RefundDesk
from models.billing.provider import (
    BadSignature,
    Capture,
    CaptureRequest,
    CardToRegister,
    ChargeRequest,
    Payment,
    PaymentOutcome,
    PaymentProvider,
    ProviderUnavailable,
    PspEvent,
    RefundAnswer,
    RefundRequest,
    RegisteredCard,
)
from models.billing.sandbox_cards import (
    SUGGESTED_SECURITY_CODE,
    SandboxCard,
    Verdict,
    find_card,
    fingerprint_of,
    judge,
)


class Fault(StrEnum):
    """What can be made to go wrong with the next calls of an act."""

    NOT_SENT = "not_sent"  # the connection was refused: nothing happened
    LOST_BEFORE = "lost_before"  # no answer, and nothing happened
    LOST_AFTER = "lost_after"  # it happened, and no answer came
    PENDING = "pending"  # of a refund: taken on, and settled later


class UnknownTestCard(ValueError):
    """A card number that is not one of the published test numbers."""


@dataclass(frozen=True)
class EnteredCard:
    """What the vault's callback would bring after a card was typed into a form."""

    token: str
    reference: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass
class _Method:
    card: SandboxCard
    worked_before: bool = False


class InProcessProvider(PaymentProvider):
    """A vault and a PSP in memory. ``paid`` lists the payments that took money, in order."""

    def __init__(self) -> None:
        self.captures: dict[str, CaptureRequest] = {}
        self.payments: dict[str, Payment] = {}
        self.paid: list[Payment] = []
        self._desk = RefundDesk(self.payments, self._next)
        self.refunds, self.settle_refund = self._desk.refunds, self._desk.settle
        self.given_back = self._desk.given_back
        self._cards: dict[str, SandboxCard] = {}
        self._codes: dict[str, str] = {}
        self.registered: dict[str, tuple[CardToRegister, RegisteredCard]] = {}
        self.methods: dict[str, _Method] = {}
        self._charged: dict[str, tuple[ChargeRequest, str]] = {}
        self._at_the_bank: dict[str, None] = {}
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._counts: dict[str, int] = defaultdict(int)

    def _next(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_twin{self._counts[prefix]:08d}"

    def fail_next(self, act: str, fault: Fault, times: int = 1) -> None:
        """Make the next calls of ``open_capture``, ``register_card``, ``charge``,
        ``refund``, ``look_up`` or ``look_up_refund`` go wrong."""
        self._faults[act].extend([fault] * times)

    def _fault(self, act: str) -> Fault | None:
        waiting = self._faults[act]
        return waiting.popleft() if waiting else None

    def open_capture(self, request: CaptureRequest) -> Capture:
        if self._fault("open_capture"):
            raise ProviderUnavailable()
        capture_id = self._next("cap")
        self.captures[capture_id] = request
        return Capture(
            capture_id=capture_id,
            iframe_url=f"https://vault.invalid/{capture_id}",
            browser_secret=f"secret-of-{capture_id}",
            expires_at=clock.now() + timedelta(minutes=request.ttl_minutes),
        )

    def close_capture(self, capture_id: str) -> None:
        self.captures.pop(capture_id, None)

    def enter_card(
        self, number: str, *, reference: str, security_code: str = SUGGESTED_SECURITY_CODE
    ) -> EnteredCard:
        """Play the buyer: type a test card. One number gives one token, as at the vault.

        Raises UnknownTestCard.
        """
        card = find_card(number)
        if card is None:
            raise UnknownTestCard("only the published test cards are known here")
        token = f"tok_twin_{card.last4}"
        self._cards[token] = card
        self._codes[token] = security_code
        return EnteredCard(token, reference, card.brand, card.last4, 12, clock.today().year + 3)

    def register_card(self, card: CardToRegister) -> RegisteredCard:
        fault = self._fault("register_card")
        if fault is Fault.NOT_SENT:
            return RegisteredCard(PaymentOutcome.ERROR, error_code="not_sent")
        if fault is Fault.LOST_BEFORE:
            return RegisteredCard(PaymentOutcome.UNKNOWN, error_code="no_answer")
        answer = self._register_once(card)
        if fault is Fault.LOST_AFTER:
            return RegisteredCard(PaymentOutcome.UNKNOWN, error_code="no_answer")
        return answer

    def _register_once(self, card: CardToRegister) -> RegisteredCard:
        if card.key in self.registered:
            before, answer = self.registered[card.key]
            if before != card:
                return RegisteredCard(PaymentOutcome.UNKNOWN, error_code="idempotency_error")
            return answer
        known = self._cards.get(card.vault_token)
        if known is None:
            return RegisteredCard(PaymentOutcome.ERROR, error_code="unknown_token")
        answer = RegisteredCard(
            outcome=PaymentOutcome.SUCCEEDED,
            psp_customer_id=card.psp_customer_id or self._next("cus"),
            payment_method_id=self._next("pm"),
            fingerprint=fingerprint_of(known, self._codes.get(card.vault_token, "")),
            brand=known.brand,
            last4=known.last4,
            exp_month=12,
            exp_year=clock.today().year + 3,
        )
        self.methods[str(answer.payment_method_id)] = _Method(known)
        self.registered[card.key] = (card, answer)
        return answer

    def charge(self, request: ChargeRequest) -> Payment:
        fault = self._fault("charge")
        unknown = Payment(PaymentOutcome.UNKNOWN, request.attempt_key, error_code="no_answer")
        if fault is Fault.NOT_SENT:
            return Payment(PaymentOutcome.ERROR, request.attempt_key, error_code="not_sent")
        if fault is Fault.LOST_BEFORE:
            return unknown
        if request.attempt_key in self._charged:
            before, payment_id = self._charged[request.attempt_key]
            if before != request:
                return replace(unknown, error_code="idempotency_error")
            return self.payments[payment_id]
        method = self.methods.get(request.payment_method_id)
        if method is None:
            return Payment(PaymentOutcome.ERROR, request.attempt_key, error_code="resource_missing")
        payment, answered = self._charge_once(request, method)
        return payment if answered and fault is not Fault.LOST_AFTER else unknown

    def _charge_once(self, request: ChargeRequest, method: _Method) -> tuple[Payment, bool]:
        verdict = judge(
            method.card, worked_before=method.worked_before, off_session=request.off_session
        )
        payment_id = self._next("pi" if request.amount else "seti")
        payment = Payment(
            outcome=PaymentOutcome.SUCCEEDED,
            attempt_key=request.attempt_key,
            payment_id=payment_id,
            amount=request.amount,
            currency=request.currency,
            psp_customer_id=request.psp_customer_id,
            payment_method_id=request.payment_method_id,
            psp_status="succeeded",
        )
        self._charged[request.attempt_key] = (request, payment_id)
        if verdict is Verdict.REFUSED:
            payment = _declined(payment, method.card.decline_code)
        elif verdict is Verdict.ASKS_BANK:
            payment = replace(
                payment,
                outcome=PaymentOutcome.NEEDS_ACTION,
                psp_status="requires_action",
                redirect_url=f"https://bank.invalid/{payment_id}",
            )
        self._settle(payment, method)
        return payment, verdict is not Verdict.PAID_IN_SILENCE

    def _settle(self, payment: Payment, method: _Method) -> None:
        payment_id = str(payment.payment_id)
        self.payments[payment_id] = payment
        if payment.outcome is PaymentOutcome.NEEDS_ACTION:
            self._at_the_bank[payment_id] = None
        else:
            self._at_the_bank.pop(payment_id, None)
        if payment.outcome is PaymentOutcome.SUCCEEDED:
            method.worked_before = True
            if payment.amount:
                self.paid.append(payment)

    def at_the_bank(self) -> list[Payment]:
        """The payments that wait for their buyer at the bank's page, oldest first."""
        return [self.payments[payment_id] for payment_id in self._at_the_bank]

    def answer_bank(self, payment_id: str, *, authorised: bool) -> Payment:
        """Play the buyer at the bank's page; a second answer changes nothing."""
        payment = self.payments[payment_id]
        if payment.outcome is not PaymentOutcome.NEEDS_ACTION:
            return payment
        kind = "payment_intent" if payment.amount else "setup_intent"
        if authorised:
            payment = replace(
                payment,
                outcome=PaymentOutcome.SUCCEEDED,
                psp_status="succeeded",
                redirect_url=None,
            )
        else:
            payment = _declined(payment, f"{kind}_authentication_failure")
        self._settle(payment, self.methods[str(payment.payment_method_id)])
        return payment

    def refund(self, request: RefundRequest) -> RefundAnswer:
        fault = self._fault("refund")
        if fault is Fault.NOT_SENT:
            return RefundAnswer(PaymentOutcome.ERROR, error_code="not_sent")
        if fault is Fault.LOST_BEFORE:
            return RefundAnswer(PaymentOutcome.UNKNOWN, error_code="no_answer")
        answer = self._desk.give_back(request, pending=fault is Fault.PENDING)
        if fault is Fault.LOST_AFTER:
            return RefundAnswer(PaymentOutcome.UNKNOWN, error_code="no_answer")
        return answer

    def look_up_refund(
        self, key: str, *, payment_id: str, refund_id: str | None = None
    ) -> RefundAnswer:
        if self._fault("look_up_refund"):
            return RefundAnswer(PaymentOutcome.UNKNOWN, error_code="no_answer")
        return self._desk.find(key, refund_id)

    def look_up(
        self, attempt_key: str, *, psp_customer_id: str, payment_id: str | None = None
    ) -> Payment:
        if self._fault("look_up"):
            return Payment(PaymentOutcome.UNKNOWN, attempt_key, error_code="no_answer")
        found = payment_id or self._charged.get(attempt_key, (None, ""))[1]
        return self.payments.get(found) or Payment(PaymentOutcome.NOT_FOUND, attempt_key)

    def verify_psp_webhook(self, raw_body: bytes, header: str | None) -> PspEvent:
        """Accept ``{"id", "type"}`` with a ``payment``, ``refund`` or ``charge`` (the payment
        that it took), whose header is the word ``twin``."""
        if header != "twin":
            raise BadSignature()
        body: dict[str, Any] = json.loads(raw_body)
        return PspEvent(
            body["id"],
            body["type"],
            self.payments.get(body.get("payment", "")),
            body,
            refund=self.refunds.get(body.get("refund", "")),
            charge=self._desk.charge(body["charge"]) if "charge" in body else None,
        )


def _declined(payment: Payment, reason: str | None) -> Payment:
    return replace(
        payment,
        outcome=PaymentOutcome.DECLINED,
        psp_status="requires_payment_method",
        decline_code=reason,
        redirect_url=None,
    )
