"""Storing the clicks that wait in Redis, many in one insert."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from models.accounts import Platform
from models.affiliation import click_buffer
from models.affiliation.click_buffer import NoBuffer
from models.affiliation.tracking_event import TrackingEvent

log = logging.getLogger(__name__)

AT_ONCE = 1000

UNSTORABLE = (DataError, ValueError, KeyError, TypeError)
"""What a click raises that no later try can store; a database that is away is none of these."""


def store_waiting_clicks(session: Session, limit: int = AT_ONCE) -> list[bytes]:
    """Insert what waits; answers the entries to ``forget_stored`` once this has committed.

    A click that is stored already is left as it is; one that never can be is logged and given
    up, so that those behind it do not wait for ever. Without Redis nothing waits.
    """
    try:
        entries = click_buffer.waiting(limit)
    except NoBuffer:
        return []
    if entries and not _store(session, entries):
        for entry in entries:
            if not _store(session, [entry]):
                log.error("click.given_up", extra={"click": entry.decode(errors="replace")[:500]})
    return entries


def _store(session: Session, entries: Sequence[bytes]) -> bool:
    """Insert entries in one statement; False, and none inserted, where one cannot be."""
    try:
        with session.begin_nested():
            rows = [_row(json.loads(entry)) for entry in entries]
            session.execute(insert(TrackingEvent).on_conflict_do_nothing(), rows)
    except UNSTORABLE:
        return False
    return True


def clicks_wait() -> bool:
    """Whether any click waits in Redis."""
    try:
        return bool(click_buffer.waiting(1))
    except NoBuffer:
        return False


def forget_stored(entries: list[bytes]) -> None:
    """Take committed clicks off the list; where Redis is away the next run does it."""
    try:
        click_buffer.take_off(entries)
    except NoBuffer:
        return


def _row(click: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "affiliate_id", "product_id")
    instants = ("created_at", "expires_at")
    return {
        **click,
        **{name: UUID(click[name]) if click[name] else None for name in keys},
        **{name: datetime.fromisoformat(click[name]) for name in instants},
        "platform": Platform(click["platform"]),
    }
