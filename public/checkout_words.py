"""What a checkout costs and asks for, in the words and language of the answer."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from models.billing.quote import Quote
from models.clock import paris, today
from models.settings import current_settings
from public.amounts import amount_text, interval_text


@dataclass(frozen=True)
class BillLine:
    """One line of what is paid today."""

    label: str
    amount: int
    amount_text: str


@dataclass(frozen=True)
class Bill:
    """What is paid today and what follows; templates know it as ``offer``."""

    key: str
    product_name: str
    plan_name: str
    amount: int
    amount_text: str
    today_text: str
    then_text: str
    lines: tuple[BillLine, ...]


def bill_of(key: str, quote: Quote, *, start: datetime) -> Bill:
    """A quote in words, as if bought at ``start``."""
    amount = amount_text(quote.amount, quote.currency)
    return Bill(
        key=key,
        product_name=quote.product_name,
        plan_name=quote.plan_name,
        amount=quote.amount,
        amount_text=amount,
        today_text=_("%(amount)s today", amount=amount),
        then_text=then_text(quote, start=start),
        lines=tuple(
            BillLine(_(line.label), line.total, amount_text(line.total, quote.currency))
            for line in quote.lines
        ),
    )


def then_text(quote: Quote, *, start: datetime) -> str:
    """What is charged after today and from when; empty where nothing is."""
    dates = quote.dates_from(start)
    price = amount_text(quote.price, quote.currency)
    if dates.next_charge_at is None:
        if dates.subscription_ends_at is None:
            return ""
        return _(
            "then nothing more: access ends on %(date)s", date=_day(dates.subscription_ends_at)
        )
    day = _day(dates.next_charge_at)
    if not quote.price:
        return ""
    if not quote.interval.renews:
        return _("then %(price)s on %(date)s", price=price, date=day)
    every = interval_text(quote.interval)
    text = _("then %(price)s %(every)s from %(date)s", price=price, every=every, date=day)
    if quote.max_billing_cycles is None:
        return text
    left = quote.max_billing_cycles - dates.billing_cycles_done
    return f"{text} ({ngettext('%(num)d payment', '%(num)d payments', left)})"


def consent_text() -> str:
    """What the buyer agrees to; kept with the order as it was shown."""
    return _(
        "I ask for access at once, before the %(days)s days of the right of withdrawal are over."
        " I have understood that I may still withdraw during these %(days)s days, and that"
        " content fully delivered at my request may no longer be returned.",
        days=current_settings().withdrawal_right_days,
    )


def _day(instant: datetime) -> str:
    day = paris(instant).date()
    return str(format_date(day, "d MMMM" if day.year == today().year else "d MMMM y"))
