"""Mails about what a customer, or the owner, changed of a purchase, and notices ahead of dates."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.accounts.mail_user import mail_user
from models.base import Json
from models.billing import Customer, Invoice, PaymentMethod
from models.billing.order import cancelled_by_renouncing
from models.billing.quote import Quote
from models.billing.standing import ends_at
from models.billing.subscription_notice import NoticeKind, SubscriptionNotice
from models.catalog import Plan
from models.oversight import OutboxEvent

NOTICES = {
    NoticeKind.TRIAL_ENDING: "trial_reminder",
    NoticeKind.ANNUAL_TERM: "annual_notice",
    NoticeKind.CARD_EXPIRING: "card_expiring",
}
"""Per kind of notice: its mail."""


def mail_cancelled(session: Session, event: OutboxEvent) -> None:
    """The dated confirmation of a cancellation: until when access stays.

    What a withdrawal from the contract cancelled has a receipt of its own.
    """
    if cancelled_by_renouncing(named_customer(session, event.subject_id)):
        return
    _mail(session, event, "cancelled", {"cancelled_at": event.created_at})


def mail_cancel_undone(session: Session, event: OutboxEvent) -> None:
    """That a purchase goes on after all, and what is charged next."""
    _mail(session, event, "cancel_undone", {})


def mail_plan_switched(session: Session, event: OutboxEvent) -> None:
    """Which plan is in force from now on, and what was paid for it."""
    _mail(session, event, "plan_switched", {"paid": event.data["amount"]})


def mail_switch_planned(session: Session, event: OutboxEvent) -> None:
    """Which plan takes over at the period's end, and its price."""
    plan = Plan.get(session, UUID(event.data["plan_id"]))
    said = {"next_plan": plan.name, "next_price": plan.price_amount, "at": event.data["at"]}
    _mail(session, event, "switch_planned", said)


def mail_switch_refused(session: Session, event: OutboxEvent) -> None:
    """That a change of plan was not paid, so that everything stays as it was: whoever went to
    their bank, or closed the page, learns of it here."""
    invoice = Invoice.get(session, event.subject_id)
    customer = named_customer(session, invoice.customer_id)
    plan = Plan.get(session, invoice.plan_id)
    said = {"next_plan": plan.name, "asked": invoice.amount_including_tax}
    mail_customer(session, customer, "switch_refused", said, key=str(event.id))


def mail_period_extended(session: Session, event: OutboxEvent) -> None:
    """Until when a purchase was extended for nothing."""
    _mail(session, event, "period_extended", {"until": event.data["until"]})


def mail_access_granted(session: Session, event: OutboxEvent) -> None:
    """What somebody was given free, until when, and how to enter."""
    _mail(session, event, "access_granted", {"until": event.data["until"]})


def mail_card_updated(session: Session, event: OutboxEvent) -> None:
    """Which card the next payments are made with."""
    card = PaymentMethod.get(session, UUID(event.data["payment_method_id"]))
    said = {"card_brand": card.brand, "card_last4": card.last4}
    _mail(session, event, "card_updated", said)


def mail_notice(session: Session, event: OutboxEvent) -> None:
    """What is about to be charged, and until when it can be prevented."""
    notice = SubscriptionNotice.get(session, event.subject_id)
    customer = named_customer(session, notice.customer_id)
    card = (
        PaymentMethod.get(session, customer.default_payment_method_id)
        if customer.default_payment_method_id
        else None
    )
    said = {
        "about_at": notice.about_at,
        "last_day_on": notice.last_day_on,
        "card_brand": card.brand if card else "",
        "card_last4": card.last4 if card else "",
    }
    mail_customer(session, customer, NOTICES[notice.kind], said, key=str(notice.id))


def _mail(session: Session, event: OutboxEvent, kind: str, said: Json) -> None:
    """One mail to the customer whom an event is about, once for each event."""
    customer = named_customer(session, event.subject_id)
    mail_customer(session, customer, kind, said, key=str(event.id), locale=event.data.get("locale"))


def named_customer(session: Session, customer_id: Any) -> Customer:
    """A customer with their person, product and plan loaded."""
    return session.scalars(
        select(Customer)
        .where(Customer.id == customer_id)
        .options(
            joinedload(Customer.user),
            joinedload(Customer.product),
            joinedload(Customer.current_plan),
        )
    ).one()


def mail_customer(
    session: Session,
    customer: Customer,
    kind: str,
    said: Json,
    *,
    key: str,
    locale: str | None = None,
) -> None:
    """Queue one mail to a customer about their purchase; one ``key`` is told once.

    ``price`` is what the next period costs: that of a plan which waits for it, where one does.
    """
    user, terms = customer.user, Quote.from_json(customer.next_terms or customer.terms)
    mail_user(
        session,
        user,
        kind,
        {
            "product": customer.product.name,
            "plan": customer.current_plan.name,
            "price": terms.price,
            "currency": terms.currency,
            "interval": terms.interval.value,
            "next_charge_at": customer.next_charge_at,
            "ends_at": ends_at(customer),
            "is_running": customer.is_running,
            **said,
        },
        about=key,
        locale=locale,
    )
