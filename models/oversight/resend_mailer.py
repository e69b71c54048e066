"""Mails through Resend's HTTP interface."""

import base64
from datetime import timedelta
from typing import Any

import requests

from models.oversight.mailer import Answer, Message

USER_AGENT = "weokto-stam/1.0"
PDF = "application/pdf"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 15
LONG_WAIT = timedelta(hours=1)

REFUSED = frozenset({400, 404, 405, 413, 422, 451})
"""Statuses that say this very mail will never be taken; all others may pass with time."""


class ResendMailer:
    """Resend's ``POST /emails``."""

    takes_attachments = True

    def __init__(self, base_url: str, api_key: str) -> None:
        self._url = f"{base_url.rstrip('/')}/emails"
        self._api_key = api_key

    def send(self, message: Message, *, key: str) -> Answer:
        try:
            with requests.Session() as http:
                http.trust_env = self._url.startswith("https://")
                answer = http.post(
                    self._url,
                    json=_payload(message),
                    headers={
                        "Authorization": f"Bearer {self._api_key}",
                        "Idempotency-Key": key,
                        "User-Agent": USER_AGENT,
                    },
                    timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                    allow_redirects=False,
                )
        except requests.RequestException as failure:
            return Answer(error=type(failure).__name__)
        return _answer_of(answer)


def _payload(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {
        "from": message.sender,
        "to": [message.to],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }
    if message.attachments:
        said["attachments"] = [
            {
                "filename": file.filename,
                "content": base64.b64encode(file.content).decode(),
                "content_type": PDF,
            }
            for file in message.attachments
        ]
    return said


def _answer_of(answer: requests.Response) -> Answer:
    """Resend's answer in the port's words."""
    said = _json_of(answer)
    if answer.ok:
        return Answer(sent=True, provider_id=str(said.get("id", "")) or None)
    name = str(said.get("name", ""))
    error = f"{answer.status_code} {name} {said.get('message', '')}".strip()
    if name == "invalid_idempotent_request":  # the key was delivered with an older wording
        return Answer(sent=True, error=error)
    wait = _retry_after(answer)
    if name.endswith("quota_exceeded"):
        wait = LONG_WAIT
    return Answer(
        error=error,
        refused=answer.status_code in REFUSED,
        wait=wait,
        everyone_waits=answer.status_code in (401, 403, 429),
    )


def _json_of(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(answer: requests.Response) -> timedelta | None:
    seconds = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() else None
