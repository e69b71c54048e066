"""What a console may do to a purchase: end it, prolong it, give it, move it to another plan."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import DateField, SelectField
from wtforms.validators import DataRequired

from admin_views.acts import Act
from admin_views.formats import euros, moment
from admin_views.forms import ConsoleForm, ReasonForm
from admin_views.listing import Row
from admin_views.preview import Effect, Effects
from admin_views.reading import reading
from admin_views.words import status_words
from models.accounts.permissions import Permission as P
from models.billing import RUNNING, Customer, CustomerStatus
from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.extend_period import extend_period
from models.billing.grant_access import grant_access
from models.billing.preview_switch import plans_to_switch_to, preview_switch
from models.billing.quote import Quote
from models.billing.reckon_switch import Switch, SwitchWhen
from models.billing.standing import ends_at
from models.billing.switch_plan import Switched, switch_plan
from models.billing.undo_cancel import undo_cancel
from models.billing.undo_switch import undo_switch
from models.catalog import BillingInterval, Plan, Product
from models.clock import PARIS, paris
from models.errors import N_, DomainError, Missing
from models.oversight import Actor

MOST_PRODUCTS = 500


class CardRefused(DomainError):
    """The charge of a change of plan was refused: nothing has changed."""

    code = "card_refused"
    message = N_("The card was refused (%(code)s): the plan stays as it was.")


class StillUnknown(DomainError):
    """The bank has not answered: the plan changes once it has."""

    code = "still_unknown"
    message = N_("The bank has not answered yet. The plan changes once the payment is known.")


class UntilForm(ReasonForm):
    """Until which day, and why."""

    until = DateField(N_("Until"), [DataRequired(N_("Choose a day."))])


class PlanForm(ConsoleForm):
    """Which of the product's other plans."""

    plan = SelectField(N_("New plan"), [DataRequired()], choices=lambda: plan_choices())


class GrantForm(UntilForm):
    """Which product, until which day, and why."""

    product = SelectField(N_("Product"), [DataRequired()], choices=lambda: product_choices())


def plan_choices() -> Sequence[tuple[str, str]]:
    """The plans that the customer of this page may change to, with their prices."""
    customer = reading().get(Customer, UUID(request.args["id"]))
    if customer is None:
        raise Missing
    return [(str(plan.id), _plan_words(plan)) for plan in plans_to_switch_to(reading(), customer)]


def _plan_words(plan: Plan) -> str:
    interval = status_words(BillingInterval, plan.billing_interval)[0]
    return f"{plan.name} · {euros(plan.price_amount)} · {interval}"


def product_choices() -> Sequence[tuple[str, str]]:
    """The products that can be given, by name."""
    found = reading().execute(
        select(Product.id, Product.name)
        .where(Product.is_active)
        .order_by(Product.name, Product.id)
        .limit(MOST_PRODUCTS)
    )
    return [(str(key), name) for key, name in found]


def _cancel(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return cancel_subscription(session, key, **who)


def _undo_cancel(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return undo_cancel(session, key, **who)


def _undo_switch(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return undo_switch(session, key, **who)


def _cancel_now(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return cancel_now(session, key, reason=data["reason"], **who)


def _extend(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    """The new end is at the hour of the present one, so that renewals keep their hour."""
    end = ends_at(Customer.get(session, key))
    at = paris(end).time() if end else time()
    until = datetime.combine(data["until"], at, tzinfo=PARIS)
    return extend_period(session, key, until=until, reason=data["reason"], **who)


def _grant_again(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    customer = Customer.get(session, key)
    return _give(session, customer.user_id, customer.product_id, data, **who)


def _grant(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return _give(session, key, UUID(data["product"]), data, **who)


def _give(
    session: Session, user_id: UUID, product_id: UUID, data: dict[str, Any], **who: Any
) -> Any:
    until = end_of(data["until"])
    return grant_access(session, user_id, product_id, until=until, reason=data["reason"], **who)


def end_of(day: date) -> datetime:
    """The last instant's end of a day in Paris: access is open through that day."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=PARIS)


def foresee_switch(session: Session, key: UUID, data: dict[str, Any], *, now: datetime) -> Effects:
    """What a change of plan would do. A charge cannot be rolled back, so it is reckoned."""
    customer = Customer.get(session, key)
    plan = Plan.get(session, UUID(data["plan"]))
    switch = preview_switch(session, key, plan.id, now=now)
    return Effects(list(_effects(session, customer, plan, switch)), charge=switch.charge)


def _effects(session: Session, customer: Customer, plan: Plan, switch: Switch) -> Sequence[Effect]:
    before, present = Quote.from_json(customer.terms), Plan.get(session, customer.current_plan_id)
    now_or_later = gettext("now") if switch.when is SwitchWhen.NOW else _day(switch.period_start)
    lines = [
        Effect(gettext("Charged to the card today"), "", euros(switch.charge)),
        Effect(gettext("Plan"), present.name, plan.name),
        Effect(gettext("From"), "", now_or_later),
        Effect(gettext("Price of each period"), euros(before.price), euros(switch.next_price)),
    ]
    if switch.moves_anchor:
        ends = (_day(customer.subscription_ends_at), _day(switch.period_end))
        lines.append(Effect(gettext("Paid until"), *ends))
    if switch.credit_lost:
        lost = euros(switch.credit_lost)
        lines.append(Effect(gettext("Days left that are not paid back"), "", lost))
    return lines


def _day(instant: datetime | None) -> str:
    return moment(instant) if instant else "–"


def _switch(
    key: UUID, data: dict[str, Any], *, charge: int | None, actor: Actor, now: datetime
) -> Switched:
    """Raises CardRefused or StillUnknown beside what the rule refuses with."""
    done = switch_plan(key, UUID(data["plan"]), actor=actor, expects=charge)
    if done.is_refused:
        raise CardRefused(code=done.decline_code or "–")
    if done.outcome is not None and not done.is_in_force:
        raise StillUnknown
    return done


def runs(row: Row) -> bool:
    """Whether a purchase is in force."""
    return row["status"] in RUNNING


def ends_by_itself(row: Row) -> bool:
    """Whether a running purchase has a period or a trial that ends."""
    return runs(row) and bool(row["subscription_ends_at"] or row["trial_ends_at"])


CUSTOMER_ACTS = (
    Act(
        "cancel",
        N_("Cancel at the period's end"),
        P.CUSTOMERS_SUPPORT,
        _cancel,
        N_("The purchase is cancelled; its access stays open until the end."),
        explains=N_("Nothing more is charged. The client is told by mail, with the date."),
        when=lambda row: (
            ends_by_itself(row) and not row["cancel_at_period_end"] and not row["is_complimentary"]
        ),
        previews=True,
    ),
    Act(
        "undo-cancel",
        N_("Take the cancellation back"),
        P.CUSTOMERS_SUPPORT,
        _undo_cancel,
        N_("The purchase goes on."),
        when=lambda row: runs(row) and bool(row["cancel_at_period_end"]),
        previews=True,
    ),
    Act(
        "switch",
        N_("Change plan"),
        P.CUSTOMERS_EDIT,
        _switch,
        N_("The plan is changed."),
        PlanForm,
        N_("A dearer plan, or one billed otherwise, is charged to the card on file at once."),
        when=lambda row: (
            row["status"] in (CustomerStatus.ACTIVE, CustomerStatus.TRIAL)
            and ends_by_itself(row)
            and not row["cancel_at_period_end"]
            and not row["is_complimentary"]
        ),
        previews=True,
        fresh=True,
        foresees=foresee_switch,
    ),
    Act(
        "undo-switch",
        N_("Keep the present plan"),
        P.CUSTOMERS_EDIT,
        _undo_switch,
        N_("The present plan stays."),
        when=lambda row: runs(row) and row["next_plan.name"] is not None,
        previews=True,
    ),
    Act(
        "extend",
        N_("Extend the period"),
        P.CUSTOMERS_EDIT,
        _extend,
        N_("The period ends later."),
        UntilForm,
        N_("More time for nothing: the next payment, if one is to come, moves with the end."),
        when=lambda row: ends_by_itself(row) and row["status"] is not CustomerStatus.PAST_DUE,
        previews=True,
        fresh=True,
    ),
    Act(
        "grant",
        N_("Give free access"),
        P.CUSTOMERS_EDIT,
        _grant_again,
        N_("The access is open."),
        UntilForm,
        N_("Open through that day, without an invoice and without any charge after it."),
        when=lambda row: not runs(row) or bool(row["is_complimentary"]),
        previews=True,
        fresh=True,
    ),
    Act(
        "cancel-now",
        N_("End now"),
        P.CUSTOMERS_EDIT,
        _cancel_now,
        N_("The purchase has ended."),
        ReasonForm,
        N_("Access closes at once. Nothing is paid back by it: that is a refund's business."),
        when=runs,
        previews=True,
        fresh=True,
        danger=True,
    ),
)

GRANT = Act(
    "grant-access",
    N_("Give free access"),
    P.CUSTOMERS_EDIT,
    _grant,
    N_("The access is open."),
    GrantForm,
    N_("Open through that day, without an invoice and without any charge after it."),
    previews=True,
    fresh=True,
)
