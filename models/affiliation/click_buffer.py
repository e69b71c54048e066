"""Clicks waiting in Redis for the job that inserts them in one statement.

Without Redis there is no buffer and each click is inserted at once. Entries are taken off
only after the commit that stored them; storing one twice changes nothing.
"""

import hashlib
import json
import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from models.settings import current_settings

SECONDS_TO_ASK = 0.25
SECONDS_TO_LEAVE_ALONE = 5

_left_alone_until = 0.0


class NoBuffer(Exception):
    """Redis is not set up or does not answer: store the click yourself."""


def repeated(visitor_key: str, affiliate_id: UUID, *, now: datetime, within: timedelta) -> str:
    """The id of the same visitor's click on the same affiliate not long ago; empty for none.

    Raises NoBuffer.
    """
    said = _ask("get", _name("recent", visitor_key, str(affiliate_id)))
    if said is None:
        return ""
    at, click_id = said.decode().split(" ")
    age = now - datetime.fromisoformat(at)
    return click_id if timedelta(0) <= age < within else ""


def push(click: dict[str, Any], *, within: timedelta) -> None:
    """Let a click wait, and remember it to tell repeats. Raises NoBuffer."""
    recent = _name("recent", click["visitor_key"], click["affiliate_id"])
    mark = f"{click['created_at']} {click['click_id']}"
    _ask("set", recent, mark, ex=int(within.total_seconds()))
    _ask("rpush", _name("pending"), json.dumps(click))


def waiting(limit: int) -> list[bytes]:
    """The longest waiting clicks, left where they are. Raises NoBuffer."""
    found: list[bytes] = _ask("lrange", _name("pending"), 0, limit - 1)
    return found


def take_off(stored: list[bytes]) -> None:
    """Take stored clicks off the list; others may be doing the same. Raises NoBuffer."""
    for entry in stored:
        _ask("lrem", _name("pending"), 1, entry)


def _ask(command: str, *args: Any, **options: Any) -> Any:
    global _left_alone_until
    url = current_settings().redis_url
    if not url or time.monotonic() < _left_alone_until:
        raise NoBuffer
    try:
        return getattr(_connection(url), command)(*args, **options)
    except RedisError as error:
        _left_alone_until = time.monotonic() + SECONDS_TO_LEAVE_ALONE
        raise NoBuffer from error


@lru_cache(maxsize=4)
def _connection(url: str) -> Redis:
    """A connection that gives up at once, because a page is waiting."""
    return Redis.from_url(
        url,
        socket_connect_timeout=SECONDS_TO_ASK,
        socket_timeout=SECONDS_TO_ASK,
        retry=Retry(NoBackoff(), 0),
    )


def _name(*parts: str) -> str:
    """A key of this database's clicks: a scratch database never gets another's."""
    database = hashlib.sha256(current_settings().database_url.encode()).hexdigest()[:12]
    return ":".join(("clicks", database, *parts))
