"""Redis for work that can do without it: asked briefly, and left alone a while once it is away."""

import hashlib
import time
from functools import lru_cache
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from models.settings import current_settings

SECONDS_TO_ASK = 0.25
SECONDS_TO_LOOK = 1
SECONDS_TO_LEAVE_ALONE = 5

_left_alone_until = 0.0


class RedisAway(RedisError):
    """Redis is not set up or does not answer: do without it."""


def ask(command: str, *args: Any, **options: Any) -> Any:
    """One command's answer. Raises RedisAway."""
    global _left_alone_until
    url = current_settings().redis_url
    if not url or time.monotonic() < _left_alone_until:
        raise RedisAway
    try:
        return getattr(quick_connection(url), command)(*args, **options)
    except RedisError as error:
        _left_alone_until = time.monotonic() + SECONDS_TO_LEAVE_ALONE
        raise RedisAway from error


def key_of(*parts: str) -> str:
    """A key of this database's own: a scratch database never gets another's."""
    database = hashlib.sha256(current_settings().database_url.encode()).hexdigest()[:12]
    return ":".join((parts[0], database, *parts[1:]))


@lru_cache(maxsize=4)
def quick_connection(url: str) -> Redis:
    """This process's connection to an address, which gives up at once: a page is waiting."""
    return _brief(url, SECONDS_TO_ASK)


def brief_connection() -> Redis:
    """A connection for one look at Redis, which is asked once and for a second at most.

    Raises RedisAway where none is set up.
    """
    url = current_settings().redis_url
    if not url:
        raise RedisAway("REDIS_URL is empty")
    return _brief(url, SECONDS_TO_LOOK)


def _brief(url: str, seconds: float) -> Redis:
    return Redis.from_url(
        url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=Retry(NoBackoff(), 0)
    )
