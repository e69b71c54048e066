"""Clicks waiting in Redis for the job that inserts them in one statement.

Without Redis there is no buffer and each click is inserted at once. Entries are taken off
only after the commit that stored them; storing one twice changes nothing.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models.quick_redis import RedisAway as NoBuffer
from models.quick_redis import ask, key_of

__all__ = ["NoBuffer", "push", "repeated", "take_off", "waiting"]


def repeated(visitor_key: str, affiliate_id: UUID, *, now: datetime, within: timedelta) -> str:
    """The id of the same visitor's click on the same affiliate not long ago; empty for none.

    Raises NoBuffer.
    """
    said = ask("get", _name("recent", visitor_key, str(affiliate_id)))
    if said is None:
        return ""
    at, click_id = said.decode().split(" ")
    age = now - datetime.fromisoformat(at)
    return click_id if timedelta(0) <= age < within else ""


def push(click: dict[str, Any], *, within: timedelta) -> None:
    """Let a click wait, and remember it to tell repeats. Raises NoBuffer."""
    recent = _name("recent", click["visitor_key"], click["affiliate_id"])
    mark = f"{click['created_at']} {click['click_id']}"
    ask("set", recent, mark, ex=int(within.total_seconds()))
    ask("rpush", _name("pending"), json.dumps(click))


def waiting(limit: int) -> list[bytes]:
    """The longest waiting clicks, left where they are. Raises NoBuffer."""
    found: list[bytes] = ask("lrange", _name("pending"), 0, limit - 1)
    return found


def take_off(stored: list[bytes]) -> None:
    """Take stored clicks off the list; others may be doing the same. Raises NoBuffer."""
    for entry in stored:
        ask("lrem", _name("pending"), 1, entry)


def _name(*parts: str) -> str:
    return key_of("clicks", *parts)
