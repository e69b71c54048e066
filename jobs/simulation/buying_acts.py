"""What visitors and customers do: follow a link, buy, and change what they bought."""

from jobs.simulation.affiliate_acts import redeem_before
from jobs.simulation.events import Buy, Cancel, Click, JoinGuild, SwitchPlan, UpdateCard
from jobs.simulation.people import (
    People,
    act,
    as_person,
    community_of,
    plan_of,
    product_of,
    purchase_of,
)
from models import clock
from models.accounts import Platform
from models.accounts.user_for_email import user_for_email
from models.affiliation.join_guild import join_guild
from models.affiliation.record_click import Visit, record_click
from models.billing.begin_card_update import begin_card_update
from models.billing.begin_checkout import begin_checkout
from models.billing.cancel_subscription import cancel_subscription
from models.billing.start_checkout import CheckoutAsked
from models.billing.switch_plan import switch_plan
from models.billing.undo_cancel import undo_cancel
from models.errors import DomainError
from models.oversight import NOBODY
from models.session import unit_of_work

CONSENT = "Simulated consent to immediate access."
EVERYONES_BROWSER = "Mozilla/5.0 (simulation)"


@act.register
def _(event: Click, people: People) -> None:
    with unit_of_work() as session:
        if event.product is not None:
            product_of(session, event.product)
        click = record_click(
            session,
            Visit(
                slug=event.ref,
                platform=Platform.STAM,
                visitor_key=event.visitor,
                product_slug=event.product,
                utm=event.utm,
                user_agent=EVERYONES_BROWSER,
            ),
            now=clock.now(),
        )
    if click is not None:
        people.cookies[event.visitor] = click.click_id


@act.register
def _(event: Buy, people: People) -> None:
    """A boost that cannot be redeemed is refused; it is the affiliate's and stops no buyer."""
    refusal = None
    if event.boost is not None:
        try:
            redeem_before(event, event.boost, people)
        except DomainError as because:
            refusal = because
    _buy(event, people)
    if refusal is not None:
        raise refusal


def _buy(event: Buy, people: People) -> None:
    begun = begin_checkout(
        CheckoutAsked(
            button_key=event.button,
            email=event.email,
            consent_text=CONSENT,
            click_id=people.cookies.get(event.visitor or ""),
        ),
        actor=NOBODY,
    )
    if begun.form is not None:
        people.pay_in_form(begun.form.capture_id, event.card)


@act.register
def _(event: UpdateCard, people: People) -> None:
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
    begun = begin_card_update(customer.id, locale="fr", actor=as_person(customer.user_id))
    if begun.form is not None:
        people.pay_in_form(begun.form.capture_id, event.card)


@act.register
def _(event: Cancel, _people: People) -> None:
    change = cancel_subscription if event.do == "cancel" else undo_cancel
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
        change(session, customer.id, actor=as_person(customer.user_id), now=clock.now())


@act.register
def _(event: SwitchPlan, people: People) -> None:
    """A card that is declined leaves everything as it was."""
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
        plan = plan_of(session, customer.product_id, event.to)
    switch_plan(customer.id, plan.id, actor=as_person(customer.user_id))
    people.pass_by_the_bank()


@act.register
def _(event: JoinGuild, people: People) -> None:
    with unit_of_work() as session:
        guild = community_of(session, event.guild)
        user = user_for_email(session, guild.platform, event.email, locale="fr", actor=NOBODY)
        join_guild(
            session,
            user.id,
            guild.id,
            click_id=people.cookies.get(event.visitor or ""),
            actor=as_person(user.id),
            now=clock.now(),
        )
