"""Where a purchase stands, in the words and language of the answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask_babel import gettext as _

from models.billing import Customer, CustomerStatus
from models.billing.decline_codes import decline_of
from models.billing.end_subscription import ended_at
from models.billing.order import renounced_at, withdrawal_until
from models.billing.own_purchases import OwnPurchase
from models.billing.quote import Quote
from models.errors import N_
from models.settings import current_settings
from public.amounts import amount_text, day_text, interval_text

STATUS_WORDS = {
    CustomerStatus.TRIAL: N_("Trial running"),
    CustomerStatus.ACTIVE: N_("Active"),
    CustomerStatus.PAST_DUE: N_("Payment due"),
    CustomerStatus.CANCELLED: N_("Cancelled"),
    CustomerStatus.EXPIRED: N_("Over"),
}


@dataclass(frozen=True)
class Card:
    """A card as its owner recognises it."""

    text: str
    expiry_text: str


@dataclass(frozen=True)
class ShownPurchase:
    """One purchase as the pages say it, and what its buyer may do with it now.

    ``alert`` is what goes wrong and what happens when, ``bank_url`` where the bank asks for a
    payment to be confirmed; ``access_until_text`` is the day on
    which access ends if nothing is charged any more, empty where it does not end.
    """

    id: UUID
    product_name: str
    plan_name: str
    community_name: str
    status_text: str
    is_running: bool
    is_past_due: bool
    price_text: str
    sentences: tuple[str, ...]
    alert: tuple[str, ...]
    bank_url: str
    card: Card | None
    access_until_text: str
    may_cancel: bool
    may_undo: bool
    may_switch: bool
    may_update_card: bool
    withdraw_until_text: str
    is_withdrawn: bool
    sales_path: str


def shown_purchase(purchase: OwnPurchase, *, now: datetime) -> ShownPurchase:
    """A purchase in words, with the acts that its state allows."""
    customer, terms = purchase.customer, purchase.terms
    renews = customer.is_running and not customer.is_complimentary and bool(terms and terms.price)
    ends = end_of_access(customer)
    withdraw_until = _withdraw_until(purchase, now)
    return ShownPurchase(
        id=customer.id,
        product_name=purchase.product_name or _("A product no longer on show"),
        plan_name=purchase.plan_name,
        community_name=purchase.community.name if purchase.community else "",
        status_text=_status(purchase),
        is_running=customer.is_running,
        is_past_due=customer.status is CustomerStatus.PAST_DUE,
        price_text=price_words(terms) if terms else "",
        sentences=tuple(_sentences(purchase)),
        alert=(*_under_way(purchase), *_alert(purchase)),
        bank_url=(purchase.under_way.redirect_url or "") if purchase.under_way else "",
        card=card_words(purchase) if customer.is_running else None,
        access_until_text=day_text(ends) if ends else "",
        may_cancel=may_cancel(customer),
        may_undo=_may_undo(customer, now) and not _renounced(purchase),
        may_switch=may_cancel(customer) and customer.status is not CustomerStatus.PAST_DUE,
        may_update_card=renews and may_cancel(customer),
        withdraw_until_text=day_text(withdraw_until - timedelta(seconds=1))
        if withdraw_until
        else "",
        is_withdrawn=_renounced(purchase) is not None,
        sales_path=f"/p/{customer.product.slug}"
        if customer.product and not customer.is_running
        else "",
    )


def price_words(terms: Quote) -> str:
    """The price of a period and how often it is paid."""
    return f"{amount_text(terms.price, terms.currency)} {interval_text(terms.interval)}"


def may_cancel(customer: Customer) -> bool:
    """Whether there is a charge to come, or one that failed, that cancelling would stop."""
    charges = customer.next_charge_at is not None or customer.status is CustomerStatus.PAST_DUE
    return charges and customer.is_running and not customer.cancel_at_period_end


def end_of_access(customer: Customer) -> datetime | None:
    """When access ended, or ends if nothing is charged any more; None where it does not end."""
    if ended := ended_at(customer):
        return min(ended, customer.subscription_ends_at or ended)
    if customer.status is CustomerStatus.TRIAL:
        return customer.trial_ends_at
    return customer.subscription_ends_at


def card_words(purchase: OwnPurchase) -> Card | None:
    """The card that is charged: brand, last four digits, expiry."""
    card = purchase.card
    if card is None:
        return None
    expiry = f"{card.exp_month:02d}/{card.exp_year}" if card.exp_month and card.exp_year else ""
    return Card(f"{(card.brand or _('Card')).capitalize()} •••• {card.last4}", expiry)


def _status(purchase: OwnPurchase) -> str:
    customer = purchase.customer
    if customer.is_running and _renounced(purchase):
        return _("Withdrawal received")
    if customer.is_running and customer.cancel_at_period_end:
        return _("Cancelled, still open")
    if customer.is_complimentary and customer.is_running:
        return _("Offered")
    return _(STATUS_WORDS[customer.status])


def _may_undo(customer: Customer, now: datetime) -> bool:
    ends = end_of_access(customer)
    return customer.is_running and customer.cancel_at_period_end and (ends is None or ends > now)


def _withdraw_until(purchase: OwnPurchase, now: datetime) -> datetime | None:
    """Until when the law lets the buyer withdraw; None where it no longer does."""
    customer = purchase.customer
    if purchase.ordered_at is None or _renounced(purchase):
        return None
    if not customer.is_running and not purchase.is_paid:
        return None
    until = withdrawal_until(purchase.ordered_at)
    return until if now < until else None


def _renounced(purchase: OwnPurchase) -> datetime | None:
    return renounced_at(purchase.customer, purchase.ordered_at)


def _sentences(purchase: OwnPurchase) -> list[str]:
    customer, terms = purchase.customer, purchase.terms
    ends = end_of_access(customer)
    at = _renounced(purchase)
    withdrew = [_("You withdrew from this contract on %(date)s.", date=day_text(at))] if at else []
    if not customer.is_running:
        ended = _("Ended on %(date)s.", date=day_text(ends)) if ends else _("Ended.")
        return [ended, *withdrew]
    if at:
        return [*withdrew, _("Nothing more is charged; access lasts until you are refunded.")]
    if customer.is_complimentary:
        until = [_("Access is offered until %(date)s.", date=day_text(ends))] if ends else []
        return [*until, _("Nothing is charged.")]
    if customer.cancel_at_period_end:
        return _cancelled(customer, ends)
    if customer.status is CustomerStatus.PAST_DUE:
        return []  # the alert says all there is to say
    said = []
    if customer.status is CustomerStatus.TRIAL and ends:
        said.append(_("Trial until %(date)s.", date=day_text(ends)))
    if customer.next_charge_at and terms:
        price = Quote.from_json(customer.next_terms) if customer.next_terms else terms
        said.append(
            _(
                "Next charge: %(amount)s on %(date)s.",
                amount=amount_text(price.price, price.currency),
                date=day_text(customer.next_charge_at),
            )
        )
    if customer.next_terms and ends:
        said.append(_next_plan(Quote.from_json(customer.next_terms), ends))
    return said or [_nothing_more(ends)]


def _cancelled(customer: Customer, ends: datetime | None) -> list[str]:
    said = []
    if customer.cancelled_at:
        said.append(_("You cancelled on %(date)s.", date=day_text(customer.cancelled_at)))
    if ends:
        said.append(
            _("Access lasts until %(date)s and nothing more is charged.", date=day_text(ends))
        )
    return said


def _next_plan(terms: Quote, ends: datetime) -> str:
    return _(
        "From %(date)s you go over to “%(plan)s”, %(price)s.",
        date=day_text(ends),
        plan=terms.plan_name,
        price=price_words(terms),
    )


def _nothing_more(ends: datetime | None) -> str:
    if ends is None:
        return _("Paid once and yours for good: nothing more is charged.")
    return _("Access lasts until %(date)s and nothing more is charged.", date=day_text(ends))


def _under_way(purchase: OwnPurchase) -> list[str]:
    """That a payment waits for the bank, or for its holder there."""
    waiting = purchase.under_way
    if waiting is None:
        return []
    amount = amount_text(waiting.amount)
    if waiting.needs_action:
        return [_("Your bank asks you to confirm a payment of %(amount)s.", amount=amount)]
    return [_("A payment of %(amount)s is with your bank, which has not answered.", amount=amount)]


def _alert(purchase: OwnPurchase) -> list[str]:
    """What failed, why, when it is tried again, and what happens when."""
    customer, owed = purchase.customer, purchase.owed
    if customer.status is not CustomerStatus.PAST_DUE:
        return []
    said = [
        _("A payment of %(amount)s did not go through.", amount=amount_text(owed.amount))
        if owed
        else _("A payment did not go through.")
    ]
    if owed and owed.decline_code:
        said.append(_(decline_of(owed.decline_code).message))
    if customer.access_paused_at:
        said.append(_("Access is paused until the payment goes through."))
    if customer.first_failed_at:
        said += _what_happens_when(customer, customer.first_failed_at)
    return said


def _what_happens_when(customer: Customer, since: datetime) -> list[str]:
    settings = current_settings()
    grace_ends = since + timedelta(days=settings.grace_days)
    gives_up = since + timedelta(days=max(map(int, settings.dunning_days), default=0))
    said = []
    if not customer.access_paused_at and not customer.cancel_at_period_end:
        said.append(_("Your access stays open until %(date)s.", date=day_text(grace_ends)))
    if customer.next_charge_at:
        said.append(_("We try again on %(date)s.", date=day_text(customer.next_charge_at)))
        said.append(
            _(
                "If nothing has been paid by %(date)s, the subscription ends.",
                date=day_text(gives_up),
            )
        )
    return said
