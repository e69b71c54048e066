"""Receiving a card: the vault tells that the buyer typed one, and hands us its token.

Whoever calls proves it with the secret of that very try. Unknown, expired, older and
repeated words change nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.base import Json
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.note_event import VAULT, explain_event, explain_word, note_event
from models.billing.provider_event import EventOutcome
from models.card_numbers import has_card_number, without_card_numbers
from models.errors import N_, BadInput, Gone, NotAllowed
from models.oversight import SYSTEM, emit
from models.secrets import digest, same
from models.session import defer

COMPLETE = "billing-complete-checkout"
LONGEST = 200


class UnreadableCallback(BadInput):
    code = "unreadable_callback"
    message = N_("This is not a message of the vault.")


@dataclass(frozen=True)
class VaultWord:
    """What the vault's callback says; ``token`` and ``secret`` are never shown or kept plain."""

    capture_id: UUID
    try_no: int
    token: str
    reference: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    body: Json

    @property
    def external_id(self) -> str:
        return f"{self.capture_id}:{self.try_no}:{digest(self.token)[:16]}"


@dataclass(frozen=True)
class Reception:
    """What to answer the vault, and whether there is now a card to charge."""

    status: int
    reason: str
    capture_id: UUID | None = None
    has_card: bool = False


def read_vault_word(raw: bytes) -> VaultWord:
    """Read a callback; only what may be kept of it is. Raises UnreadableCallback."""
    try:
        body = json.loads(raw)
        told, info = body["metadata"], body["token_info"]
        card = json.loads(info.get("safe_data") or "{}")
        month, year = _expiry(str(card.get("expiry", "")))
        return VaultWord(
            capture_id=UUID(str(told["checkout_id"])),
            try_no=_number(told["try_no"]),
            token=_text(info["token"]),
            reference=_text(info["reference"]),
            brand=_shown(card.get("card_type", ""), 32),
            last4=_digits(card.get("last_four", ""))[-4:],
            exp_month=month,
            exp_year=year,
            body=_what_is_kept(told, info, card),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UnreadableCallback from None


def note_card(session: Session, word: VaultWord, *, secret: str | None, now: datetime) -> Reception:
    """Keep the callback before it is acted upon; ``has_card`` says go on with ``take_card``.

    410 for a checkout that never was, 401 without a secret, 403 for a wrong one, 200 for a
    try that another has replaced: kept as ignored, so that the console can tell, and
    nothing else changes.
    """
    capture = session.get(CaptureEndpoint, word.capture_id)
    refused = _why_refused(capture, word, secret)
    if refused is not None:
        status, reason = refused
        event = note_event(
            session,
            VAULT,
            f"{word.capture_id}:{reason}",
            kind="card",
            body={"metadata": word.body["metadata"]},
            now=now,
        )
        explain_event(event, EventOutcome.IGNORED, reason=reason, now=now)
        return Reception(status, reason)
    note_event(session, VAULT, word.external_id, kind="card", body=word.body, now=now)
    return Reception(200, "noted", word.capture_id, has_card=True)


def take_card(session: Session, word: VaultWord, *, now: datetime) -> Reception:
    """Put a noted card on its checkout and ask for the charge; only the first word does.

    410 once the checkout has expired, 200 for what is merely late or repeated.
    """
    capture = CaptureEndpoint.for_update(session, word.capture_id)
    reason = _why_late(capture, word, now)
    if reason is not None:
        repeated = reason == "repeated"
        outcome = EventOutcome.DUPLICATE if repeated else EventOutcome.IGNORED
        explain_word(session, VAULT, word.external_id, outcome, reason=reason, now=now)
        return Reception(410 if reason == "expired" else 200, reason, capture.id)
    explain_word(session, VAULT, word.external_id, EventOutcome.POSTED, reason=None, now=now)
    capture.card_received_at = now
    capture.vault_token, capture.vault_reference = word.token, word.reference
    capture.brand, capture.last4 = word.brand, word.last4
    capture.exp_month, capture.exp_year = word.exp_month, word.exp_year
    emit(session, "billing.card_received", capture, actor=SYSTEM, data={"try_no": word.try_no})
    defer(session, COMPLETE, str(capture.id))
    return Reception(200, "received", capture.id, has_card=True)


def _why_refused(
    capture: CaptureEndpoint | None, word: VaultWord, secret: str | None
) -> tuple[int, str] | None:
    if capture is None:
        return Gone.status, "unknown_checkout"
    if word.try_no < capture.try_no:
        return 200, "older_try"
    if not secret:
        return 401, "no_secret"
    if not same(digest(secret), capture.capture_secret_hash or ""):
        return NotAllowed.status, "wrong_secret"
    return None


def _why_late(capture: CaptureEndpoint, word: VaultWord, now: datetime) -> str | None:
    if word.try_no != capture.try_no:
        return "older_try"
    if capture.card_received_at is not None:
        return "repeated"
    if capture.status is not CaptureStatus.PENDING or now >= capture.expires_at:
        return "expired"
    return None


def _what_is_kept(
    told: Mapping[str, Any], info: Mapping[str, Any], card: Mapping[str, Any]
) -> Json:
    """The callback without its token and without anything that we did not ask for."""
    return {
        "metadata": {
            "checkout_id": str(UUID(str(told["checkout_id"]))),
            "try_no": _number(told["try_no"]),
        },
        "reference": _text(info["reference"]),
        "stored_at": _shown(info.get("stored_at", ""), 40),
        "card": {
            "last_four": _digits(card.get("last_four", ""))[-4:],
            "card_type": _shown(card.get("card_type", ""), 32),
            "expiry": _shown(card.get("expiry", ""), 5),
        },
    }


def _text(value: object) -> str:
    """A text that the purchase rests on: one that cannot be kept as it is, is refused."""
    text = str(value)
    if len(text) > LONGEST or not text.isprintable() or has_card_number(text):
        raise ValueError
    return text


def _shown(value: object, most: int) -> str:
    """A text that is only shown: what cannot be kept of it is left out."""
    text = "".join(sign for sign in str(value)[:LONGEST] if sign.isprintable())
    return without_card_numbers(text, "")[:most]


def _number(value: object) -> int:
    if not isinstance(value, int | str) or len(str(value)) > 4:
        raise ValueError
    return int(value)


def _digits(value: object) -> str:
    return "".join(letter for letter in str(value) if letter.isdigit())


def _expiry(text: str) -> tuple[int | None, int | None]:
    """Month and full year of ``MM/YY``; unknown where it is written otherwise."""
    month, _slash, year = text.partition("/")
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12):
        return None, None
    return int(month), int(year) % 100 + 2000
