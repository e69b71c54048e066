"""The real payment provider: PCI Vault holds the card, the PSP charges it.

Settings are read at each call, so that a process follows what ``use_settings`` put in place.
"""

from collections.abc import Mapping
from typing import Any

from stripe import StripeError

from models.billing.provider import (
    Capture,
    CaptureRequest,
    CardToRegister,
    ChargeRequest,
    Payment,
    PaymentOutcome,
    PaymentProvider,
    PspEvent,
    RefundAnswer,
    RefundRequest,
    RegisteredCard,
)
from models.billing.psp_client import SURELY_REFUSED, PspClient, trouble_of
from models.billing.vault_client import ProxyAnswer, VaultClient, VaultSilent
from models.settings import Settings, current_settings

# The vault fills these in; nothing else of the card is sent.
CARD_TEMPLATE = (
    "type=card&card[number]={{card_number}}&card[exp_month]={{expiry_month}}"
    "&card[exp_year]={{expiry_year}}&card[cvc]={{cvv}}"
)


class HttpProvider(PaymentProvider):
    """The acts over HTTP, against the vendors or the sandbox as the settings say."""

    calls_at_once = 16

    def open_capture(self, request: CaptureRequest) -> Capture:
        return VaultClient(current_settings()).open_capture(request)

    def close_capture(self, capture_id: str) -> None:
        VaultClient(current_settings()).close_capture(capture_id)

    def register_card(self, card: CardToRegister) -> RegisteredCard:
        settings = current_settings()
        customer_id = card.psp_customer_id
        try:
            if customer_id is None:
                customer_id = PspClient(settings).make_customer(
                    key=f"{card.key}-customer", reference=card.reference, email=card.email
                )
            answer = VaultClient(settings).post_through(
                card.vault_token, card.vault_reference, _registration(settings, card.key)
            )
        except StripeError as error:
            outcome, code = trouble_of(error)
            return RegisteredCard(outcome, customer_id, error_code=code)
        except VaultSilent as silence:
            outcome = PaymentOutcome.UNKNOWN if silence.sent else PaymentOutcome.ERROR
            code = "no_answer" if silence.sent else "not_sent"
            return RegisteredCard(outcome, customer_id, error_code=code)
        return _read_registration(answer, customer_id)

    def charge(self, request: ChargeRequest) -> Payment:
        return PspClient(current_settings()).charge(request)

    def refund(self, request: RefundRequest) -> RefundAnswer:
        return PspClient(current_settings()).refund(request)

    def look_up(
        self, attempt_key: str, *, psp_customer_id: str, payment_id: str | None = None
    ) -> Payment:
        return PspClient(current_settings()).look_up(attempt_key, psp_customer_id, payment_id)

    def look_up_refund(
        self, key: str, *, payment_id: str, refund_id: str | None = None
    ) -> RefundAnswer:
        return PspClient(current_settings()).look_up_refund(key, payment_id, refund_id)

    def verify_psp_webhook(self, raw_body: bytes, header: str | None) -> PspEvent:
        return PspClient(current_settings()).verify_webhook(raw_body, header)


def _registration(settings: Settings, key: str) -> dict[str, Any]:
    """The request that the vault makes for us, with the card still to be filled in.

    Its key is one that may make payment methods only, since it passes through other hands.
    """
    return {
        "method": "POST",
        "url": f"{settings.psp_url}/v1/payment_methods",
        "headers": [
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Authorization": f"Bearer {settings.card_key}"},
            {"Idempotency-Key": key},
            {"Stripe-Version": settings.psp_api_version},
        ],
        "body": CARD_TEMPLATE,
    }


def _read_registration(answer: ProxyAnswer, customer_id: str) -> RegisteredCard:
    """The PSP's answer through the vault; the vault's own refusals carry a plain text."""
    body = answer.body
    card = body.get("card")
    if answer.status == 200 and isinstance(card, Mapping):
        return RegisteredCard(
            outcome=PaymentOutcome.SUCCEEDED,
            psp_customer_id=customer_id,
            payment_method_id=body.get("id"),
            fingerprint=card.get("fingerprint"),
            brand=card.get("brand"),
            last4=card.get("last4"),
            exp_month=card.get("exp_month"),
            exp_year=card.get("exp_year"),
        )
    told = body.get("error")
    told = told if isinstance(told, Mapping) else {"code": "vault_refused"} if told else {}
    code = str(told.get("code") or told.get("type") or f"http_{answer.status}")
    if answer.status == 402 or told.get("type") == "card_error":
        reason = str(told.get("decline_code") or code)
        return RegisteredCard(
            PaymentOutcome.DECLINED, customer_id, decline_code=reason, error_code=code
        )
    surely_refused = answer.status in SURELY_REFUSED and told.get("type") != "idempotency_error"
    outcome = PaymentOutcome.ERROR if surely_refused else PaymentOutcome.UNKNOWN
    return RegisteredCard(outcome, customer_id, error_code=code)
