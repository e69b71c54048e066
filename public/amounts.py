"""Amounts, delays and days as people read them, in the language of the answer."""

import re
from datetime import date, datetime
from decimal import Decimal

from babel.numbers import format_currency, format_decimal, format_percent
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from models.catalog import BillingInterval
from models.clock import paris, today
from models.day_words import LONG, day_words
from models.errors import N_, BadInput

_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
WHOLE = {"fr": "#,##0\N{NO-BREAK SPACE}¤", "en": "¤#,##0"}


def amount_text(cents: int, currency: str = "EUR") -> str:
    """Cents as words: whole euros without decimals (49 €), others with two (49,90 €)."""
    language = str(get_locale() or "fr")[:2]
    whole = cents % 100 == 0
    return str(
        format_currency(
            Decimal(cents).scaleb(-2),
            currency,
            format=WHOLE.get(language, WHOLE["en"]) if whole else None,
            currency_digits=not whole,
            locale=language,
        )
    )


def exact_amount(cents: int) -> str:
    """Cents as machines read them: ``49.90``."""
    return format(Decimal(cents).scaleb(-2), ".2f")


class NotAnAmount(BadInput):
    code = "not_an_amount"
    message = N_("“%(text)s” is not an amount: write it as 125 or 125.50.")


def cents_typed(text: str, field: str = "amount") -> int:
    """The cents of an amount as people type it: ``125``, ``1 225,50 €``. Raises NotAnAmount."""
    plain = re.sub(r"[\s\u202f\u00a0€]", "", text).replace(",", ".")
    if not _AMOUNT.fullmatch(plain):
        raise NotAnAmount(field=field, text=text.strip()[:40])
    whole, _, rest = plain.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def typed_amount(cents: int) -> str:
    """Cents as a field holds them, for the reader to change: ``125,50``."""
    text = exact_amount(cents)
    return text.replace(".", ",") if str(get_locale() or "fr")[:2] == "fr" else text


def interval_text(interval: BillingInterval) -> str:
    """How often the price is paid."""
    return {
        BillingInterval.ONE_TIME: _("once"),
        BillingInterval.MONTHLY: _("a month"),
        BillingInterval.QUARTERLY: _("a quarter"),
        BillingInterval.ANNUALLY: _("a year"),
        BillingInterval.LIFETIME: _("once, for life"),
    }[interval]


def days_text(days: int) -> str:
    """A number of days."""
    return str(ngettext("%(num)d day", "%(num)d days", days))


def cents_text(cents: int, currency: str = "EUR") -> str:
    """Cents as words with two decimals, for columns of figures: ``1 225,00 €``."""
    language = str(get_locale() or "fr")[:2]
    return str(format_currency(Decimal(cents).scaleb(-2), currency, locale=language))


def number_text(number: int | Decimal) -> str:
    """A count or a rate with the reader's marks: ``1 225``, ``12,5``."""
    return str(format_decimal(number, locale=str(get_locale() or "fr")[:2]))


def percent_text(points: int | Decimal) -> str:
    """Points of percent: ``30 %`` in French, ``30%`` in English."""
    space = "\N{NO-BREAK SPACE}" if str(get_locale() or "fr")[:2] == "fr" else ""
    return f"{number_text(points)}{space}%"


def part_text(part: int, whole: int) -> str:
    """How much of a whole, in whole percent rounded half-up; a dash where there is no whole."""
    if whole <= 0:
        return "–"
    return str(
        format_percent(
            Decimal((200 * part + whole) // (2 * whole)).scaleb(-2),
            locale=str(get_locale() or "fr")[:2],
        )
    )


def day_text(instant: datetime) -> str:
    """The day of an instant in Paris; its year only where it is not this one."""
    day = paris(instant).date()
    return day_here(day, "d MMMM" if day.year == today().year else LONG)


def day_here(day: date, pattern: str = LONG) -> str:
    """A date in the reader's language."""
    return day_words(day, str(get_locale() or "fr")[:2], pattern)
