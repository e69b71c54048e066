"""The port through which money moves: a few acts, whoever stands behind them.

A vault keeps the card and a payment service provider (PSP) charges it. Rules know only
this module: the real clients answer in production and against the sandbox, an in-process
twin answers in simulations. Amounts are integer cents. Nothing here ever carries a card
number; vault tokens and secrets are kept out of ``repr``.

How a caller stays safe: commit the attempt first, call with its key, settle in a second
transaction. ``UNKNOWN`` is neither success nor decline: ask ``look_up``, never charge anew.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from models.errors import N_, DomainError


class PaymentOutcome(StrEnum):
    """What is known about an act after its answer, or the lack of one."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"  # the card or its bank said no: nothing was charged
    NEEDS_ACTION = "needs_action"  # the buyer must go to ``redirect_url``
    PENDING = "pending"  # the PSP has it and will say later
    UNKNOWN = "unknown"  # sent, and no answer that can be trusted: it may have succeeded
    ERROR = "error"  # never sent, or refused as a request: nothing was charged
    NOT_FOUND = "not_found"  # the PSP has never heard of it


class ProviderUnavailable(DomainError):
    """The payment side cannot be reached, or refuses our settings; nothing was charged."""

    status = 503
    code = "payment_unavailable"
    message = N_("Payment is unavailable for the moment. Nothing was charged; try again shortly.")


class BadSignature(DomainError):
    """A webhook that its secret did not sign, or that was signed too long ago."""

    status = 400
    code = "bad_signature"
    message = N_("This message is not signed as it should be.")


@dataclass(frozen=True)
class CaptureRequest:
    """One card form to open. ``reference`` is ours for the person (never the card's);
    ``webhook_secret`` comes back in the header of the vault's callback."""

    checkout_id: str
    try_no: int
    reference: str
    webhook_url: str
    webhook_secret: str = field(repr=False)
    ttl_minutes: int = 15


@dataclass(frozen=True)
class Capture:
    """An open card form: the browser shows ``iframe_url`` until ``expires_at``."""

    capture_id: str
    iframe_url: str = field(repr=False)
    browser_secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class CardToRegister:
    """A card at the vault that the PSP shall know. ``key`` makes a repetition harmless;
    without ``psp_customer_id`` a customer is made under ``reference``."""

    key: str
    vault_token: str = field(repr=False)
    vault_reference: str
    reference: str
    email: str | None = None
    psp_customer_id: str | None = None


@dataclass(frozen=True)
class RegisteredCard:
    """The PSP's answer to a registration: SUCCEEDED, DECLINED, UNKNOWN or ERROR.

    UNKNOWN may be sent again under the same key, since no money moves here.
    """

    outcome: PaymentOutcome
    psp_customer_id: str | None = None
    payment_method_id: str | None = None
    fingerprint: str | None = None
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    decline_code: str | None = None
    error_code: str | None = None


@dataclass(frozen=True)
class ChargeRequest:
    """One charge, named by ``attempt_key`` at the PSP. An amount of 0 only sets the card up
    for later. ``keeps_card`` belongs to the first charge of a card, customer present;
    ``off_session`` to those made without the customer. ``return_url`` is where the bank
    sends the buyer back."""

    attempt_key: str
    amount: int
    currency: str
    psp_customer_id: str
    payment_method_id: str
    off_session: bool = False
    keeps_card: bool = False
    return_url: str | None = None
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """What the PSP says of one charge or set-up; ``raw`` is its JSON text, for the record.

    ``decline_code`` is the bank's reason of a DECLINED one, ``error_code`` says what
    went wrong with an ERROR or UNKNOWN one.
    """

    outcome: PaymentOutcome
    attempt_key: str | None = None
    payment_id: str | None = None
    amount: int | None = None
    currency: str | None = None
    psp_customer_id: str | None = None
    payment_method_id: str | None = None
    psp_status: str | None = None
    decline_code: str | None = None
    error_code: str | None = None
    redirect_url: str | None = None
    raw: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class RefundRequest:
    """Money to give back on one payment; ``key`` makes a repetition harmless."""

    key: str
    payment_id: str
    amount: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RefundAnswer:
    """SUCCEEDED, PENDING, DECLINED (it cannot be refunded), UNKNOWN, ERROR or NOT_FOUND."""

    outcome: PaymentOutcome
    refund_id: str | None = None
    error_code: str | None = None
    key: str | None = None
    payment_id: str | None = None
    amount: int | None = None
    raw: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class RefundedCharge:
    """How many cents of a payment the PSP has given back in all."""

    payment_id: str
    refunded: int


@dataclass(frozen=True)
class PspEvent:
    """A webhook of the PSP whose signature holds; ``payment`` where it speaks of one that was
    asked or of a set-up, ``refund`` of a refund, ``charge`` of what was taken; else None."""

    event_id: str
    kind: str
    payment: Payment | None
    body: Mapping[str, Any] = field(repr=False)
    refund: RefundAnswer | None = None
    charge: RefundedCharge | None = None


class PaymentProvider(ABC):
    """The acts. No act opens a transaction; none raises for what the PSP answered.

    ``calls_at_once`` is how many charges or look-ups one process may have under way together.
    """

    calls_at_once: ClassVar[int] = 1

    @abstractmethod
    def open_capture(self, request: CaptureRequest) -> Capture:
        """Open a card form at the vault. Raises ProviderUnavailable; a second call opens
        a second form."""

    @abstractmethod
    def close_capture(self, capture_id: str) -> None:
        """Take the card form away; one already gone is done. Raises ProviderUnavailable."""

    @abstractmethod
    def register_card(self, card: CardToRegister) -> RegisteredCard:
        """Make the vault's card a payment method of the PSP; the same key, the same one."""

    @abstractmethod
    def charge(self, request: ChargeRequest) -> Payment:
        """Charge once: the same key with the same input answers what the first call did."""

    @abstractmethod
    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back once; the same key answers what the first call did."""

    @abstractmethod
    def look_up(
        self, attempt_key: str, *, psp_customer_id: str, payment_id: str | None = None
    ) -> Payment:
        """Ask what became of an attempt, by its payment where known, else by its key.

        NOT_FOUND is final only for a request that can no longer be on its way: ask for
        attempts older than the charge's time-out. UNKNOWN when the PSP cannot be asked.
        """

    @abstractmethod
    def look_up_refund(
        self, key: str, *, payment_id: str, refund_id: str | None = None
    ) -> RefundAnswer:
        """Ask what became of a refund, by its id where known, else by its key.

        NOT_FOUND: it may be sent again under the same key. UNKNOWN when the PSP cannot be
        asked.
        """

    @abstractmethod
    def verify_psp_webhook(self, raw_body: bytes, header: str | None) -> PspEvent:
        """Read a webhook of the PSP. Raises BadSignature."""
