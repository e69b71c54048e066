"""The bank's page of the sandbox: where 3-D Secure sends a buyer to authorise or refuse."""

from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from public.sandbox.psp_intents import decline, succeed
from public.sandbox.state import here
from public.sandbox.store import Thing

bank = Blueprint("bank", __name__)


@bank.get("/bank/3ds/<intent_id>")
def ask(intent_id: str) -> ResponseReturnValue:
    """Ask the buyer; an intent that was answered already only shows the way back."""
    intent = _intent(intent_id)
    return render_template(
        "sandbox/bank.html",
        intent=intent,
        amount=_amount_text(intent),
        waiting=intent["status"] == "requires_action",
        way_back=_way_back(intent),
    )


@bank.post("/bank/3ds/<intent_id>")
def answer(intent_id: str) -> ResponseReturnValue:
    """Settle the intent and send the buyer back; a second answer changes nothing."""
    sandbox = here()
    with sandbox.store.lock:
        intent = _intent(intent_id)
        if intent["status"] == "requires_action":
            if request.form.get("answer") == "authorise":
                succeed(sandbox, intent)
            else:
                decline(sandbox, intent, f"{intent['object']}_authentication_failure", None)
    return redirect(_way_back(intent), code=303)


def _intent(intent_id: str) -> Thing:
    kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
    intent = here().store.get(kind, intent_id)
    if intent is None or not intent["_return_url"]:
        abort(404)
    return intent


def _way_back(intent: Thing) -> str:
    """The shop's address with what the PSP adds to it."""
    kind = intent["object"]
    added = urlencode(
        {
            kind: intent["id"],
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
        }
    )
    url = str(intent["_return_url"])
    return f"{url}{'&' if '?' in url else '?'}{added}"


def _amount_text(intent: Thing) -> str:
    """The amount in French writing, from whole cents; empty for a set-up without charge."""
    if "amount" not in intent:
        return ""
    euros, cents = divmod(int(intent["amount"]), 100)
    return f"{euros},{cents:02d} {intent['currency'].upper()}"
