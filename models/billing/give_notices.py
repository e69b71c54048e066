"""Giving notice ahead of what will be charged: a trial's end, an annual term, a card too old.

Each is given once about one instant, and nobody is told who has cancelled. What a missed run
left is found by the next one, as long as it is still early enough to be told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import clock
from models.billing.customer import Customer, CustomerStatus
from models.billing.figures import midnight
from models.billing.payment_method import PaymentMethod
from models.billing.subscription_notice import NoticeKind, SubscriptionNotice
from models.catalog import BillingInterval
from models.clock import paris
from models.oversight import SYSTEM, emit
from models.session import unit_of_work

TRIAL_AHEAD = relativedelta(days=3)
TERM_FIRST = relativedelta(months=3)
TERM_LAST = relativedelta(months=1)
CARD_AHEAD = relativedelta(days=30)
LOOK_AHEAD = {
    NoticeKind.TRIAL_ENDING: timedelta(days=4),
    NoticeKind.ANNUAL_TERM: timedelta(days=93),
    NoticeKind.CARD_EXPIRING: timedelta(days=31),
}
"""Per kind: no less than the time ahead at which its day begins, as a plain number of hours."""
CHARGED_AHEAD = timedelta(hours=24)
"""How long before the end of a paid period the next one may be charged."""
CHUNK = 1000


@dataclass(frozen=True)
class Window:
    """Which instants are told about now: from ``first`` up to ``last``, that one left out."""

    first: datetime
    last: datetime


def remind_due() -> dict[str, int]:
    """Give every notice that is due, in chunks, each a transaction of its own."""
    counts = dict.fromkeys((kind.value.lower() for kind in NoticeKind), 0)
    for kind in NoticeKind:
        given = CHUNK
        while given == CHUNK:
            with unit_of_work() as session:
                given = give_notices(session, kind, now=clock.now())
            counts[kind.value.lower()] += given
    return counts


def give_notices(session: Session, kind: NoticeKind, *, now: datetime) -> int:
    """Tell up to a chunk of customers of one kind, and keep that they were; how many."""
    customers = session.scalars(
        _due(kind, now).order_by(Customer.id).limit(CHUNK).with_for_update(of=Customer)
    ).all()
    for customer in customers:
        about = getattr(customer, ABOUT[kind].key)
        notice = SubscriptionNotice(
            customer_id=customer.id,
            kind=kind,
            about_at=about,
            last_day_on=last_day_to_cancel(kind, about),
            given_at=now,
        )
        session.add(notice)
        emit(
            session,
            "billing.notice_given",
            notice,
            actor=SYSTEM,
            data={"customer_id": customer.id, "user_id": customer.user_id, "kind": kind.value},
        )
    return len(customers)


def last_day_to_cancel(kind: NoticeKind, about: datetime) -> date | None:
    """The last whole Paris day on which cancelling surely prevents the charge.

    A trial is charged once it has ended, a paid period up to a day before its end.
    """
    match kind:
        case NoticeKind.TRIAL_ENDING:
            return paris(about).date() - timedelta(days=1)
        case NoticeKind.ANNUAL_TERM:
            return paris(about - CHARGED_AHEAD).date() - timedelta(days=1)
    return None


ABOUT: dict[NoticeKind, InstrumentedAttribute[datetime | None]] = {
    NoticeKind.TRIAL_ENDING: Customer.trial_ends_at,
    NoticeKind.ANNUAL_TERM: Customer.subscription_ends_at,
    NoticeKind.CARD_EXPIRING: Customer.next_charge_at,
}
"""Per kind of notice: the customer's instant that it is about."""


def window_of(kind: NoticeKind, now: datetime) -> Window:
    """The instants that a kind is told about at ``now``, by whole Paris days."""
    today, past = paris(now).date(), timedelta(days=1)
    match kind:
        case NoticeKind.TRIAL_ENDING:
            return Window(now, midnight(today + TRIAL_AHEAD + past))
        case NoticeKind.ANNUAL_TERM:
            return Window(midnight(today + TERM_LAST), midnight(today + TERM_FIRST + past))
    return Window(now, midnight(today + CARD_AHEAD + past))


def _due(kind: NoticeKind, now: datetime) -> Select[Customer]:
    about, window = ABOUT[kind], window_of(kind, now)
    return select(Customer).where(
        *concerned(kind),
        about > now,
        about >= window.first,
        about < window.last,
        ~told(kind),
    )


def told(kind: NoticeKind) -> ColumnElement[bool]:
    """Whether a customer has had this notice about the instant it would be about now."""
    return (
        select(literal(1))
        .where(
            SubscriptionNotice.customer_id == Customer.id,
            SubscriptionNotice.kind == kind,
            SubscriptionNotice.about_at == ABOUT[kind],
        )
        .exists()
    )


def concerned(kind: NoticeKind) -> Iterator[ColumnElement[bool]]:
    """Which customers a kind of notice is for: those who will be charged, as things stand."""
    yield Customer.next_charge_at.is_not(None)
    yield cast(Customer.terms["price"].astext, BigInteger) > 0
    match kind:
        case NoticeKind.TRIAL_ENDING:
            yield Customer.status == CustomerStatus.TRIAL
        case NoticeKind.ANNUAL_TERM:
            yield Customer.status == CustomerStatus.ACTIVE
            yield Customer.terms["interval"].astext == BillingInterval.ANNUALLY.value
        case NoticeKind.CARD_EXPIRING:
            yield Customer.status.in_([CustomerStatus.TRIAL, CustomerStatus.ACTIVE])
            yield _card_too_old()


def _card_too_old() -> ColumnElement[bool]:
    """Whether the default card's last month is over when the next charge comes."""
    month: Any = func.make_date(
        cast(PaymentMethod.exp_year, Integer), cast(PaymentMethod.exp_month, Integer), 1
    )
    day_of_charge = cast(func.timezone("Europe/Paris", Customer.next_charge_at), Date)
    return (
        select(literal(1))
        .where(
            PaymentMethod.id == Customer.default_payment_method_id,
            PaymentMethod.exp_year.is_not(None),
            PaymentMethod.exp_month.is_not(None),
            month + func.make_interval(0, 1) <= day_of_charge,
        )
        .exists()
    )


def annual_notice_missed(*, now: datetime) -> list[ColumnElement[bool]]:
    """Which customers' annual plans renew within a month without the notice having been sent."""
    too_late = window_of(NoticeKind.ANNUAL_TERM, now).first
    return [
        *concerned(NoticeKind.ANNUAL_TERM),
        Customer.next_charge_at < too_late,  # indexed, and the same instant for who renews
        ABOUT[NoticeKind.ANNUAL_TERM] < too_late,
        ~told(NoticeKind.ANNUAL_TERM),
    ]


def next_notice() -> Select[Any]:
    """Asks for the earliest instant at which a notice could be due, erring on the early side."""
    return select(
        func.least(
            *(
                select(func.min(ABOUT[kind]) - literal(ahead))
                .where(*concerned(kind), ~told(kind))
                .scalar_subquery()
                for kind, ahead in LOOK_AHEAD.items()
            )
        )
    )
