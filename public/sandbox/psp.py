"""Plays the PSP's customers and payment methods."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, jsonify, request

from models import clock
from models.billing.sandbox_cards import find_card, fingerprint_of
from public.sandbox.psp_protocol import (
    PspRefusal,
    bad_request,
    find,
    given,
    new_id,
    only,
    psp_call,
    timestamp,
)
from public.sandbox.state import here
from public.sandbox.store import Thing

psp = Blueprint("psp", __name__)


@psp.post("/v1/customers")
@psp_call("customers")
def create_customer() -> Thing:
    params = given()
    only(params, "email", "name", "metadata", "description")
    customer = {
        "id": new_id("cus"),
        "object": "customer",
        "created": timestamp(),
        "email": params.get("email"),
        "name": params.get("name"),
        "metadata": params.get("metadata", {}),
        "livemode": False,
    }
    here().store.put("customer", customer)
    return customer


@psp.get("/v1/customers/<customer_id>")
@psp_call("look_up")
def show_customer(customer_id: str) -> Thing:
    return find("customer", customer_id, "customer")


@psp.post("/v1/payment_methods")
@psp_call("payment_methods", with_card_key=True)
def create_payment_method() -> Thing:
    """A card becomes a payment method: of its number only the last four digits stay."""
    params = given()
    only(params, "type", "card", "billing_details", "metadata")
    if params.get("type") != "card" or not isinstance(params.get("card"), dict):
        raise bad_request("parameter_missing", "Missing required param: card", "card")
    typed: dict[str, Any] = params["card"]
    number = str(typed.get("number", ""))
    card = find_card(number) if number.isdigit() else None
    if not number.isdigit():
        raise PspRefusal(402, "card_error", "incorrect_number", "The card number is incorrect.")
    if card is None:
        raise PspRefusal(
            402,
            "card_error",
            "card_declined",
            "Your request was in test mode, but used a non test card.",
            decline_code="test_mode_live_card",
        )
    month, year = _expiry(typed, clock.today())
    method = {
        "id": new_id("pm"),
        "object": "payment_method",
        "type": "card",
        "created": timestamp(),
        "customer": None,
        "livemode": False,
        "metadata": params.get("metadata", {}),
        "card": {
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": fingerprint_of(card, str(typed.get("cvc", ""))),
            "country": "FR",
            "funding": "credit",
        },
        "_worked_before": False,
    }
    here().store.put("payment_method", method)
    return method


def _expiry(typed: dict[str, Any], today: date) -> tuple[int, int]:
    month, year = str(typed.get("exp_month", "")), str(typed.get("exp_year", ""))
    if not month.isdigit() or not 1 <= int(month) <= 12:
        raise PspRefusal(402, "card_error", "invalid_expiry_month", "The month is invalid.")
    if not year.isdigit():
        raise PspRefusal(402, "card_error", "invalid_expiry_year", "The year is invalid.")
    full_year = int(year) + (2000 if int(year) < 100 else 0)
    if (full_year, int(month)) < (today.year, today.month):
        raise PspRefusal(402, "card_error", "invalid_expiry_year", "The year is past.")
    return int(month), full_year


@psp.get("/v1/payment_methods/<method_id>")
@psp_call("look_up")
def show_payment_method(method_id: str) -> Thing:
    return find("payment_method", method_id, "payment_method")


@psp.post("/v1/payment_methods/<method_id>/attach")
@psp_call("payment_methods")
def attach_payment_method(method_id: str) -> Thing:
    params = given()
    only(params, "customer")
    customer = find("customer", params.get("customer"), "customer")
    with here().store.lock:
        method = find("payment_method", method_id, "payment_method")
        if method["customer"] not in (None, customer["id"]):
            raise bad_request("payment_method_unexpected_state", "It is attached already.")
        method["customer"] = customer["id"]
        here().store.put("payment_method", method)
    return method


@psp.get("/_charges")
def charges() -> Response:
    """Every charge that took money, newest first, so that a test can count them."""
    taken = here().store.newest("charge", customer=request.args.get("customer"), limit=1000)
    return jsonify(charges=taken, count=len(taken), total=sum(one["amount"] for one in taken))
