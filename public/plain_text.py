"""What may be typed in: no card number, no control byte, nothing endless, in any field.

One guard before every request, so that a form or an endpoint which forgets to look is
covered too. Forms and fields keep their own, narrower limits. What was not typed in costs
nobody their page: a card number is taken out of the browser's name and the referrer, and in
the query of a page (where an advertiser's campaign number may look like one) it is let
pass, because nothing keeps it.
"""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask, abort, current_app, request

from models.card_numbers import has_card_number, without_card_numbers
from models.errors import N_, BadInput
from models.ids import is_uuid

LARGEST_JSON = 256 * 1024
LONGEST_TEXT = 50_000
KEPT_HEADERS = ("HTTP_USER_AGENT", "HTTP_REFERER")
BEGINS_AN_IBAN = re.compile(r"\s*[A-Za-z]{2}\s*[0-9]")
"""One wrong digit in an account's number is told beside its field; nothing keeps a wrong one."""
_UNREADABLE = re.compile(r"[\x00\ud800-\udfff]")


class CardNumberTyped(BadInput):
    code = "card_number"
    message = N_(
        "This looks like a card number. Never type one here:"
        " it is only asked for in the secure payment form."
    )


class UnreadableText(BadInput):
    code = "unreadable_text"
    message = N_("“%(name)s” holds characters that are not text.")


class TooLong(BadInput):
    code = "too_long"
    message = N_("“%(name)s” is too long: at most %(most)s characters.")


class TooDeep(BadInput):
    code = "too_deep"
    message = N_("The body is nested too deeply.")


def install(app: Flask) -> None:
    """Look at what every request brings."""
    app.before_request(look)


def look() -> None:
    """Refuse a request whose address, query, form or JSON holds what no field may hold.

    Raises CardNumberTyped, UnreadableText, TooLong or TooDeep; an address with a NUL is 404. What
    other machines send (``called_by_machines``) is left to its endpoint, which keeps it raw.
    """
    if "\x00" in request.path:
        abort(404)
    _clean_headers()
    view: Any = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "called_by_machines", False):
        return
    if request.mimetype != "multipart/form-data":
        request.max_content_length = LARGEST_JSON
    is_page = request.method in ("GET", "HEAD") and not request.path.startswith("/api/")
    for name, text in _texts():
        is_account = name == "iban" and BEGINS_AN_IBAN.match(text) is not None
        check_text(name, text, cards=is_page or is_account)


def check_text(name: str, text: str, *, cards: bool = False) -> None:
    """Refuse one text; ``name`` is the field's, for the message. ``cards`` may stand in it."""
    name = name[:60]
    if _UNREADABLE.search(text) or _UNREADABLE.search(name):
        raise UnreadableText(field=name, name=_UNREADABLE.sub("?", name))
    if len(text) > LONGEST_TEXT:
        raise TooLong(field=name, name=name, most=LONGEST_TEXT)
    if not cards and not is_uuid(text) and has_card_number(text):
        raise CardNumberTyped(field=name)


def _clean_headers() -> None:
    """What pages keep of a browser's headers holds neither card numbers nor control bytes."""
    for name in KEPT_HEADERS:
        if said := request.environ.get(name):
            request.environ[name] = without_card_numbers(_UNREADABLE.sub("", said))


def _texts() -> Iterator[tuple[str, str]]:
    for values in (request.args, request.form):
        for name, text in values.items(multi=True):
            yield "", name
            yield name, text
    if request.is_json:
        try:
            yield from _inside("", request.get_json(silent=True))
        except RecursionError:  # the parser itself gives up on a thousand brackets
            raise TooDeep from None


def _inside(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text of a JSON value, keys and numbers included, each with its nearest key."""
    waiting = [(name, value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [("", key) for key in value]
            waiting += list(value.items())
        elif isinstance(value, list):
            waiting += [(name, item) for item in value]
        elif isinstance(value, str | int | float):
            yield name, str(value)
