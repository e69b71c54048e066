"""UUIDv7 keys (RFC 9562, section 5.7): 48 bits of the clock's milliseconds, then random bits.

Made from our own clock rather than the system's, so that keys made in a simulation sort
by simulated time, and from a replaceable source of bits, so that a simulation run twice
makes the same keys.
"""

import random
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from models import clock

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_random_bits: Callable[[int], int] = secrets.randbits


def new_id() -> UUID:
    """A fresh key that sorts after the keys of earlier milliseconds."""
    milliseconds = int(clock.now().timestamp() * 1000)
    bits = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76
    bits |= _random_bits(12) << 64 | 0b10 << 62 | _random_bits(62)
    return UUID(int=bits)


def first_id_at(instant: datetime) -> UUID:
    """The smallest key that could be made from an instant on.

    Keys are in the order of time, so "made since" can be asked of the primary key where no
    date is indexed.
    """
    return UUID(int=int(instant.timestamp() * 1000) << 80)


def seed_ids(seed: int | None) -> None:
    """Draw key bits from a seeded generator (simulations), or securely again with None."""
    global _random_bits
    _random_bits = secrets.randbits if seed is None else random.Random(seed).getrandbits


def is_uuid(text: str) -> bool:
    """Whether a text is a key in its usual form of five groups of hexadecimal digits."""
    return _UUID.fullmatch(text) is not None
