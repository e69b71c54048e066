"""Plays Resend: takes mails as its API does, and shows them on a page instead of sending."""

import base64
import hashlib
import json
import re
from email.utils import parseaddr
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from models import clock
from public.sandbox.state import here
from public.sandbox.store import Thing

outbox = Blueprint("outbox", __name__)

PAGE = 50
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_BASE = '<base target="_blank">'


class MailRefusal(Exception):
    """An error in Resend's own shape."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"statusCode": status, "name": name, "message": message}


@outbox.errorhandler(MailRefusal)
def refuse(refusal: MailRefusal) -> ResponseReturnValue:
    return refusal.body, refusal.status


@outbox.post("/resend/emails")
def send_mail() -> ResponseReturnValue:
    here().note("emails")
    return here().faults.around("emails", lambda: jsonify(_once([_payload()])[0]), _fault)


@outbox.post("/resend/emails/batch")
def send_mails() -> ResponseReturnValue:
    def send() -> Response:
        mails = request.get_json(silent=True)
        if not isinstance(mails, list) or not 1 <= len(mails) <= 100:
            raise MailRefusal(422, "invalid_parameter", "A list of 1 to 100 mails is expected.")
        return jsonify(data=_once(mails))

    here().note("emails")
    return here().faults.around("emails", send, _fault)


def _fault(status: int) -> Response:
    name = "rate_limit_exceeded" if status == 429 else "application_error"
    answer = jsonify(MailRefusal(status, name, "Injected fault").body)
    answer.status_code = status
    return answer


def _payload() -> Any:
    return request.get_json(silent=True)


def _once(payloads: list[Any]) -> list[dict[str, str]]:
    """Keep the mails, or answer what the same idempotency key was answered before."""
    _check_caller()
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return [_keep(mail) for mail in [_read(payload) for payload in payloads]]
    if not 1 <= len(key) <= 256:
        raise MailRefusal(400, "invalid_idempotency_key", "The key takes 1 to 256 characters.")
    store, fingerprint = here().store, hashlib.sha256(request.get_data()).hexdigest()
    with store.lock:
        before = store.reply(f"mail:{key}")
        if before is not None and before[0] != fingerprint:
            raise MailRefusal(409, "invalid_idempotent_request", "The key had another payload.")
        if before is not None:
            sent: list[dict[str, str]] = before[2]["sent"]
            return sent
        kept = [_keep(mail) for mail in [_read(payload) for payload in payloads]]
        store.keep_reply(f"mail:{key}", fingerprint, 200, {"sent": kept})
    return kept


def _check_caller() -> None:
    bearer = request.authorization
    if bearer is None or bearer.type != "bearer" or not bearer.token:
        raise MailRefusal(401, "missing_api_key", "Missing API key in the authorization header.")
    if not request.headers.get("User-Agent"):
        raise MailRefusal(403, "validation_error", "A User-Agent header is required.")


def _read(payload: Any) -> Thing:
    """A mail as it will be shown. Raises MailRefusal."""
    if not isinstance(payload, dict):
        raise MailRefusal(400, "validation_error", "The mail is expected as a JSON object.")
    for name in ("from", "to", "subject"):
        if not payload.get(name):
            raise MailRefusal(422, "missing_required_field", f"Missing `{name}` field.")
    if not (payload.get("html") or payload.get("text")):
        raise MailRefusal(422, "missing_required_field", "Missing `html` or `text` field.")
    if not _ADDRESS.fullmatch(parseaddr(str(payload["from"]))[1]):
        raise MailRefusal(422, "invalid_from_address", "Invalid `from` field.")
    to = payload["to"] if isinstance(payload["to"], list) else [payload["to"]]
    if len(to) > 50 or not all(_ADDRESS.fullmatch(parseaddr(str(one))[1]) for one in to):
        raise MailRefusal(422, "invalid_parameter", "Invalid `to` field.")
    for file in payload.get("attachments") or []:
        if not isinstance(file, dict) or not file.get("filename") or not _is_base64(file):
            raise MailRefusal(422, "invalid_attachment", "An attachment cannot be read.")
    return {
        **payload,
        "id": str(uuid4()),
        "to": [str(one) for one in to],
        "created_at": clock.now().isoformat(timespec="seconds"),
    }


def _is_base64(file: dict[str, Any]) -> bool:
    try:
        base64.b64decode(str(file.get("content", "")), validate=True)
    except ValueError:
        return False
    return True


def _keep(mail: Thing) -> dict[str, str]:
    here().store.keep_mail(mail)
    return {"id": str(mail["id"])}


def _mail_or_404(mail_id: str) -> Thing:
    mail = here().store.mail(mail_id)
    if mail is None:
        abort(404)
    return mail


@outbox.get("/resend/emails/<mail_id>")
def fetch_mail(mail_id: str) -> ResponseReturnValue:
    _check_caller()
    mail = here().store.mail(mail_id)
    if mail is None:
        raise MailRefusal(404, "not_found", "Email not found.")
    return {**mail, "object": "email", "last_event": "delivered"}


@outbox.get("/outbox")
def show_outbox() -> ResponseReturnValue:
    """The mails newest first, page by page, of one recipient if wanted."""
    to, page = request.args.get("to", ""), max(1, request.args.get("page", 1, type=int))
    mails = here().store.mails(to=to, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return render_template(
        "sandbox/outbox.html", mails=mails[:PAGE], to=to, page=page, more=len(mails) > PAGE
    )


@outbox.get("/outbox.json")
def outbox_json() -> ResponseReturnValue:
    """The same for tests: whole mails, with attachments as name and size."""
    limit = min(request.args.get("limit", PAGE, type=int), 500)
    mails = here().store.mails(to=request.args.get("to", ""), limit=limit)
    return {"mails": [{**mail, "attachments": _files(mail)} for mail in mails]}


def _files(mail: Thing) -> list[dict[str, Any]]:
    return [
        {"filename": file["filename"], "size": len(base64.b64decode(file.get("content", "")))}
        for file in mail.get("attachments") or []
    ]


@outbox.get("/outbox/<mail_id>")
def show_mail(mail_id: str) -> ResponseReturnValue:
    mail = _mail_or_404(mail_id)
    headers = json.dumps(mail.get("headers") or {}, indent=2, ensure_ascii=False)
    return render_template("sandbox/mail.html", mail=mail, files=_files(mail), headers=headers)


@outbox.get("/outbox/<mail_id>/html")
def mail_html(mail_id: str) -> ResponseReturnValue:
    """The HTML part alone, without scripts, its links opening in a tab of their own."""
    html = str(_mail_or_404(mail_id).get("html") or "")
    answer = Response(_BASE + html, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = "script-src 'none'; frame-ancestors 'self'"
    return answer


@outbox.get("/outbox/<mail_id>/files/<int:number>")
def mail_file(mail_id: str, number: int) -> ResponseReturnValue:
    files = _mail_or_404(mail_id).get("attachments") or []
    if not 0 <= number < len(files):
        abort(404)
    answer = Response(base64.b64decode(files[number].get("content", "")))
    answer.headers["Content-Type"] = files[number].get("content_type", "application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=files[number]["filename"])
    return answer
