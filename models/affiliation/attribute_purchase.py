"""Attribution at purchase: whose visitor the buyer is. The last good click wins."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.affiliation.attribution import Attribution, standing_for
from models.affiliation.click_id import Clicked
from models.affiliation.free_days import free_days
from models.affiliation.good_click import good_click_among
from models.affiliation.own_purchase import flag_own_purchase
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import AffiliateProgram, programs_of_community
from models.billing import Customer
from models.catalog import Plan, Product
from models.oversight import Actor, emit
from models.session import keep


@dataclass(frozen=True)
class Bought:
    """A purchase as attribution sees it: ``program`` is its product's, where that has one;
    ``is_free``: nothing of its plan is ever to be paid."""

    customer: Customer
    product_id: UUID
    community_id: UUID
    program: AffiliateProgram | None
    is_free: bool
    at: datetime


def attribute_purchase(
    session: Session,
    customer: Customer,
    *,
    click_id: str | None,
    card_fingerprint: str | None,
    actor: Actor,
    now: datetime,
) -> Attribution | None:
    """Bind a purchase to the affiliate of its click, else to the one that stands.

    The caller holds the buyer's row. A good click replaces an older attribution of the
    person and product, which stays as history; without one, an attribution stands that has
    not expired or that led to a sale within its days, and so does one made by joining
    something free in the product's community, if it is the younger. What is bought without
    paying binds for some days only. An own purchase is bound and flagged. A second call
    with the same click changes nothing. None: nobody brought this buyer.
    """
    bought = _bought(session, customer, now)
    click = _click(session, bought, click_id)
    standing, joined = standing_for(
        session, customer.user_id, bought.product_id, bought.community_id, now=now
    )
    bound = (
        _by_click(session, bought, click, standing, joined)
        if click
        else _without_click(session, bought, standing, joined)
    )
    if bound is None:
        return None
    if bound.is_free_product_attribution and not bought.is_free and bound.converted_at is None:
        bound.converted_at = now
    is_news, bound.customer_id = bound.customer_id != customer.id, customer.id
    flag_own_purchase(session, bound, card_fingerprint=card_fingerprint)
    session.add(bound)
    if is_news:
        emit(session, "affiliation.purchase_attributed", bound, actor=actor)
    return bound


def _bought(session: Session, customer: Customer, now: datetime) -> Bought:
    plan = Plan.get(session, customer.current_plan_id)
    is_free = not (plan.price_amount or plan.trial_amount or plan.setup_fee)
    asked = {"product_id": customer.product_id}
    community_id, program = session.execute(_SOLD, asked).one()
    keep(session, program)
    return Bought(customer, customer.product_id, community_id, program, is_free, now)


_SOLD = (
    select(Product.community_id, AffiliateProgram)
    .outerjoin(AffiliateProgram, AffiliateProgram.product_id == Product.id)
    .where(Product.id == bindparam("product_id"))
)


def _click(session: Session, bought: Bought, click_id: str | None) -> Clicked | None:
    """The click, where it is good: for the product, or for anything that follows a free one."""
    if not click_id:
        return None
    if bought.is_free:
        programs = programs_of_community(session, bought.community_id)
    else:
        programs = [bought.program] if bought.program else []
    return good_click_among(session, click_id, programs, now=bought.at)


def _by_click(
    session: Session,
    bought: Bought,
    click: Clicked,
    standing: Attribution | None,
    joined: Attribution | None,
) -> Attribution:
    if (
        standing is not None
        and standing.tracking_event_id == click.event_id
        and not standing.has_lapsed(bought.at)
    ):
        return standing
    _replace(session, standing, bought.at, by_event=click.event_id)
    bound = _new(bought, click.event_id, click.affiliate_id)
    if bought.is_free:
        affiliate = AffiliateProfile.get(session, click.affiliate_id)
        bound.is_free_product_attribution = True
        bound.community_id = bought.community_id
        bound.expires_at = bought.at + free_days(session, affiliate, at=bought.at)
    elif joined is not None and joined.affiliate_id == click.affiliate_id:
        _follow(bound, joined)
    return bound


def _without_click(
    session: Session, bought: Bought, standing: Attribution | None, joined: Attribution | None
) -> Attribution | None:
    """What stands: the younger of the product's own and a joining's. Lapsed ones are over; what
    led to a sale within its days stands on."""
    if standing is not None and standing.has_lapsed(bought.at):
        _replace(session, standing, bought.at, by_event=None)
        standing = None
    if joined is None or (standing is not None and standing.bound_at >= joined.bound_at):
        return standing
    _replace(session, standing, bought.at, by_event=joined.tracking_event_id)
    bound = _new(bought, joined.tracking_event_id, joined.affiliate_id)
    _follow(bound, joined)
    return bound


def _new(bought: Bought, event_id: UUID | None, affiliate_id: UUID) -> Attribution:
    return Attribution(
        tracking_event_id=event_id,
        user_id=bought.customer.user_id,
        product_id=bought.product_id,
        affiliate_id=affiliate_id,
        bound_at=bought.at,
    )


def _follow(bound: Attribution, joined: Attribution) -> None:
    """A purchase within a joining's days follows from it, and shares its end."""
    bound.is_free_product_attribution = True
    bound.community_id = joined.community_id
    bound.expires_at = joined.expires_at


def _replace(
    session: Session, standing: Attribution | None, at: datetime, *, by_event: UUID | None
) -> None:
    if standing is None:
        return
    standing.replaced_at = at
    standing.replaced_by_event_id = by_event
    session.flush()  # the partial unique index takes the new row only once this one is replaced
