"""What befalls affiliates: levels of risk, boosts, lock tables, suspensions."""

from uuid import UUID

from sqlalchemy.orm import Session

from jobs.simulation.events import Buy, CreateBoost, RedeemBoost, SetLockRules, SetRisk, Suspend
from jobs.simulation.moments import read_moment
from jobs.simulation.people import (
    OWNER,
    People,
    act,
    affiliate_of,
    as_person,
    everyone_at,
    product_of,
)
from models import clock
from models.accounts import Platform, user_by_email
from models.accounts.suspend_user import reactivate_user, suspend_user
from models.affiliation.attribution import standing_attribution
from models.affiliation.change_risk import change_risk
from models.affiliation.edit_boost import create_boost
from models.affiliation.edit_lock_rules import LockRow, edit_lock_rules
from models.affiliation.good_click import find_click
from models.affiliation.redeem_boost import redeem_boost
from models.catalog.on_sale import button_on_sale
from models.errors import N_, DomainError
from models.session import unit_of_work


class NobodysPurchase(DomainError):
    """A boost is an affiliate's, and nobody would earn on this purchase."""

    code = "nobodys_purchase"
    message = N_("Nobody brings this purchase, so nobody can redeem a boost for it.")


@act.register
def _(event: SetRisk, _people: People) -> None:
    with unit_of_work() as session:
        change_risk(
            session,
            affiliate_of(session, event.affiliate).user_id,
            to=event.level,
            note=event.note,
            actor=OWNER,
            now=clock.now(),
            relock=event.relock,
        )


@act.register
def _(event: Suspend, _people: People) -> None:
    change = suspend_user if event.do == "suspend" else reactivate_user
    with unit_of_work() as session:
        if event.affiliate is not None:
            keys = [affiliate_of(session, event.affiliate).user_id]
        else:
            keys = [user.id for user in everyone_at(session, event.email or "")]
        for user_id in keys:
            change(session, user_id, reason="scenario", actor=OWNER, now=clock.now())


@act.register
def _(event: SetLockRules, _people: People) -> None:
    """Rows that are not named stay as they are."""
    rows = [LockRow(**row.model_dump()) for row in event.rows]
    with unit_of_work() as session:
        edit_lock_rules(session, rows, actor=OWNER, now=clock.now(), note="scenario")


@act.register
def _(event: CreateBoost, people: People) -> None:
    until = None if event.valid_until is None else read_moment(event.valid_until, people.start)
    with unit_of_work() as session:
        create_boost(
            session,
            code=event.code,
            boost_type=event.type,
            boost_value=event.value,
            scope=event.scope,
            product_ids=[product_of(session, slug).id for slug in event.products],
            valid_until=until,
            max_uses=event.max_uses,
            actor=OWNER,
            now=clock.now(),
        )


@act.register
def _(event: RedeemBoost, _people: People) -> None:
    with unit_of_work() as session:
        _redeem(session, affiliate_of(session, event.affiliate).user_id, event.code)


def redeem_before(purchase: Buy, code: str, people: People) -> None:
    """Let the affiliate who will earn on a purchase redeem a code. Raises NobodysPurchase where
    there is none, and what redeeming refuses."""
    with unit_of_work() as session:
        affiliate_id = _who_earns(session, purchase, people)
        if affiliate_id is None:
            raise NobodysPurchase
        _redeem(session, affiliate_id, code)


def _who_earns(session: Session, purchase: Buy, people: People) -> UUID | None:
    click_id = people.cookies.get(purchase.visitor or "")
    click = find_click(session, click_id) if click_id else None
    if click is not None:
        return click.affiliate_id
    product_id = button_on_sale(session, purchase.button).product_id
    for platform in Platform:
        user = user_by_email(session, platform, purchase.email)
        bound = standing_attribution(session, user.id, product_id) if user else None
        if bound is not None:
            return bound.affiliate_id
    return None


def _redeem(session: Session, affiliate_id: UUID, code: str) -> None:
    """Whoever redeems another code means it."""
    redeem_boost(
        session,
        affiliate_id,
        code,
        confirmed=True,
        actor=as_person(affiliate_id, "AFFILIATE"),
        now=clock.now(),
    )
