"""How the PSP's stand-in speaks: form-encoded input, its errors, keys, and its webhooks."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import g, jsonify, request
from stripe import WebhookSignature
from werkzeug.wrappers import Response

from models import clock
from models.secrets import same
from public.sandbox.state import Sandbox, here
from public.sandbox.store import Thing

_PARTS = re.compile(r"[^\[\]]+")


class PspRefusal(Exception):
    """An error in the PSP's own shape."""

    def __init__(
        self,
        status: int,
        kind: str,
        code: str | None,
        message: str,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message, **more}}


def bad_request(code: str, message: str, param: str | None = None, status: int = 400) -> PspRefusal:
    return PspRefusal(status, "invalid_request_error", code, message, param=param)


def new_id(prefix: str) -> str:
    """An id as the PSP makes them, unlike any of an earlier run of the sandbox."""
    return f"{prefix}_{secrets.token_hex(12)}"


def timestamp() -> int:
    return int(clock.now().timestamp())


def given() -> dict[str, Any]:
    """The form's ``a[b][c]=v`` as nested dictionaries."""
    found: dict[str, Any] = {}
    for name, value in request.form.items(multi=True):
        *path, last = _PARTS.findall(name) or [name]
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return found


def only(params: Mapping[str, Any], *known: str) -> None:
    """Refuse parameters that this version of the API does not have."""
    for name in params:
        if name not in known:
            raise bad_request("parameter_unknown", f"Received unknown parameter: {name}", name)


def whole_number(params: Mapping[str, Any], name: str) -> int:
    """A positive integer parameter. Raises PspRefusal."""
    text = str(params.get(name, ""))
    if not text.isdigit() or int(text) == 0:
        raise bad_request("parameter_invalid_integer", f"Invalid positive integer: {name}", name)
    return int(text)


def find(kind: str, thing_id: Any, param: str) -> Thing:
    """A stored thing. Raises PspRefusal in the PSP's words when there is none."""
    thing = here().store.get(kind, str(thing_id))
    if thing is None:
        raise bad_request("resource_missing", f"No such {kind}: '{thing_id}'", param, status=404)
    return thing


def shown(thing: Thing) -> Thing:
    """A thing as the API shows it, without what the sandbox notes for itself."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def psp_call(
    place: str, *, with_card_key: bool = False
) -> Callable[[Callable[..., Thing]], Callable[..., Response]]:
    """Make a function that returns a thing into a call of the PSP's API.

    It checks the secret key, in whose place the restricted one opens calls ``with_card_key``
    and no other, honours the idempotency key of writes and lets faults of its ``place``
    happen. A view sets ``g.answer_lost`` where the answer shall never arrive.
    """

    def wrap(view: Callable[..., Thing]) -> Callable[..., Response]:
        @wraps(view)
        def call(**parts: str) -> Response:
            here().note(place)
            answer = here().faults.around(
                place, lambda: _key_refusal(with_card_key) or _answer(view, parts), _fault
            )
            return here().faults.stay_silent() if g.get("answer_lost") else answer

        return call

    return wrap


def _fault(status: int) -> Response:
    return _reply(status, {"error": {"type": "api_error", "message": "Injected fault"}})


def _reply(status: int, body: Mapping[str, Any], *, replayed: bool = False) -> Response:
    answer = jsonify(body)
    answer.status_code = status
    answer.headers["Request-Id"] = new_id("req")
    if replayed:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _key_refusal(with_card_key: bool) -> Response | None:
    """What a call is answered that comes without a key of ours, or with too small a one."""
    settings = here().settings
    key = (request.authorization and request.authorization.token) or ""
    if same(key, settings.psp_secret_key) or (with_card_key and same(key, settings.card_key)):
        return None
    status, message = 401, "Invalid API key provided"
    if same(key, settings.card_key):
        status, message = 403, "The provided key does not have the required permissions"
    return _reply(status, {"error": {"type": "invalid_request_error", "message": message}})


def _answer(view: Callable[..., Thing], parts: dict[str, str]) -> Response:
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or not key:
        return _reply(*_carry_out(view, parts))
    return _once(key, view, parts)


def _carry_out(view: Callable[..., Thing], parts: dict[str, str]) -> tuple[int, Thing]:
    try:
        return 200, shown(view(**parts))
    except PspRefusal as refusal:
        return refusal.status, refusal.body


def _once(key: str, view: Callable[..., Thing], parts: dict[str, str]) -> Response:
    """Answer a key's second call with its first answer; other input is an error.

    Like the PSP, it keeps no answer of a request that was refused as such.
    """
    sandbox = here()
    fingerprint = hashlib.sha256(f"{request.path}\n{request.get_data()!r}".encode()).hexdigest()
    with sandbox.lock:
        if key in sandbox.in_flight:
            return _key_trouble(409, "idempotency_key_in_use", "The key is in use right now.")
        sandbox.in_flight.add(key)
    try:
        before = sandbox.store.reply(key)
        if before is not None and before[0] != fingerprint:
            return _key_trouble(400, None, "The key was used with other parameters.")
        if before is not None:
            return _reply(before[1], before[2], replayed=True)
        status, body = _carry_out(view, parts)
        if status in (200, 402):
            sandbox.store.keep_reply(key, fingerprint, status, body)
        return _reply(status, body)
    finally:
        with sandbox.lock:
            sandbox.in_flight.discard(key)


def _key_trouble(status: int, code: str | None, message: str) -> Response:
    problem = {"type": "idempotency_error", "code": code, "message": message}
    return _reply(status, {"error": problem})


def announce(sandbox: Sandbox, kind: str, thing: Thing) -> None:
    """Send a signed event about a thing to our webhook."""
    event = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": sandbox.settings.psp_api_version,
        "created": timestamp(),
        "type": kind,
        "livemode": False,
        "data": {"object": shown(thing)},
    }
    text = json.dumps(event)

    def headers() -> dict[str, str]:
        made = WebhookSignature.generate_signature_header(
            text, sandbox.settings.psp_webhook_secret, timestamp=timestamp()
        )
        return {"Stripe-Signature": made}

    sandbox.courier.send("psp_webhook", sandbox.psp_webhook_url, text.encode(), headers)
