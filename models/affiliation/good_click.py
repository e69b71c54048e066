"""Good clicks: those that count for what a person buys or joins now."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from models.affiliation.click_id import Clicked, read_click_id
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import AffiliateProgram
from models.affiliation.tracking_event import click_by_id
from models.session import keep


def good_click_among(
    session: Session,
    click_id: str | None,
    programs: Collection[AffiliateProgram],
    *,
    now: datetime,
) -> Clicked | None:
    """The click behind an id, where it counts now for any of these programs.

    It does when its affiliate has a profile and is neither suspended nor deleted, a program is
    active, and that program's days since the click have not passed.
    """
    lasting = [each.cookie_duration_days for each in programs if each.is_active]
    click = find_click(session, click_id) if click_id else None
    if click is None or not lasting:
        return None
    if not click.at <= now < click.at + timedelta(days=max(lasting)):
        return None
    affiliate = session.scalar(_WITH_PERSON, {"affiliate_id": click.affiliate_id})
    if affiliate is None:
        return None
    person = keep(session, affiliate).user
    return None if person.is_suspended or person.closed_at is not None else click


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
