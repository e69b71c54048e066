"""What is kept as JSON, as words: a list of names and values, nested as deep as it goes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape

from admin_views.formats import NOTHING, Format, euros, is_french, moment, percent
from admin_views.labels import label_of
from admin_views.words import STATUSES
from models.errors import N_

Finder = Callable[[str, Any], Markup | None]
"""The link to the record that a key of a structure points at, where there is one to open."""

AMOUNTS = ("amount", "fee", "total", "price", "balance")
"""How the names that hold cents end, or what stands inside them."""

CENTS = frozenset(
    {
        "balance_after",
        "clawed_from_available",
        "clawed_from_extended",
        "clawed_from_main",
        "clawed_in_all",
        "from_available",
        "from_extended",
        "from_main",
        "paid",
        "price_shown",
        "refunded",
        "refunded_in_all",
    }
)
"""Further names that hold cents, most of them a clawback's."""

FRACTIONS = frozenset({"refund_rate", "tax_rate"})
"""Rates between 0 and 1; the others are points of percent."""

AMOUNT = re.compile(r"(?<![\d.,])(\d+)\.(\d\d)(?=[ \u00a0\u202f]€)")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CODES = {
    "boost_type": "BoostType",
    "interval": "BillingInterval",
    "invoice_kind": "InvoiceKind",
    "kind": "InvoiceKind",
    "lock_profile": "LockProfile",
    "rate_type": "RateType",
    "risk_level": "RiskLevel",
}
"""Per key of a structure: whose codes it holds."""

KEYS = {
    "address": N_("Address"),
    "age_days": N_("Days since the first commission"),
    "attributed_at": N_("Attributed"),
    "addresses": N_("Addresses"),
    "boost": N_("Boost code"),
    "boost_value": N_("What it gives"),
    "by_figures": N_("By the figures"),
    "clawbacks": N_("Taken back"),
    "clicks": N_("Clicks"),
    "clawed_in_all": N_("Taken back in all"),
    "code": N_("Code"),
    "customers": N_("Customers"),
    "from_available": N_("From what was available"),
    "from_extended": N_("From the extended part"),
    "from_main": N_("From the main part"),
    "ip": N_("Address"),
    "on": N_("Day"),
    "paid": N_("Amount paid"),
    "purchases": N_("Purchases"),
    "refund": N_("Refund"),
    "refunded": N_("Amount refunded"),
    "refunded_in_all": N_("Refunded in all"),
    "refunds": N_("Refunds"),
    "relocked": N_("Locked anew"),
    "buyer": N_("Buyer"),
    "card": N_("Card"),
    "checkout_id": N_("Checkout"),
    "capped": N_("Capped"),
    "card_type": N_("Kind of card"),
    "expiry": N_("Expiry"),
    "extended_percent": N_("Extended part"),
    "from_free_product": N_("By a free product"),
    "interval": N_("Billed"),
    "invoice": N_("Invoice"),
    "invoice_kind": N_("Kind of invoice"),
    "last_four": N_("Last digits"),
    "lines": N_("Lines"),
    "lock_profile": N_("Profile"),
    "lock_rule_version": N_("Version of the lock rules"),
    "main_percent": N_("Main part"),
    "metadata": N_("Details"),
    "plan_name": N_("Plan"),
    "price": N_("Price"),
    "product_name": N_("Product"),
    "rate": N_("Rate"),
    "rate_source": N_("Where the rate comes from"),
    "reference": N_("Reference"),
    "seller": N_("Seller"),
    "siren": N_("SIREN"),
    "stored_at": N_("Stored"),
    "try_no": N_("Cards tried"),
    "uncapped_amount": N_("Before the cap"),
    "utm_campaign": N_("Campaign"),
    "utm_medium": N_("Medium"),
    "utm_source": N_("Source"),
    "vat": N_("VAT"),
    "vat_number": N_("VAT number"),
}
"""What keys of structures are called beside the columns' names."""


def read_amounts(text: str) -> str:
    """A rule's own words with the amounts in them as the reader writes them.

    An amount is what stands before its currency: a name's "2.10" is left as it is.
    """
    return AMOUNT.sub(r"\1,\2", text) if is_french() else text


def key_words(name: str) -> str:
    """A key in the reader's language."""
    known = KEYS.get(name)
    if known:
        return gettext(known)
    return gettext(label_of(name)).capitalize() if "." not in name else name


def holds_cents(name: str) -> bool:
    """Whether whole numbers under this name are cents."""
    return "amount" in name or name.endswith(AMOUNTS) or name in CENTS


def value_words(name: str, value: Any) -> str:
    """A plain value in words: yes and no, cents in euros, instants in Paris, codes by name."""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, int) and holds_cents(name):
        return euros(value)
    if isinstance(value, dict):
        parts = ((key_words(key), value_words(key, each)) for key, each in value.items())
        return ", ".join(
            gettext("%(name)s: %(words)s", name=key, words=words) for key, words in parts if words
        )
    if isinstance(value, list):
        return ", ".join(value_words(name, each) for each in value)
    return _text_words(name, "" if value is None else str(value))


def _text_words(name: str, text: str) -> str:
    if INSTANT.match(text):
        return moment(datetime.fromisoformat(text))
    if name == "label" and text:
        return gettext(text)
    code = STATUSES.get(CODES.get(name, ""), {}).get(text)
    if code:
        return gettext(code[0])
    if text and (name == "vat" or name.endswith(("rate", "percent"))):
        try:
            return percent(Decimal(text).scaleb(2 if name in FRACTIONS else 0))
        except InvalidOperation:
            return text
    return text


def nobody(name: str, key: Any) -> Markup | None:
    """Finds nothing: for structures whose keys point at no record."""
    return None


def structure(value: Any, find: Finder = nobody, name: str = "") -> Markup:
    """A structure as nested lists of names and values; what is empty is left out."""
    if isinstance(value, dict):
        lines = [(key, each) for key, each in value.items() if each not in (None, "", {}, [])]
        if not lines:
            return NOTHING
        pairs = (
            Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(
                key_words(str(key)), structure(each, find, str(key))
            )
            for key, each in lines
        )
        return Markup('<dl class="tree">{}</dl>').format(Markup("").join(pairs))
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        items = (Markup("<li>{}</li>").format(structure(each, find, name)) for each in value)
        return Markup('<ol class="tree">{}</ol>').format(Markup("").join(items))
    return find(name, value) or escape(value_words(name, value))


@dataclass(frozen=True)
class Data(Format):
    """A structure as names and values."""

    find: Finder = nobody

    def html(self, value: Any, row: Any) -> Markup | str:
        return structure(value, self.find) if value else NOTHING

    def text(self, value: Any, row: Any) -> str:
        return value_words("", value) if value else ""
