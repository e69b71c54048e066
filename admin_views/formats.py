"""How a value reads: euros from cents, Paris dates, badges, links; as HTML and as plain text.

A format turns one value of one row into a cell. ``text`` is what exports hold. No float
touches an amount: cents are cut into euros and cents as whole numbers.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import get_locale, gettext
from markupsafe import Markup, escape

from admin_views.words import status_words
from models import clock
from models.money import rate_text

NOTHING = Markup('<span class="none">–</span>')


def is_french() -> bool:
    """Whether the reader's numbers and dates are written the French way."""
    locale = get_locale()
    return locale is None or locale.language == "fr"


def euros(cents: int, currency: str = "EUR") -> str:
    """``1 225,00 €`` in French, ``€1,225.00`` in English; other currencies by their code."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    symbol = "€" if currency == "EUR" else currency
    if is_french():
        return f"{sign}{whole:,}".replace(",", "\u202f") + f",{rest:02d}\u00a0{symbol}"
    return f"{sign}{symbol}{whole:,}.{rest:02d}"


def plain_euros(cents: int) -> str:
    """``1225.00``: what a spreadsheet reads as a number."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def whole(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}".replace(",", "\u202f") if is_french() else f"{number:,}"


def decimal(number: Decimal) -> str:
    """A number without needless zeros, with the reader's decimal mark."""
    return rate_text(number).replace(".", ",") if is_french() else rate_text(number)


def percent(points: Decimal) -> str:
    """Points of percent: ``30 %`` in French, ``30%`` in English."""
    return decimal(points) + ("\u00a0%" if is_french() else "%")


def moment(instant: datetime, *, seconds: bool = False) -> str:
    """An instant on a Paris wall clock."""
    here = clock.paris(instant)
    form = "%d/%m/%Y %H:%M" if is_french() else "%d %b %Y %H:%M"
    return here.strftime(form + (":%S" if seconds else ""))


def day(on: date) -> str:
    """A date as it is written in France, or in English."""
    return on.strftime("%d/%m/%Y" if is_french() else "%d %b %Y")


class Format:
    """Plain text, cut for lists where it is long."""

    is_amount = False
    numeric = False
    needs: tuple[str, ...] = ()
    """Further columns of the row that the cell is made from."""
    longest = 120

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None or value == "":
            return NOTHING
        text = self.text(value, row)
        return escape(text if len(text) <= self.longest else text[: self.longest - 1] + "…")

    def text(self, value: Any, row: Any) -> str:
        return "" if value is None else str(value)


@dataclass(frozen=True)
class Whole(Format):
    """The text without a cut, with its line breaks: for detail pages."""

    def html(self, value: Any, row: Any) -> Markup | str:
        if value in (None, ""):
            return NOTHING
        return Markup('<span class="prose">{}</span>').format(value)


class OneLine(Format):
    """A short text that is never broken over two lines."""

    def html(self, value: Any, row: Any) -> Markup | str:
        return NOTHING if not value else Markup('<span class="nw">{}</span>').format(value)


class Email(Format):
    """An address; where it must break over two lines it does so before its @."""

    def html(self, value: Any, row: Any) -> Markup | str:
        return escape(value).replace("@", Markup("<wbr>@")) if value else NOTHING


@dataclass(frozen=True)
class Count(Format):
    """A number with its thousands apart; counting stopped at ``at_most``."""

    at_most: int | None = None
    numeric = True

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        more = "+" if self.at_most is not None and value >= self.at_most else ""
        return escape(whole(value) + more)


@dataclass(frozen=True)
class Money(Format):
    """Cents as euros; ``secret`` amounts are those that only finance may see."""

    secret: bool = True
    numeric = True

    @property
    def is_amount(self) -> bool:  # type: ignore[override]
        return self.secret

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        shown = euros(value)
        return Markup('<span class="neg">{}</span>').format(shown) if value < 0 else escape(shown)

    def text(self, value: Any, row: Any) -> str:
        return "" if value is None else plain_euros(value)


@dataclass(frozen=True)
class Percent(Format):
    """Points of percent, or a fraction between 0 and 1 where ``fraction`` says so."""

    fraction: bool = False
    numeric = True

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        return escape(percent(value.scaleb(2) if self.fraction else Decimal(value)))


class Moment(Format):
    """An instant in Paris time."""

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        return Markup('<time datetime="{}">{}</time>').format(
            value.strftime("%Y-%m-%dT%H:%MZ"), moment(value)
        )

    def text(self, value: Any, row: Any) -> str:
        return "" if value is None else clock.paris(value).strftime("%Y-%m-%d %H:%M:%S")


class DayOf(Moment):
    """The Paris day of an instant, for lists; the hour shows under the pointer."""

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        return Markup('<time title="{}">{}</time>').format(moment(value), day(clock.paris(value)))


class Day(Format):
    def html(self, value: Any, row: Any) -> Markup | str:
        return NOTHING if value is None else escape(day(value))

    def text(self, value: Any, row: Any) -> str:
        return "" if value is None else str(value.isoformat())


class YesNo(Format):
    def html(self, value: Any, row: Any) -> Markup | str:
        words = gettext("Yes") if value else gettext("No")
        return Markup('<span class="yn {}">{}</span>').format("yes" if value else "no", words)

    def text(self, value: Any, row: Any) -> str:
        return gettext("Yes") if value else gettext("No")


@dataclass(frozen=True)
class Badge(Format):
    """A status as a coloured word."""

    kind: type[enum.Enum] | None = None

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        words, colour = status_words(self.kind, value)
        return Markup('<span class="badge {}">{}</span>').format(colour, words)

    def text(self, value: Any, row: Any) -> str:
        return "" if value is None else status_words(self.kind, value)[0]


class Code(Format):
    """A key, a slug or an id, in letters of one width."""

    def html(self, value: Any, row: Any) -> Markup | str:
        return NOTHING if value is None else Markup("<code>{}</code>").format(value)


@dataclass(frozen=True)
class Named(Format):
    """A code of the system's in words; the code itself shows under the pointer."""

    names: Mapping[str, str]
    needs: tuple[str, ...] = ()

    def text(self, value: Any, row: Any) -> str:
        known = self.names.get(str(value))
        return gettext(known) if known else str(value or "")

    def html(self, value: Any, row: Any) -> Markup | str:
        if value is None:
            return NOTHING
        known = self.names.get(str(value))
        if known is None:
            return Markup("<code>{}</code>").format(value)
        return Markup('<span title="{}">{}</span>').format(value, self.text(value, row))


PLAIN = Format()


@dataclass(frozen=True)
class Linked(Format):
    """Another format's cell as a link to a record of a view, where the reader may open it.

    ``key`` is the row's column with the record's key; ``empty`` stands for a missing value.
    """

    view: str
    key: str
    inner: Format = PLAIN
    empty: str = ""

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.key, *self.inner.needs)

    @property
    def is_amount(self) -> bool:  # type: ignore[override]
        return self.inner.is_amount

    def html(self, value: Any, row: Any) -> Markup | str:
        shown = self.inner.html(value, row)
        if "<a " in shown:
            return shown
        key = row.get(self.key)
        address = row.addresses.get(self.view)
        if key is None or address is None:
            return shown
        if shown is NOTHING:
            if not self.empty:
                return shown
            shown = escape(gettext(self.empty))
        return Markup('<a href="{}details/?id={}">{}</a>').format(address, key, shown)

    def text(self, value: Any, row: Any) -> str:
        return self.inner.text(value, row)


@dataclass(frozen=True)
class Told(Format):
    """A sentence made from the value and its row."""

    sentence: Callable[[Any, Any], str]
    needs: tuple[str, ...] = ()

    def html(self, value: Any, row: Any) -> Markup | str:
        text = self.sentence(value, row)
        return escape(text) if text else NOTHING

    def text(self, value: Any, row: Any) -> str:
        return self.sentence(value, row)
