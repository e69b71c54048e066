"""A commission in words: the facts of its explanation, written as the consoles write."""

from datetime import datetime
from decimal import Decimal

from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_views.formats import decimal, euros, moment, whole
from models.affiliation import Commission
from models.affiliation.explain_clawback import clawbacks_of
from models.affiliation.explain_commission import explain_commission
from models.affiliation.fact import Cents, Fact, Value, Word


def explained(session: Session, commission: Commission) -> list[str]:
    """Base, rate, parts, dates and each taking back, a sentence each."""
    facts = explain_commission(commission, clawbacks_of(session, commission.id))
    return [in_words(fact) for fact in facts]


def in_words(fact: Fact) -> str:
    """One fact as a sentence of the reader's language."""
    text = gettext(fact.text)
    return text % {name: shown(value) for name, value in fact.values.items()}


def shown(value: Value) -> str:
    """A fact's value as the consoles write it."""
    match value:
        case Cents(amount):
            return euros(amount)
        case Word(text):
            return gettext(text)
        case datetime():
            return moment(value)
        case Decimal():
            return decimal(value)
        case int():
            return whole(value)
    return value
