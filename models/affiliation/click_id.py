"""Click ids: unguessable, and readable by us alone even where the click's row is not at hand.

A click may still wait in Redis when its visitor buys, and Redis may be away by then. So the
id is the event's key and its affiliate's, followed by a seal made with the secret key: who
clicked on whose link and when can be read from it, and nobody else can make one.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from models.settings import current_settings

SEAL_BYTES = 10
LENGTH = 2 * (16 + 16 + SEAL_BYTES)


@dataclass(frozen=True, slots=True)
class Clicked:
    """What a click id says by itself; ``at`` is to the millisecond."""

    event_id: UUID
    affiliate_id: UUID
    at: datetime


def click_id_of(event_id: UUID, affiliate_id: UUID) -> str:
    """The id of a click whose event has this UUIDv7: letters and digits, 84 of them."""
    facts = event_id.bytes + affiliate_id.bytes
    return (facts + _seal(facts)).hex()


def read_click_id(click_id: str) -> Clicked | None:
    """What an id says; None for one that we did not make."""
    try:
        raw = bytes.fromhex(click_id) if len(click_id) == LENGTH else b""
    except ValueError:
        return None
    facts, seal = raw[:32], raw[32:]
    if not raw or not hmac.compare_digest(seal, _seal(facts)):
        return None
    event_id = UUID(bytes=facts[:16])
    return Clicked(event_id, UUID(bytes=facts[16:]), moment_of(event_id))


def youngest_click(*click_ids: str | None) -> str | None:
    """Of the ids that came by several ways, the last click's; one of equal age that is named
    earlier. One that we did not make counts only where none is ours."""
    given = [click_id for click_id in click_ids if click_id]
    ours = [(clicked.at, click_id) for click_id in given if (clicked := read_click_id(click_id))]
    if ours:
        return max(ours, key=lambda each: each[0])[1]
    return given[0] if given else None


def moment_of(event_id: UUID) -> datetime:
    """The instant in a UUIDv7: its first 48 bits count milliseconds."""
    milliseconds = event_id.int >> 80
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def _seal(facts: bytes) -> bytes:
    key = current_settings().secret_key.encode()
    return hmac.digest(key, b"click" + facts, hashlib.sha256)[:SEAL_BYTES]
