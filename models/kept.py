"""Figures kept for a while in Redis, dropped at once when a fact touches their owner.

The key holds the owner's version: ``forget`` raises it, so that what was computed from
before the fact is never found again, be it stored after. One reader computes while the
others wait for what it finds; without Redis everyone computes.
"""

import time
from collections.abc import Callable

from models.quick_redis import RedisAway, ask, key_of

SECONDS_TO_COMPUTE = 10
SECONDS_TO_WAIT = 2.0
SECONDS_BETWEEN_LOOKS = 0.05
VERSION_LASTS = 24 * 3600
"""Far longer than anything is kept: once it begins anew, no text of its first numbers is left."""


def kept(kind: str, owner: str, *, seconds: int, make: Callable[[], str]) -> str:
    """The text kept for an owner, else made now and kept for so many seconds.

    ``kind`` names what it is with the number of its format: another format is another kind.
    """
    try:
        version = ask("get", _version_key(kind, owner)) or b"0"
        key = key_of(kind, owner, version.decode())
        found = ask("get", key)
        if found is None:
            is_mine = ask("set", f"{key}:lock", 1, nx=True, ex=SECONDS_TO_COMPUTE)
            found = _what_was_found_meanwhile(key) if is_mine else _what_another_finds(key)
    except RedisAway:
        return make()
    return found.decode() if found is not None else _make_and_keep(key, seconds, make)


def forget(kind: str, owner: str) -> None:
    """Let nobody find what was kept for an owner up to now. Without Redis nothing was."""
    try:
        if ask("incr", _version_key(kind, owner)) == 1:
            ask("expire", _version_key(kind, owner), VERSION_LASTS)
    except RedisAway:
        return


def _make_and_keep(key: str, seconds: int, make: Callable[[], str]) -> str:
    text = make()
    try:
        ask("set", key, text, ex=seconds)
        ask("delete", f"{key}:lock")
    except RedisAway:
        pass  # the next reader computes it again
    return text


def _what_was_found_meanwhile(key: str) -> bytes | None:
    """What was stored between this reader's first look and its turn to compute, if anything."""
    found: bytes | None = ask("get", key)
    if found is not None:
        ask("delete", f"{key}:lock")
    return found


def _what_another_finds(key: str) -> bytes | None:
    """What the reader who computes right now stores; None where that takes too long."""
    give_up_at = time.monotonic() + SECONDS_TO_WAIT
    while time.monotonic() < give_up_at:
        found: bytes | None = ask("get", key)
        if found is not None:
            return found
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return None


def _version_key(kind: str, owner: str) -> str:
    return key_of(kind, owner, "version")
