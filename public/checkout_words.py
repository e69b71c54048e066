"""What a checkout costs and asks for, in the words and language of the answer."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from models.billing import CaptureEndpoint, CapturePurpose
from models.billing.quote import Quote
from models.catalog import PaymentButton
from models.session import staff_reading
from models.settings import current_settings
from public.amounts import amount_text, day_text, interval_text
from public.legal_words import own_words


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


def bill_of_checkout(capture: CaptureEndpoint) -> Bill:
    """What a checkout that has begun charges: what it promised, or nothing for another card."""
    if capture.purpose is CapturePurpose.CARD:
        return Bill(
            key="",
            product_name=capture.quote["product_name"] or "",
            plan_name=capture.quote["plan_name"] or "",
            amount=0,
            amount_text=amount_text(0, capture.currency),
            today_text=_("Your new card"),
            then_text=_("A payment that is due is charged to it at once, otherwise nothing."),
            lines=(),
        )
    with staff_reading() as session:
        key = PaymentButton.get(session, capture.button_id).button_key
    return bill_of(key, Quote.from_json(capture.quote), start=capture.created_at)


def then_text(quote: Quote, *, start: datetime) -> str:
    """What is charged after today and from when; empty where nothing is."""
    dates = quote.dates_from(start)
    price = amount_text(quote.price, quote.currency)
    if dates.next_charge_at is None:
        if dates.subscription_ends_at is None:
            return ""
        return _(
            "then nothing more: access ends on %(date)s", date=day_text(dates.subscription_ends_at)
        )
    day = day_text(dates.next_charge_at)
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
    days = current_settings().withdrawal_right_days
    ours = _(
        "I ask for access at once, before the %(days)s days of the right of withdrawal are over."
        " I have understood that I may withdraw during these %(days)s days, and that I lose this"
        " right for what has been fully supplied at my request before they end.",
        days=days,
    )
    return own_words("consent_text", ours).replace("{days}", str(days))
