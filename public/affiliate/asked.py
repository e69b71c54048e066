"""What a list is asked for in its address: filters, days, and the place to go on from."""

import enum
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import request

from models import clock
from models.errors import N_, BadInput

Kind = TypeVar("Kind", bound=enum.StrEnum)

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
LARGEST_NUMBER = 2**63 - 1


class BadDay(BadInput):
    code = "bad_day"
    message = N_("“%(text)s” is not a day: write it as 2026-12-31.")


class BadFilter(BadInput):
    code = "bad_filter"
    message = N_("“%(text)s” is not one of the choices.")


def start_of(on: date | None) -> datetime | None:
    """When a Paris day begins."""
    return None if on is None else datetime.combine(on, time(), tzinfo=clock.PARIS)


def end_of(on: date | None) -> datetime | None:
    """When a Paris day is over."""
    return None if on is None else start_of(on + timedelta(days=1))


def day_asked(name: str) -> date | None:
    """A day of the address. Raises BadDay."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        raise BadDay(field=name, text=text[:40]) from None
    if not EARLIEST <= on <= LATEST:
        raise BadDay(field=name, text=text[:40])
    return on


def choice_asked(name: str, kind: type[Kind]) -> Kind | None:
    """One of a status's values. Raises BadFilter."""
    text = request.args.get(name, "").strip()
    try:
        return kind(text) if text else None
    except ValueError:
        raise BadFilter(field=name, text=text[:40]) from None


def key_asked(name: str) -> UUID | None:
    """A key of the address. Raises BadFilter."""
    text = request.args.get(name, "").strip()
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadFilter(field=name, text=text[:40]) from None


def number_asked(name: str) -> int | None:
    """A place in the ledger. Raises BadFilter."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_NUMBER):
        raise BadFilter(field=name, text=text[:40])
    return int(text)


def address(path: str, filters: Mapping[str, Any], **place: Any) -> str:
    """A list's address with its filters, and where to go on."""
    given = {name: str(value) for name, value in {**filters, **place}.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
