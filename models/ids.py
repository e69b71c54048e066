"""UUIDv7 keys (RFC 9562, section 5.7): the clock's milliseconds, a counter, random bits.

Made from our own clock rather than the system's, so that keys made in a simulation sort
by simulated time, and from a replaceable source of bits, so that a simulation run twice
makes the same keys.
"""

import random
import re
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from models import clock

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

COUNTER_BITS = 20
"""A million keys a millisecond stay in order; the remaining 54 bits are random."""

_random_bits: Callable[[int], int] = secrets.randbits
_lock = threading.Lock()
_last = (0, 0)


def new_id() -> UUID:
    """A fresh key. Those made by one process at a standing or advancing clock are in order.

    Within a millisecond a counter follows the time, as the RFC's method 1 has it; a clock
    that is moved back begins anew.
    """
    global _last
    milliseconds = int(clock.now().timestamp() * 1000)
    with _lock:
        counter = _last[1] + 1 if _last[0] == milliseconds else 0
        _last = (milliseconds, counter)
    milliseconds += counter >> COUNTER_BITS
    counter &= (1 << COUNTER_BITS) - 1
    high, low = counter >> COUNTER_BITS - 12, counter & (1 << COUNTER_BITS - 12) - 1
    bits = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | high << 64
    bits |= 0b10 << 62 | low << 54 | _random_bits(54)
    return UUID(int=bits)


def first_id_at(instant: datetime) -> UUID:
    """The smallest key that could be made from an instant on.

    Keys are in the order of time, so "made since" can be asked of the primary key where no
    date is indexed.
    """
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def seed_ids(seed: int | None) -> None:
    """Draw key bits from a seeded generator (simulations), or securely again with None."""
    global _random_bits, _last
    _random_bits = secrets.randbits if seed is None else random.Random(seed).getrandbits
    _last = (0, 0)


def is_uuid(text: str) -> bool:
    """Whether a text is a key in its usual form of five groups of hexadecimal digits."""
    return _UUID.fullmatch(text) is not None
