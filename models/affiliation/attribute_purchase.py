"""Attribution at purchase: whose visitor the buyer is. The last good click wins."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from models.accounts import User
from models.affiliation.attribution import Attribution, standing_attribution
from models.affiliation.click_id import Clicked, read_click_id
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import program_of
from models.affiliation.self_referral import evidence_of_self_referral
from models.affiliation.tracking_event import click_by_id
from models.billing import Customer
from models.oversight import Actor, emit
from models.session import keep


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
    person and product, which stays as history; without one, an unexpired attribution
    stands. An own purchase is bound and flagged. A second call with the same click changes
    nothing. None: nobody brought this buyer.
    """
    click = good_click(session, click_id, customer.product_id, now=now)
    standing = standing_attribution(session, customer.user_id, customer.product_id)
    if click is None:
        if standing is None or (standing.expires_at is not None and standing.expires_at <= now):
            return None
        bound = standing
    elif standing is not None and standing.tracking_event_id == click.event_id:
        bound = standing
    else:
        _replace(session, standing, click, now)
        bound = Attribution(
            tracking_event_id=click.event_id,
            user_id=customer.user_id,
            product_id=customer.product_id,
            affiliate_id=click.affiliate_id,
            bound_at=now,
        )
    is_news, bound.customer_id = bound.customer_id != customer.id, customer.id
    _flag_own_purchase(session, bound, card_fingerprint)
    session.add(bound)
    if is_news:
        with session.no_autoflush:
            emit(session, "affiliation.purchase_attributed", bound, actor=actor)
    return bound


def good_click(
    session: Session, click_id: str | None, product_id: UUID, *, now: datetime
) -> Clicked | None:
    """The click behind an id, where it counts for this product now.

    It does when its affiliate has a profile and is not suspended, the product's program is
    active, and the program's days since the click have not passed.
    """
    click = find_click(session, click_id) if click_id else None
    program = program_of(session, product_id)
    if click is None or program is None or not program.is_active:
        return None
    if not click.at <= now < click.at + timedelta(days=program.cookie_duration_days):
        return None
    affiliate = session.scalar(_WITH_PERSON, {"affiliate_id": click.affiliate_id})
    if affiliate is None:
        return None
    return None if keep(session, affiliate).user.is_suspended else click


_WITH_PERSON = (
    select(AffiliateProfile)
    .where(AffiliateProfile.user_id == bindparam("affiliate_id"))
    .options(joinedload(AffiliateProfile.user, innerjoin=True))
)


def find_click(session: Session, click_id: str) -> Clicked | None:
    """A click by its id: what the id itself says, else the stored row."""
    known = read_click_id(click_id)
    if known is not None:
        return known
    event = click_by_id(session, click_id)
    return Clicked(event.id, event.affiliate_id, event.created_at) if event else None


def _replace(session: Session, standing: Attribution | None, click: Clicked, now: datetime) -> None:
    if standing is None:
        return
    standing.replaced_at = now
    standing.replaced_by_event_id = click.event_id
    session.flush()  # the partial unique index takes the new row only once this one is replaced


def _flag_own_purchase(session: Session, bound: Attribution, card_fingerprint: str | None) -> None:
    if bound.self_referral:
        return
    evidence = evidence_of_self_referral(
        session,
        AffiliateProfile.get(session, bound.affiliate_id),
        User.get(session, bound.user_id),
        card_fingerprint,
    )
    bound.self_referral = evidence is not None
    bound.self_referral_evidence = evidence
