"""Rendering of mails: one template a kind, said once, shaped as text and as HTML.

A template builds its mail from parts (title, text, button, table); the same template runs
once with the parts' text shapes and once with their HTML ones, so both say the same. It
needs no request: language, brand and everything said come from the mail's row.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from gettext import NullTranslations
from pathlib import Path

from babel.numbers import format_currency, format_decimal
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models import clock
from models.accounts import Platform
from models.accounts.site import site_url
from models.day_words import day_words, moment_words
from models.oversight import OutgoingMail
from models.settings import current_settings

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ("fr", "en")


@dataclass(frozen=True)
class Brand:
    """How one site's mails look: its name and its colours."""

    name: str
    scheme: str
    page: str
    card: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    title_font: str


BRANDS = {
    Platform.WEOKTO: Brand(
        name="WEOKTO",
        scheme="dark",
        page="#0a0a0a",
        card="#1e1e1e",
        line="#3a3a42",
        text="#efeef3",
        muted="#aaa7b5",
        accent="#b794f4",
        on_accent="#150a26",
        title_font="ui-monospace, Menlo, Consolas, monospace",
    ),
    Platform.STAM: Brand(
        name="STAM",
        scheme="light",
        page="#faf4e8",
        card="#fffdf7",
        line="#e0d3bc",
        text="#241a12",
        muted="#635345",
        accent="#a93a20",
        on_accent="#fffaf2",
        title_font="Palatino, 'Book Antiqua', Georgia, serif",
    ),
}


@dataclass(frozen=True)
class Rendered:
    """A mail's subject and both of its bodies."""

    subject: str
    text: str
    html: str


def render(mail: OutgoingMail) -> Rendered:
    """A queued mail in its language and brand. The same row renders the same every time."""
    settings = current_settings()
    locale = mail.locale if mail.locale in LOCALES else LOCALES[0]
    said = {
        **mail.context,
        "secrets": json.loads(mail.secrets) if mail.secrets else {},
        "to_email": mail.to_email,
        "locale": locale,
        "brand": BRANDS[Platform(mail.platform)],
        "site_url": site_url(Platform(mail.platform)),
        "company_name": settings.company_name,
        "company_address": settings.company_address,
        "console_path": settings.owner_console_path,
    }
    html = _environment(locale, "html").get_template(f"{mail.kind}.html").make_module(said)
    text = _environment(locale, "text").get_template(f"{mail.kind}.html").make_module(said)
    subject = " ".join(str(getattr(text, "subject", mail.kind)).split())
    return Rendered(subject, _tidy(str(text)), str(html))


@lru_cache(maxsize=4)
def _environment(locale: str, shape: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mails"),
        autoescape=shape == "html",
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(_translations(locale), newstyle=True)  # type: ignore[attr-defined]
    environment.globals["parts"] = f"parts/{shape}.html"
    environment.filters.update(
        amount=partial(_amount, locale),
        date=partial(_date, locale),
        day=partial(_day, locale),
        moment=partial(_moment, locale),
        percent=partial(_percent, locale),
        translated=partial(_translated, locale),
    )
    return environment


@lru_cache(maxsize=len(LOCALES))
def _translations(locale: str) -> NullTranslations:
    return Translations.load(ROOT / "content" / "translations", [locale])


def _translated(locale: str, words: str) -> str:
    """Words that came as data, in the mail's language. Never said to ``_()`` in a template:
    what that answers counts as markup, and these may be what somebody typed."""
    return _translations(locale).gettext(words) if words else ""


def _amount(locale: str, cents: int, currency: str = "EUR") -> str:
    """Cents as people read them: 49,90 €."""
    return str(format_currency(Decimal(cents).scaleb(-2), currency, locale=locale))


def _day(locale: str, instant: str) -> str:
    """An ISO instant as a day in Paris: 3 mars 2026."""
    return day_words(clock.paris(datetime.fromisoformat(instant)).date(), locale)


def _date(locale: str, day: str) -> str:
    """An ISO date: 3 mars 2026."""
    return day_words(date.fromisoformat(day), locale)


def _moment(locale: str, instant: str) -> str:
    """An ISO instant as a day and a time in Paris."""
    return moment_words(clock.paris(datetime.fromisoformat(instant)), locale)


def _percent(locale: str, rate: str) -> str:
    """A rate in percent: 5,5 % in French, 5.5% in English."""
    space = "\N{NO-BREAK SPACE}" if locale == "fr" else ""
    return f"{format_decimal(Decimal(rate), locale=locale)}{space}%"


def _tidy(text: str) -> str:
    """No more than one empty line in a row, none at the ends."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept) + "\n"
