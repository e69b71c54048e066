"""Plays the PSP's PaymentIntents and SetupIntents: where a charge succeeds or not."""

from typing import Any

from flask import Blueprint, g, request

from models.billing.sandbox_cards import SANDBOX_CARDS, Verdict, judge
from public.sandbox.psp_protocol import (
    PspRefusal,
    announce,
    bad_request,
    find,
    given,
    new_id,
    only,
    psp_call,
    shown,
    timestamp,
    whole_number,
)
from public.sandbox.state import Sandbox, here
from public.sandbox.store import Thing

psp_intents = Blueprint("psp_intents", __name__)

_CARD_ENDING = {card.last4: card for card in SANDBOX_CARDS}
_COMMON = (
    "customer",
    "payment_method",
    "confirm",
    "return_url",
    "metadata",
    "description",
    "automatic_payment_methods",
    "payment_method_options",
    "expand",
)


@psp_intents.post("/v1/payment_intents")
@psp_call("payment_intents")
def create_payment_intent() -> Thing:
    params = given()
    only(params, *_COMMON, "amount", "currency", "off_session", "setup_future_usage")
    amount, currency = whole_number(params, "amount"), str(params.get("currency", ""))
    if len(currency) != 3:
        raise bad_request("parameter_missing", "Missing required param: currency", "currency")
    intent = _new_intent("payment_intent", "pi", params) | {
        "amount": amount,
        "amount_received": 0,
        "currency": currency.lower(),
        "setup_future_usage": params.get("setup_future_usage"),
        "latest_charge": None,
        "last_payment_error": None,
        "_refunded": 0,
    }
    return _begin(intent, params)


@psp_intents.post("/v1/setup_intents")
@psp_call("setup_intents")
def create_setup_intent() -> Thing:
    params = given()
    only(params, *_COMMON, "usage")
    intent = _new_intent("setup_intent", "seti", params) | {
        "usage": params.get("usage", "off_session"),
        "setup_future_usage": "off_session",
        "last_setup_error": None,
    }
    return _begin(intent, params)


def _new_intent(kind: str, prefix: str, params: dict[str, Any]) -> Thing:
    find("customer", params.get("customer"), "customer")
    find("payment_method", params.get("payment_method"), "payment_method")
    intent_id = new_id(prefix)
    return {
        "id": intent_id,
        "object": kind,
        "client_secret": f"{intent_id}_secret_{new_id('s')}",
        "created": timestamp(),
        "customer": params["customer"],
        "payment_method": params["payment_method"],
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "livemode": False,
        "next_action": None,
        "status": "requires_confirmation",
        "_return_url": params.get("return_url"),
        "_key": request.headers.get("Idempotency-Key"),
    }


def _begin(intent: Thing, params: dict[str, Any]) -> Thing:
    here().store.put(intent["object"], intent)
    if params.get("confirm") != "true":
        return intent
    return _confirm(intent, off_session=params.get("off_session") in ("true", "recurring"))


@psp_intents.post("/v1/payment_intents/<intent_id>/confirm")
@psp_call("payment_intents")
def confirm_payment_intent(intent_id: str) -> Thing:
    params = given()
    only(params, "payment_method", "return_url", "off_session")
    intent = find("payment_intent", intent_id, "intent")
    if intent["status"] not in ("requires_confirmation", "requires_payment_method"):
        raise bad_request("payment_intent_unexpected_state", f"It is {intent['status']}.")
    intent["payment_method"] = params.get("payment_method", intent["payment_method"])
    intent["_return_url"] = params.get("return_url", intent["_return_url"])
    return _confirm(intent, off_session=params.get("off_session") == "true")


def _confirm(intent: Thing, *, off_session: bool) -> Thing:
    """Judge the card. Raises PspRefusal with the intent inside when it is declined."""
    sandbox = here()
    with sandbox.store.lock:
        method = find("payment_method", intent["payment_method"], "payment_method")
        if method["customer"] not in (None, intent["customer"]):
            raise bad_request("resource_missing", "The card belongs to another customer.")
        if off_session and method["customer"] is None:
            raise bad_request("payment_method_unexpected_state", "The card was not set up.")
        card = _CARD_ENDING[method["card"]["last4"]]
        verdict = judge(card, worked_before=method["_worked_before"], off_session=off_session)
        if verdict is Verdict.REFUSED:
            decline(sandbox, intent, str(card.code), card.decline_code)
            raise _card_error(intent)
        if verdict is Verdict.ASKS_BANK:
            return _ask_bank(sandbox, intent)
        if verdict is Verdict.PAID_IN_SILENCE:
            g.answer_lost = True
        return succeed(sandbox, intent)


def _ask_bank(sandbox: Sandbox, intent: Thing) -> Thing:
    intent["status"] = "requires_action"
    intent["next_action"] = {"type": "use_stripe_sdk"}
    if intent["_return_url"]:
        page = f"{request.host_url}bank/3ds/{intent['id']}"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"url": page, "return_url": intent["_return_url"]},
        }
    sandbox.store.put(intent["object"], intent)
    announce(sandbox, f"{intent['object']}.requires_action", intent)
    return intent


def succeed(sandbox: Sandbox, intent: Thing) -> Thing:
    """Take the money, keep the card for later where that was asked, and say so."""
    with sandbox.store.lock:
        method = find("payment_method", intent["payment_method"], "payment_method")
        intent |= {"status": "succeeded", "next_action": None}
        if intent["object"] == "payment_intent":
            intent["amount_received"] = intent["amount"]
            intent["last_payment_error"] = None
            intent["latest_charge"] = _record_charge(sandbox, intent)
        if intent["setup_future_usage"] == "off_session":
            method["customer"] = intent["customer"]
        method["_worked_before"] = True
        sandbox.store.put("payment_method", method)
        sandbox.store.put(intent["object"], intent)
    announce(sandbox, f"{intent['object']}.succeeded", intent)
    return intent


def _record_charge(sandbox: Sandbox, intent: Thing) -> str:
    charge = {
        "id": new_id("ch"),
        "payment_intent": intent["id"],
        "amount": intent["amount"],
        "currency": intent["currency"],
        "customer": intent["customer"],
        "idempotency_key": intent["_key"],
        "metadata": intent["metadata"],
        "created": timestamp(),
    }
    sandbox.store.put("charge", charge)
    return str(charge["id"])


def decline(sandbox: Sandbox, intent: Thing, code: str, decline_code: str | None) -> None:
    """Mark an intent as declined with the reason, and say so."""
    payment = intent["object"] == "payment_intent"
    intent |= {
        "status": "requires_payment_method",
        "next_action": None,
        "last_payment_error" if payment else "last_setup_error": {
            "type": "card_error",
            "code": code,
            "decline_code": decline_code,
            "message": "Your card was declined.",
        },
    }
    sandbox.store.put(intent["object"], intent)
    failed = "payment_intent.payment_failed" if payment else "setup_intent.setup_failed"
    announce(sandbox, failed, intent)


def _card_error(intent: Thing) -> PspRefusal:
    """The answer to a declined charge: the reason, and the intent inside."""
    error = intent.get("last_payment_error") or intent["last_setup_error"]
    inside = {intent["object"]: shown(intent), "decline_code": error["decline_code"]}
    return PspRefusal(402, "card_error", error["code"], error["message"], **inside)


@psp_intents.get("/v1/payment_intents/<intent_id>")
@psp_call("look_up")
def show_payment_intent(intent_id: str) -> Thing:
    return find("payment_intent", intent_id, "intent")


@psp_intents.get("/v1/setup_intents/<intent_id>")
@psp_call("look_up")
def show_setup_intent(intent_id: str) -> Thing:
    return find("setup_intent", intent_id, "intent")


@psp_intents.get("/v1/payment_intents")
@psp_call("look_up")
def list_payment_intents() -> Thing:
    return _list("payment_intent")


@psp_intents.get("/v1/setup_intents")
@psp_call("look_up")
def list_setup_intents() -> Thing:
    return _list("setup_intent")


def _list(kind: str) -> Thing:
    limit = min(request.args.get("limit", 10, type=int), 100)
    found = here().store.newest(
        kind,
        customer=request.args.get("customer"),
        after=request.args.get("starting_after"),
        limit=limit + 1,
    )
    return {
        "object": "list",
        "url": f"/v1/{kind}s",
        "has_more": len(found) > limit,
        "data": [shown(intent) for intent in found[:limit]],
    }
