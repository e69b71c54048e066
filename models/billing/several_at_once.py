"""Calls to the payment side for many rows: several at once, each apart from the others.

And work on many rows in one transaction that one bad row must not stop.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Done = TypeVar("Done")

log = logging.getLogger(__name__)


def ask_each(items: Sequence[Item], ask: Callable[[Item], Answer], *, at_once: int) -> list[Answer]:
    """The answers in the order of the items; ``ask`` must not raise.

    With ``at_once`` of 1 the calls are made here, one after the other.
    """
    if at_once <= 1 or len(items) <= 1:
        return [ask(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(at_once, len(items))) as pool:
        return list(pool.map(ask, items))


def by_halves(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Done]
) -> tuple[list[Done], list[Item]]:
    """Do a work on all items together, or, where that crashes, on ever smaller parts.

    Answers what each part gave, and the items that crash even alone. A database that went
    away is not the items' fault and is raised.
    """
    if not items:
        return [], []
    try:
        return [work(items)], []
    except Exception as crash:
        if isinstance(crash, DBAPIError) and (crash.connection_invalidated or not crash.statement):
            raise
        if len(items) == 1:
            log.exception("billing.row_crashed", extra={"item": str(items[0])[:200]})
            return [], list(items)
    middle = len(items) // 2
    first, bad = by_halves(items[:middle], work)
    second, worse = by_halves(items[middle:], work)
    return first + second, bad + worse
