"""The client of the PSP (Stripe): customers, charges, refunds, look-ups and its webhooks.

It goes through the vendor's library with the version pinned and no retries of its own: a
repetition is the caller's decision, under the same key. Every answer, and every lack of
one, is turned into the port's words here and nowhere else.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe
from stripe import RequestsClient, StripeClient, StripeError, WebhookSignature

from models import clock
from models.billing.provider import (
    BadSignature,
    ChargeRequest,
    Payment,
    PaymentOutcome,
    PspEvent,
    RefundAnswer,
    RefundRequest,
)
from models.billing.psp_refunds import charge_of, find_refund, give_back, refund_of, refused
from models.billing.vault_client import CONNECT_SECONDS, connection_to, never_sent
from models.settings import Settings

# The library would otherwise write a marker into the home folder and send it along.
stripe.enable_telemetry = False

SIGNATURE_SECONDS = 300
INTENTS = ("payment_intent", "setup_intent")
SURELY_REFUSED = (400, 401, 403, 404, 429)

_OUTCOMES = {
    "succeeded": PaymentOutcome.SUCCEEDED,
    "requires_action": PaymentOutcome.NEEDS_ACTION,
    "requires_payment_method": PaymentOutcome.DECLINED,
    "canceled": PaymentOutcome.DECLINED,
}
_BEST_FIRST = (
    PaymentOutcome.SUCCEEDED,
    PaymentOutcome.PENDING,
    PaymentOutcome.NEEDS_ACTION,
    PaymentOutcome.DECLINED,
)


class PspClient:
    """Calls Stripe under the settings it is given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @contextmanager
    def _stripe(self) -> Iterator[StripeClient]:
        """A client on a connection of its own, closed afterwards (see the vault's client)."""
        seconds = self._settings.psp_timeout_seconds
        with connection_to(self._settings.psp_url) as http:
            yield StripeClient(
                self._settings.psp_secret_key,
                stripe_version=self._settings.psp_api_version,
                base_addresses={"api": self._settings.psp_url},
                max_network_retries=0,
                http_client=RequestsClient(
                    timeout=(min(CONNECT_SECONDS, seconds), seconds), session=http
                ),
            )

    def make_customer(self, *, key: str, reference: str, email: str | None) -> str:
        """A customer of the PSP for our ``reference``; the same key, the same one.

        Raises StripeError, which ``trouble_of`` reads.
        """
        params: dict[str, Any] = {"metadata": {"reference": reference}}
        if email:
            params["email"] = email
        with self._stripe() as psp:
            made = psp.v1.customers.create(params, {"idempotency_key": key})  # type: ignore[arg-type]
        return made.id

    def charge(self, request: ChargeRequest) -> Payment:
        """Confirm a PaymentIntent, or a SetupIntent when the amount is 0."""
        params = _charge_params(request)
        options: Any = {"idempotency_key": request.attempt_key}
        try:
            with self._stripe() as psp:
                acts = psp.v1.payment_intents if request.amount else psp.v1.setup_intents
                return payment_of(acts.create(params, options).to_dict())  # type: ignore[arg-type]
        except StripeError as error:
            return _payment_of_error(error, request.attempt_key)

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Refund part or all of a payment."""
        try:
            with self._stripe() as psp:
                return give_back(psp, request)
        except StripeError as error:
            return refused(*trouble_of(error), request.key)

    def look_up_refund(self, key: str, payment_id: str, refund_id: str | None) -> RefundAnswer:
        """What became of a refund; UNKNOWN where the PSP cannot be asked."""
        try:
            with self._stripe() as psp:
                return find_refund(psp, key, payment_id, refund_id)
        except StripeError as error:
            code = trouble_of(error)[1]
            missing = code == "resource_missing"
            outcome = PaymentOutcome.NOT_FOUND if missing else PaymentOutcome.UNKNOWN
            return RefundAnswer(outcome, error_code=code, key=key)

    def look_up(self, attempt_key: str, psp_customer_id: str, payment_id: str | None) -> Payment:
        """Fetch a payment by its id, or search all of a customer's for our key.

        The list is used rather than the PSP's search, which lags behind.
        """
        try:
            with self._stripe() as psp:
                if payment_id:
                    return payment_of(_fetch(psp, payment_id))
                found = [payment_of(intent) for intent in _of_customer(psp, psp_customer_id)]
        except StripeError as error:
            code = trouble_of(error)[1]
            if code == "resource_missing":
                return Payment(PaymentOutcome.NOT_FOUND, attempt_key, error_code=code)
            return Payment(PaymentOutcome.UNKNOWN, attempt_key, error_code=code)
        ours = [payment for payment in found if payment.attempt_key == attempt_key]
        ours.sort(key=lambda payment: _BEST_FIRST.index(payment.outcome))
        return ours[0] if ours else Payment(PaymentOutcome.NOT_FOUND, attempt_key)

    def verify_webhook(self, raw_body: bytes, header: str | None) -> PspEvent:
        """Check the signature on the raw body and its age by our clock. Raises BadSignature."""
        try:
            text = raw_body.decode()
            WebhookSignature.verify_header(text, header, self._settings.psp_webhook_secret)
            signed_at = _signed_at(str(header))
            body = json.loads(text)
            event_id, kind, thing = str(body["id"]), str(body["type"]), body["data"]["object"]
        except (StripeError, ValueError, KeyError, TypeError):
            raise BadSignature() from None
        if abs(clock.now().timestamp() - signed_at) > SIGNATURE_SECONDS:
            raise BadSignature()
        return PspEvent(
            event_id,
            kind,
            payment_of(thing) if thing.get("object") in INTENTS else None,
            body,
            refund=refund_of(thing) if thing.get("object") == "refund" else None,
            charge=charge_of(thing) if thing.get("object") == "charge" else None,
        )


def _signed_at(header: str) -> int:
    """The instant that a signature covers, in seconds since 1970. Raises ValueError.

    The element named exactly ``t``, once: one whose name only ends so is not signed, and
    would lend an old signature a new age.
    """
    parts = (part.partition("=") for part in header.split(","))
    (signed_at,) = (value for name, _, value in parts if name == "t")
    return int(signed_at)


def _charge_params(request: ChargeRequest) -> dict[str, Any]:
    params: dict[str, Any] = {
        "customer": request.psp_customer_id,
        "payment_method": request.payment_method_id,
        "confirm": True,
        "metadata": {**request.metadata, "attempt_key": request.attempt_key},
    }
    if request.description:
        params["description"] = request.description
    if request.return_url:
        params["return_url"] = request.return_url
    else:
        params["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    if not request.amount:
        return {**params, "usage": "off_session"}
    params |= {"amount": request.amount, "currency": request.currency.lower()}
    if request.off_session:
        params["off_session"] = True
        params["payment_method_options"] = {"card": {"stored_credential_usage": "recurring"}}
    elif request.keeps_card:
        params["setup_future_usage"] = "off_session"
        params["payment_method_options"] = {"card": {"setup_credential_usage": "recurring"}}
    return params


def _fetch(psp: StripeClient, payment_id: str) -> dict[str, Any]:
    if payment_id.startswith("seti_"):
        return psp.v1.setup_intents.retrieve(payment_id).to_dict()
    return psp.v1.payment_intents.retrieve(payment_id).to_dict()


def _of_customer(psp: StripeClient, customer_id: str) -> Iterator[dict[str, Any]]:
    for intent in psp.v1.payment_intents.list(
        {"customer": customer_id, "limit": 100}
    ).auto_paging_iter():
        yield intent.to_dict()
    for setup in psp.v1.setup_intents.list(
        {"customer": customer_id, "limit": 100}
    ).auto_paging_iter():
        yield setup.to_dict()


def payment_of(intent: Mapping[str, Any]) -> Payment:
    """A PaymentIntent or SetupIntent in the port's words; its client secret is left out."""
    status = intent.get("status")
    error = intent.get("last_payment_error") or intent.get("last_setup_error") or {}
    outcome = _OUTCOMES.get(str(status), PaymentOutcome.PENDING)
    declined = outcome is PaymentOutcome.DECLINED
    action = intent.get("next_action") or {}
    kept = {name: value for name, value in intent.items() if name != "client_secret"}
    return Payment(
        outcome=outcome,
        attempt_key=(intent.get("metadata") or {}).get("attempt_key"),
        payment_id=intent.get("id"),
        amount=intent.get("amount", 0),
        currency=str(intent["currency"]).upper() if intent.get("currency") else None,
        psp_customer_id=intent.get("customer"),
        payment_method_id=intent.get("payment_method"),
        psp_status=status,
        decline_code=_reason(error, str(status)) if declined else None,
        redirect_url=(action.get("redirect_to_url") or {}).get("url"),
        raw=json.dumps(kept, default=str),
    )


def _reason(error: Mapping[str, Any], status: str) -> str:
    return str(error.get("decline_code") or error.get("code") or status)


def trouble_of(error: StripeError) -> tuple[PaymentOutcome, str]:
    """What is known after an error, and its code.

    Only what surely charged nothing is ERROR. A key that is in use right now (409), or was
    used with other input, is UNKNOWN: the other call may have charged.
    """
    if isinstance(error, stripe.APIConnectionError):
        if never_sent(error.__cause__):
            return PaymentOutcome.ERROR, "not_sent"
        return PaymentOutcome.UNKNOWN, "no_answer"
    code = str(error.code or "") or f"http_{error.http_status}"
    if isinstance(error, stripe.CardError):
        return PaymentOutcome.DECLINED, code
    if isinstance(error, stripe.IdempotencyError):
        return PaymentOutcome.UNKNOWN, "idempotency_error"
    if error.http_status in SURELY_REFUSED:
        return PaymentOutcome.ERROR, code
    return PaymentOutcome.UNKNOWN, code


def _payment_of_error(error: StripeError, attempt_key: str) -> Payment:
    outcome, code = trouble_of(error)
    if outcome is not PaymentOutcome.DECLINED:
        return Payment(outcome, attempt_key, error_code=code)
    told = (error.json_body or {}).get("error", {}) if isinstance(error.json_body, dict) else {}
    intent = told.get("payment_intent") or told.get("setup_intent") or {}
    return Payment(
        outcome=outcome,
        attempt_key=attempt_key,
        payment_id=intent.get("id"),
        amount=intent.get("amount"),
        psp_customer_id=intent.get("customer"),
        psp_status=intent.get("status"),
        decline_code=_reason(told, code),
        raw=json.dumps({k: v for k, v in intent.items() if k != "client_secret"}, default=str),
    )
