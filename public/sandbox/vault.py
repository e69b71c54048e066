"""Plays PCI Vault: who am I, capture endpoints, what a capture stores and whom it tells."""

import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from models import clock
from models.secrets import same
from public.sandbox.card_entry import BadCard, read_card, ruled, token_of
from public.sandbox.state import OpenCapture, Sandbox, VaultedCard, here

vault = Blueprint("vault", __name__)

_TTL = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


def refusal(status: int, text: str) -> Response:
    """The vault's errors are a sentence under ``error``."""
    answer = jsonify(error=text)
    answer.status_code = status
    return answer


def fault_refusal(status: int) -> Response:
    return refusal(status, "Injected fault")


def signed_in(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Basic authentication, as on every server call of the vault."""

    @wraps(view)
    def guarded(*args: Any, **parts: Any) -> ResponseReturnValue:
        given, settings = request.authorization, here().settings
        known = (
            given is not None
            and given.type == "basic"
            and same(str(given.username), settings.pcivault_user)
            and same(str(given.password), settings.pcivault_password)
        )
        if not known:
            answer = refusal(401, "Unauthorised")
            answer.headers["WWW-Authenticate"] = 'Basic realm="pcivault"'
            return answer
        return view(*args, **parts)

    return guarded


def key_is_known() -> bool:
    """Whether the query names the key and its passphrase."""
    settings = here().settings
    return same(request.args.get("user", ""), settings.pcivault_key_user) and same(
        request.args.get("passphrase", ""), settings.pcivault_key_passphrase
    )


@vault.get("/whoami")
@signed_in
def whoami() -> ResponseReturnValue:
    return jsonify(
        user=here().settings.pcivault_user,
        api_version="v1",
        backwards_compatibility="v1",
        environment="sandbox",
    )


@vault.post("/capture")
@signed_in
def open_capture() -> ResponseReturnValue:
    here().note("capture")
    return here().faults.around("capture", _open_capture, fault_refusal)


def _open_capture() -> Response:
    if not key_is_known():
        return refusal(403, "Unknown key or wrong passphrase")
    try:
        expires_at = _expiry_of(request.args.get("ttl", "PT1H"))
    except ValueError:
        return refusal(400, "ttl is not an ISO 8601 duration")
    rules = [name for name in request.args.get("rules", "").split(",") if name]
    if unknown := [name for name in rules if name not in here().rules]:
        return refusal(400, f"No such rule: {unknown[0]}")
    body = request.get_json(silent=True) or {}
    capture_id = secrets.token_urlsafe(24)
    capture = OpenCapture(
        capture_id=capture_id,
        secret=secrets.token_urlsafe(32),
        reference=request.args.get("reference") or capture_id,
        expires_at=expires_at,
        webhook=body.get("webhook") or {},
        with_card_metadata=request.args.get("return_card_metadata") == "true",
        rules=rules,
    )
    here().captures[capture_id] = capture
    return jsonify(
        url=f"/v1/capture/{capture_id}",
        secret=capture.secret,
        expires_at=expires_at.strftime("%Y-%m-%dT%H:%M:%SZ") if expires_at else None,
    )


def _expiry_of(ttl: str) -> datetime | None:
    """When a form opened now ends; None for never. Raises ValueError."""
    if ttl in ("0", "P0T"):
        return None
    match = _TTL.fullmatch(ttl)
    if match is None or not any(match.groups()):
        raise ValueError(ttl)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return clock.now() + timedelta(hours=hours, minutes=minutes, seconds=seconds)


@vault.delete("/capture/<capture_id>")
@signed_in
def close_capture(capture_id: str) -> ResponseReturnValue:
    here().note("close_capture")
    if here().captures.pop(capture_id, None) is None:
        return refusal(404, "No such capture endpoint")
    return jsonify(message="deleted")


@vault.post("/capture/<capture_id>")
def capture_card(capture_id: str) -> ResponseReturnValue:
    """What the browser's form calls: only the capture's own secret opens it."""
    capture = usable_capture(capture_id, request.headers.get("X-PCIVault-Capture-Secret", ""))
    if capture is None:
        return refusal(401, "Unknown or expired capture endpoint, or wrong secret")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        return refusal(400, "The card is expected as a JSON object")
    try:
        stored = store_card(capture, {str(name): str(value) for name, value in body.items()})
    except BadCard as wrong:
        return refusal(wrong.status, wrong.text())
    return jsonify(stored)


def usable_capture(capture_id: str, secret: str) -> OpenCapture | None:
    """The open capture that this secret fits; None when unknown, expired or wrong."""
    capture = here().captures.get(capture_id)
    if capture is None or not same(secret, capture.secret):
        return None
    if capture.expires_at is not None and capture.expires_at <= clock.now():
        return None
    return capture


def store_card(capture: OpenCapture, typed: dict[str, str]) -> dict[str, str]:
    """Keep a card in memory, as the capture's rules leave it, and tell its webhook.

    Raises BadCard. Without a rule the number keeps its spaces, as it does at the vault.
    """
    sandbox = here()
    card = read_card(typed, today=clock.today())
    for name in capture.rules:
        card = ruled(card, sandbox.rules.get(name, ()))
    user = sandbox.settings.pcivault_key_user
    token = token_of(card["card_number"], salt=user)
    reference = request.args.get("reference") or capture.reference
    sandbox.vaulted[token, reference] = VaultedCard(card)
    _tell_webhook(sandbox, capture, token, reference, card)
    return {"token": token, "user": user, "reference": reference}


def _tell_webhook(
    sandbox: Sandbox, capture: OpenCapture, token: str, reference: str, card: dict[str, str]
) -> None:
    if not capture.webhook.get("url"):
        return
    shown = ("card_holder", "last_four", "card_type", "expiry")
    info: dict[str, Any] = {
        "token": token,
        "user": sandbox.settings.pcivault_key_user,
        "reference": reference,
        "stored_at": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "safe_data": json.dumps({name: card[name] for name in shown if card.get(name)}),
    }
    if capture.with_card_metadata:
        issuer = {"brand": card["card_type"].upper(), "card_type": "CREDIT", "country_name": "FR"}
        info["card_metadata"] = {"issuer": [issuer]}
    body = {"metadata": capture.webhook.get("metadata") or {}, "token_info": info}
    secret = str(capture.webhook.get("secret", ""))
    sandbox.courier.send(
        "vault_webhook",
        str(capture.webhook["url"]),
        json.dumps(body).encode(),
        lambda: {"X-PCIVault-Webhook-Secret": secret},
    )


@vault.get("/vault")
@signed_in
def list_vault() -> ResponseReturnValue:
    if "token" in request.args:
        return refusal(403, "The sandbox never gives a card number back")
    if request.args.get("user") != here().settings.pcivault_key_user:
        return refusal(404, "No such user")
    items = [{"token": token, "reference": reference} for token, reference in here().vaulted]
    return jsonify({here().settings.pcivault_key_user: items})
