"""Recording clicks on affiliates' links: which count, and what is kept of them."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session
from ua_parser import parse_device

from models.accounts import Platform, User
from models.affiliation import click_buffer
from models.affiliation.click_buffer import NoBuffer
from models.affiliation.click_id import click_id_of, moment_of
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.affiliation.program import AffiliateProgram
from models.affiliation.tracking_event import TrackingEvent
from models.card_numbers import without_card_numbers
from models.catalog import product_by_slug
from models.errors import N_, Missing
from models.ids import new_id
from models.settings import current_settings

REPEAT = timedelta(minutes=30)
DAYS_WITHOUT_PROGRAM = 30
LONGEST_TEXT = 500


class UnknownAffiliate(Missing):
    code = "unknown_affiliate"
    message = N_("No affiliate has this link.")


@dataclass(frozen=True)
class Visit:
    """What a page knows about whoever followed a link. ``utm`` holds its ``utm_*`` by name.

    ``visitor_key`` tells visitors apart (see ``visitor_key_of``); ``user_id`` is who is
    signed in; ``is_prefetch``: the browser fetched ahead, nobody may ever look.
    """

    slug: str
    platform: Platform
    visitor_key: str
    landing_path: str = "/"
    ip: str | None = None
    user_agent: str = ""
    referrer: str | None = None
    campaign: str | None = None
    utm: Mapping[str, str] = field(default_factory=dict)
    product_slug: str | None = None
    country: str | None = None
    user_id: UUID | None = None
    is_prefetch: bool = False


@dataclass(frozen=True)
class Click:
    """A recorded click: its id, whose it is, and until when its cookie should last."""

    click_id: str
    affiliate_id: UUID
    expires_at: datetime


def record_click(session: Session, visit: Visit, *, now: datetime) -> Click | None:
    """Record a click: through Redis where that is up, else by one insert.

    A repeat by the same visitor within 30 minutes answers the click recorded before. None
    for what does not count: known bots, prefetches, the affiliate's own session. Raises
    UnknownAffiliate.
    """
    affiliate = affiliate_by_slug(session, visit.slug.strip().lower())
    if affiliate is None or affiliate.user.closed_at is not None:
        raise UnknownAffiliate
    if visit.is_prefetch or is_bot(visit.user_agent) or _is_own(session, affiliate, visit):
        return None
    lasts = timedelta(days=longest_cookie_days(session))
    try:
        known = click_buffer.repeated(
            visit.visitor_key, affiliate.user_id, now=now, within=REPEAT
        ) or _repeated(session, affiliate, visit, now)
        if known:
            return Click(known, affiliate.user_id, now + lasts)
        event = _event(session, affiliate, visit, lasts)
        click_buffer.push(_as_json(event), within=REPEAT)
    except NoBuffer:
        known = _repeated(session, affiliate, visit, now)
        if known:
            return Click(known, affiliate.user_id, now + lasts)
        event = _event(session, affiliate, visit, lasts)
        session.add(event)
        session.flush()
    return Click(event.click_id, event.affiliate_id, event.expires_at)


@lru_cache(maxsize=1000)
def is_bot(user_agent: str) -> bool:
    """Whether a browser's name is that of a known crawler, previewer or monitor."""
    device = parse_device(user_agent[:LONGEST_TEXT])
    return device is not None and device.family == "Spider"


def visitor_key_of(ip: str | None, user_agent: str) -> str:
    """What tells one visitor from another without a cookie; nobody can be found from it."""
    key = current_settings().secret_key.encode()
    return hmac.digest(key, f"visitor {ip} {user_agent}".encode(), hashlib.sha256)[:12].hex()


def longest_cookie_days(session: Session) -> int:
    """The days of the active program that lasts longest."""
    return session.scalar(_LONGEST) or DAYS_WITHOUT_PROGRAM


_LONGEST = select(func.max(AffiliateProgram.cookie_duration_days)).where(AffiliateProgram.is_active)


def _is_own(session: Session, affiliate: AffiliateProfile, visit: Visit) -> bool:
    """Whether the affiliate is looking at their own link, on either platform."""
    if visit.user_id is None:
        return False
    visitor = session.get(User, visit.user_id)
    return visitor is not None and (
        visitor.id == affiliate.user_id or visitor.email.lower() == affiliate.user.email.lower()
    )


def _repeated(
    session: Session, affiliate: AffiliateProfile, visit: Visit, now: datetime
) -> str | None:
    return session.scalar(
        _REPEATED,
        {
            "visitor_key": visit.visitor_key,
            "affiliate_id": affiliate.user_id,
            "since": now - REPEAT,
            "now": now,
        },
    )


_REPEATED = (
    select(TrackingEvent.click_id)
    .where(
        TrackingEvent.visitor_key == bindparam("visitor_key"),
        TrackingEvent.affiliate_id == bindparam("affiliate_id"),
        TrackingEvent.created_at > bindparam("since"),
        TrackingEvent.created_at <= bindparam("now"),
    )
    .order_by(TrackingEvent.created_at.desc())
    .limit(1)
)


def _event(
    session: Session, affiliate: AffiliateProfile, visit: Visit, lasts: timedelta
) -> TrackingEvent:
    event_id = new_id()
    clicked_at = moment_of(event_id)
    product = product_by_slug(session, visit.product_slug) if visit.product_slug else None
    return TrackingEvent(
        id=event_id,
        created_at=clicked_at,
        click_id=click_id_of(event_id, affiliate.user_id),
        affiliate_id=affiliate.user_id,
        product_id=product.id if product else None,
        platform=visit.platform,
        campaign=_short(visit.campaign or visit.utm.get("utm_campaign")),
        source=_short(visit.utm.get("utm_source")),
        medium=_short(visit.utm.get("utm_medium")),
        utm={name[:50]: _short(value) for name, value in list(visit.utm.items())[:10]},
        landing_path=_short(visit.landing_path) or "/",
        referrer=_short(visit.referrer),
        ip=visit.ip,
        user_agent=_short(visit.user_agent) or "",
        visitor_key=visit.visitor_key,
        country=visit.country,
        expires_at=clicked_at + lasts,
    )


def _short(text: str | None) -> str | None:
    """What is kept of a text: not all of an endless one, and never a card number."""
    if not text:
        return None
    return without_card_numbers(text[: LONGEST_TEXT + 50])[:LONGEST_TEXT]


def _as_json(event: TrackingEvent) -> dict[str, Any]:
    columns = TrackingEvent.__table__.columns
    return {column.key: _plain(getattr(event, column.key)) for column in columns}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Platform) else value
