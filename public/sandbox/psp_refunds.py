"""Plays the PSP's refunds, which a test may leave pending, settle or let come back."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from public.sandbox.psp_protocol import (
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

psp_refunds = Blueprint("psp_refunds", __name__)

STATUSES = ("pending", "succeeded", "failed", "canceled")


@psp_refunds.post("/v1/refunds")
@psp_call("refunds")
def create_refund() -> Thing:
    """Give back part or all of a succeeded payment, never more than it took."""
    params = given()
    only(params, "payment_intent", "amount", "reason", "metadata")
    sandbox = here()
    with sandbox.store.lock:
        intent = find("payment_intent", params.get("payment_intent"), "payment_intent")
        if intent["status"] != "succeeded":
            raise bad_request("charge_not_refundable", "This payment took no money.")
        left = intent["amount"] - intent["_refunded"]
        if left == 0:
            raise bad_request("charge_already_refunded", "This charge was refunded already.")
        amount = whole_number(params, "amount") if "amount" in params else left
        if amount > left:
            raise bad_request("amount_too_large", "More than what is left of it.", "amount")
        intent["_refunded"] += amount
        sandbox.store.put("payment_intent", intent)
        refund = {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "charge": intent["latest_charge"],
            "created": timestamp(),
            "reason": params.get("reason"),
            "metadata": params.get("metadata", {}),
            "status": sandbox.next_refunds.popleft() if sandbox.next_refunds else "succeeded",
            "customer": intent["customer"],
        }
        sandbox.store.put("refund", refund)
    announce(sandbox, "refund.created", refund)
    announce(sandbox, "charge.refunded", _charge(intent))
    return refund


def _charge(intent: Thing) -> Thing:
    """The charge of an intent, as its webhook shows it."""
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "payment_intent": intent["id"],
        "amount": intent["amount"],
        "amount_refunded": intent["_refunded"],
        "refunded": intent["_refunded"] == intent["amount"],
    }


@psp_refunds.get("/v1/refunds/<refund_id>")
@psp_call("look_up")
def show_refund(refund_id: str) -> Thing:
    return find("refund", refund_id, "id")


@psp_refunds.get("/v1/refunds")
@psp_call("look_up")
def list_refunds() -> Thing:
    wanted = request.args.get("payment_intent")
    found = here().store.newest("refund")
    return {
        "object": "list",
        "url": "/v1/refunds",
        "has_more": False,
        "data": [refund for refund in found if wanted in (None, refund["payment_intent"])],
    }


@psp_refunds.post("/_refunds/next")
def set_next() -> ResponseReturnValue:
    """Make the next refund begin with this status: ``{"status": "pending"}``."""
    status = _asked_status()
    if status is None:
        return {"error": f"status is one of {', '.join(STATUSES)}"}, 422
    here().next_refunds.append(status)
    return {"status": status}


@psp_refunds.post("/_refunds/<refund_id>")
def settle(refund_id: str) -> ResponseReturnValue:
    """Play the bank: a refund arrives, or comes back, and we are told of it."""
    sandbox, status = here(), _asked_status()
    refund = sandbox.store.get("refund", refund_id)
    if status is None or refund is None:
        return {"error": "no such refund or status"}, 422
    _settle(sandbox, refund, status)
    return shown(refund)


def _settle(sandbox: Sandbox, refund: Thing, status: str) -> None:
    with sandbox.store.lock:
        gone = status in ("failed", "canceled")
        if gone and refund["status"] not in ("failed", "canceled"):
            intent = sandbox.store.get("payment_intent", refund["payment_intent"])
            if intent is not None:
                intent["_refunded"] -= refund["amount"]
                sandbox.store.put("payment_intent", intent)
        refund["status"] = status
        if gone:
            refund["failure_reason"] = "declined"
        sandbox.store.put("refund", refund)
    announce(sandbox, "refund.failed" if gone else "refund.updated", refund)


def _asked_status() -> str | None:
    body: Any = request.get_json(silent=True)
    status = body.get("status") if isinstance(body, dict) else None
    return status if status in STATUSES else None
