"""Switching plan: the other plans, what each costs today to the cent, and the change itself."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from models import clock
from models.accounts import Permission
from models.billing import AttemptOutcome
from models.billing.decline_codes import decline_of
from models.billing.own_purchases import OwnPurchase
from models.billing.preview_switch import plans_to_switch_to, preview_switch
from models.billing.quote import quote_of
from models.billing.reckon_switch import Switch, SwitchWhen
from models.billing.switch_plan import SwitchChanged, Switched, switch_plan
from models.billing.undo_switch import undo_switch
from models.catalog import Plan
from models.errors import DomainError
from models.session import staff_reading, unit_of_work
from public.amounts import amount_text, day_text
from public.checkout_words import BillLine
from public.errors import in_words
from public.identity import acting, member_reading, needs
from public.member_menu import in_member_area
from public.subscription_words import price_words, shown_purchase
from public.subscriptions import back, own_purchase

pages = Blueprint("plan_switches", __name__)
pages.context_processor(in_member_area)


@dataclass(frozen=True)
class ShownSwitch:
    """A change of plan in words: what is charged today, line by line, and what follows."""

    plan_id: UUID
    plan_name: str
    charge: int
    charge_text: str
    lines: tuple[BillLine, ...]
    sentences: tuple[str, ...]


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/settings/subscriptions/<uuid:customer_id>/switch")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def choose(customer_id: UUID) -> ResponseReturnValue:
    """The other plans of the product that are on sale."""
    purchase = own_purchase(customer_id)
    with member_reading() as session:
        plans = plans_to_switch_to(session, purchase.customer)
    return render_template(
        "public/account/switch.html",
        purchase=shown_purchase(purchase, now=clock.now()),
        plans=[(plan.id, plan.name, _price(purchase, plan)) for plan in plans],
        is_waiting=purchase.customer.next_plan_id is not None,
    )


@pages.get("/settings/subscriptions/<uuid:customer_id>/switch/<uuid:plan_id>")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def look(customer_id: UUID, plan_id: UUID) -> ResponseReturnValue:
    """What the change costs today and what follows, before it is made."""
    return _preview_page(own_purchase(customer_id), plan_id)


@pages.post("/settings/subscriptions/<uuid:customer_id>/switch/<uuid:plan_id>")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def switch(customer_id: UUID, plan_id: UUID) -> ResponseReturnValue:
    """Make the change that was shown; where it costs something else by now it is shown again."""
    purchase = own_purchase(customer_id)
    if purchase.customer.current_plan_id == plan_id:
        return back()  # a second press of what is done
    expects = request.form.get("charge", "")
    try:
        switched = switch_plan(
            customer_id,
            plan_id,
            actor=acting(),
            expects=int(expects) if expects.isdecimal() and len(expects) < 12 else -1,
        )
    except SwitchChanged as refusal:
        return _preview_page(purchase, plan_id, problem=in_words(refusal)), refusal.status
    return _after(purchase, plan_id, switched)


@pages.post("/settings/subscriptions/<uuid:customer_id>/switch/undo")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def undo(customer_id: UUID) -> ResponseReturnValue:
    """Keep the present plan after all; where no change waits nothing happens."""
    own_purchase(customer_id)
    with unit_of_work() as session:
        undo_switch(session, customer_id, actor=acting(), now=clock.now())
    flash(_("You keep your present plan."), "good")
    return back()


def _price(purchase: OwnPurchase, plan: Plan) -> str:
    plan.product = purchase.customer.product
    return price_words(quote_of(plan.product, plan))


def _preview_page(purchase: OwnPurchase, plan_id: UUID, *, problem: str = "") -> str | Response:
    """The change to a plan; where the rules refuse it, why, with the refusal's status."""
    shown = shown_purchase(purchase, now=clock.now())
    try:
        with staff_reading() as session:
            switch = preview_switch(session, purchase.customer.id, plan_id, now=clock.now())
    except DomainError as refusal:
        page = render_template(
            "public/account/switch_preview.html", purchase=shown, refused=in_words(refusal)
        )
        return make_response(page, refusal.status)
    return render_template(
        "public/account/switch_preview.html",
        purchase=shown,
        switch=_shown(switch),
        problem=problem,
    )


def _shown(switch: Switch) -> ShownSwitch:
    currency = switch.terms.currency
    return ShownSwitch(
        plan_id=switch.plan_id,
        plan_name=switch.terms.plan_name,
        charge=switch.charge,
        charge_text=amount_text(switch.charge, currency),
        lines=tuple(
            BillLine(_(line.label), line.total, amount_text(line.total, currency))
            for line in switch.lines
        ),
        sentences=tuple(_sentences(switch)),
    )


def _sentences(switch: Switch) -> list[str]:
    price = price_words(switch.terms)
    if switch.when is SwitchWhen.PERIOD_END:
        day = day_text(switch.period_start)
        return [
            _("Nothing is charged today, and nothing changes until %(date)s.", date=day),
            _("From that day you pay %(price)s.", price=price),
        ]
    said = [_("The new plan opens at once.")]
    if switch.days_in_period:
        said.append(
            _(
                "Days left of the period you paid for, today counted: %(left)s of %(all)s.",
                left=switch.days_left,
                all=switch.days_in_period,
            )
        )
    if switch.credit_lost:
        lost = amount_text(switch.credit_lost, switch.terms.currency)
        said.append(
            _("%(amount)s of what you had paid is not used up and not paid back.", amount=lost)
        )
    if switch.period_end is None:
        said.append(_("Nothing more is charged after that."))
    elif switch.charge or switch.moves_anchor or switch.days_in_period:
        day = day_text(switch.period_end)
        said.append(_("Then %(price)s, next on %(date)s.", price=price, date=day))
    else:
        day = day_text(switch.period_start)
        said.append(_("Then %(price)s, next on %(date)s.", price=price, date=day))
    return said


def _after(purchase: OwnPurchase, plan_id: UUID, switched: Switched) -> ResponseReturnValue:
    """What became of the change: done, asked of the bank, not known yet, or refused."""
    if switched.is_refused:
        problem = _(decline_of(switched.decline_code).message)
        nothing = _("Nothing was charged and your plan stays as it was.")
        return _preview_page(purchase, plan_id, problem=f"{problem} {nothing}"), 402
    if switched.outcome is AttemptOutcome.NEEDS_ACTION and switched.redirect_url:
        return redirect(switched.redirect_url, 303)
    if switched.outcome is AttemptOutcome.PENDING:
        flash(_("Your bank has not answered yet. Your plan changes as soon as it has."))
    elif switched.switch.when is SwitchWhen.PERIOD_END:
        flash(_("Noted: your plan changes at the end of the period you paid for."), "good")
    else:
        flash(_("Your plan has changed."), "good")
    return back()
