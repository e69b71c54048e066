"""What the dashboards show to whom: cards with their definitions, tables of counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_views.formats import euros, whole
from admin_views.guard import Console
from admin_views.words import status_words
from models.accounts import Platform, UserType
from models.accounts.figures import people_by_type
from models.accounts.permissions import Permission as P
from models.billing import CustomerStatus
from models.billing.figures import (
    last_days,
    running_by_status,
    sales_by_plan,
    sales_in,
    trials_in,
)
from models.billing.refund import waiting_refunds
from models.errors import N_
from models.ledger.figures import owed, owed_since
from models.oversight.figures import events_waiting, failed_runs_since, mails_waiting


@dataclass(frozen=True)
class Card:
    """One figure: its words, value, change against the span before, and what it means."""

    name: str
    value: str
    change: str = ""
    rises: bool | None = None
    means: str = ""


@dataclass(frozen=True)
class Table:
    """A small table of counts."""

    title: str
    headers: tuple[str, ...]
    lines: Sequence[tuple[str, ...]]
    means: str = ""


def cards_of(session: Session, console: Console, days: int, now: datetime) -> list[Card]:
    """The cards that this reader may see in this console."""
    if console.may(P.FINANCE_FIGURES):
        return finance_cards(session, days, now)
    if console.may(P.COUNT_FIGURES):
        return count_cards(session, now)
    return product_cards(session, days, now)


def tables_of(session: Session, console: Console, days: int, now: datetime) -> list[Table]:
    """The tables under the cards."""
    if console.may(P.FINANCE_FIGURES):
        return [best_sold(session, days, now)]
    if console.may(P.COUNT_FIGURES):
        return [people(session), subscriptions(session)]
    return [best_sold(session, days, now)]


def changed(now: int, before: int) -> tuple[str, bool | None]:
    """How a figure moved against the span before, in percent; nothing to compare with: a dash."""
    if before == 0:
        return ("–", None) if now == 0 else (gettext("new"), True)
    percent = (200 * (now - before) + abs(before)) // (2 * abs(before))
    return f"{'+' if percent > 0 else ''}{percent} %", None if now == before else now > before


def finance_cards(session: Session, days: int, now: datetime) -> list[Card]:
    """Sales, revenue, new customers, commissions owed."""
    span, before = last_days(days, now=now)
    mine, theirs = sales_in(session, span), sales_in(session, before)
    debt = owed(session)
    grown = owed_since(session, span.start)
    return [
        Card(
            N_("Sales"),
            whole(mine.sales),
            *changed(mine.sales, theirs.sales),
            means=N_("First purchases that were paid. Renewals are not counted here."),
        ),
        Card(
            N_("Revenue"),
            euros(mine.revenue),
            *changed(mine.revenue, theirs.revenue),
            means=N_(
                "Paid invoices less refunds, including tax: each payment on its own day, "
                "each refund on the day of its credit note."
            ),
        ),
        Card(
            N_("New customers"),
            whole(mine.customers),
            *changed(mine.customers, theirs.customers),
            means=N_("People who bought a product for the first time, free trials included."),
        ),
        Card(
            N_("Commissions owed"),
            euros(debt),
            *changed(debt, debt - grown),
            means=N_("What affiliates hold now: locked, available and reserved, less their debt."),
        ),
        _open_refunds(session),
    ]


def _open_refunds(session: Session) -> Card:
    return Card(
        N_("Open refunds"),
        whole(waiting_refunds(session)),
        means=N_("Requests that wait for the owner to approve or reject them."),
    )


def count_cards(session: Session, now: datetime) -> list[Card]:
    """Subscriptions and the machine's health, without an amount."""
    running = running_by_status(session)
    failed = failed_runs_since(session, now - timedelta(days=1))
    return [
        Card(
            N_("Active subscriptions"),
            whole(sum(running.values())),
            means=N_("Purchases in force: on trial, active or past due."),
        ),
        Card(
            N_("Past due"),
            whole(running.get(CustomerStatus.PAST_DUE, 0)),
            means=N_("A renewal was declined and is tried again."),
        ),
        _open_refunds(session),
        Card(
            N_("Jobs with errors"),
            whole(failed),
            means=N_("Runs of scheduled jobs with errors in the last 24 hours."),
        ),
        Card(
            N_("Waiting"),
            whole(mails_waiting(session, now=now) + events_waiting(session)),
            means=N_("Mails that should have left and events not yet told to their listeners."),
        ),
    ]


def product_cards(session: Session, days: int, now: datetime) -> list[Card]:
    """Sales and trials, counted."""
    span, before = last_days(days, now=now)
    mine, theirs = sales_in(session, span), sales_in(session, before)
    begun, kept = trials_in(session, span)
    return [
        Card(
            N_("Sales"),
            whole(mine.sales),
            *changed(mine.sales, theirs.sales),
            means=N_("First purchases that were paid. Renewals are not counted here."),
        ),
        Card(
            N_("New customers"),
            whole(mine.customers),
            *changed(mine.customers, theirs.customers),
            means=N_("People who bought a product for the first time, free trials included."),
        ),
        Card(N_("Trials begun"), whole(begun), means=N_("Purchases that began with a trial.")),
        Card(
            N_("Trials that pay"),
            whole(kept),
            means=N_("Of those trials, the ones that pay by now."),
        ),
    ]


def best_sold(session: Session, days: int, now: datetime) -> Table:
    """Sales by plan."""
    span, _ = last_days(days, now=now)
    lines = [(p, plan, whole(count)) for p, plan, count in sales_by_plan(session, span, 10)]
    return Table(N_("Best sold"), (N_("Product"), N_("Plan"), N_("Sales")), lines)


def people(session: Session) -> Table:
    """Users by platform and role."""
    lines = [
        (status_words(Platform, where)[0], status_words(UserType, kind)[0], whole(count))
        for where, kind, count in people_by_type(session)
    ]
    return Table(N_("Users"), (N_("Platform"), N_("Role"), N_("Count")), lines)


def subscriptions(session: Session) -> Table:
    """Purchases in force by status."""
    lines = [
        (status_words(CustomerStatus, status)[0], whole(count))
        for status, count in running_by_status(session).items()
    ]
    return Table(N_("Subscriptions"), (N_("Status"), N_("Count")), lines)
