"""What looks odd about affiliates, as queries. Each sees one kind; none of them acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, String, and_, bindparam, cast, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.accounts import User
from models.affiliation.attribution import Attribution
from models.affiliation.fraud_flag import FlagKind
from models.affiliation.profile import AffiliateProfile
from models.affiliation.tracking_event import TrackingEvent
from models.base import Json
from models.billing import CaptureEndpoint, CaptureStatus, Refund
from models.billing.refund import GRANTED

LOOKED_AT = timedelta(days=90)
CLICKS_LOOKED_AT = timedelta(days=7)
PURCHASES_ALIKE = 3
CLICKS_IN_AN_HOUR = 100
TIME_TO_BUY = timedelta(hours=24)
REFUNDS_IN_A_DAY = 3
MOST_NAMED = 20
"""How many customers a flag's evidence names."""


@dataclass(frozen=True)
class Sign:
    """One observation; ``key`` tells it from others of its kind."""

    affiliate_id: UUID
    kind: FlagKind
    key: str
    evidence: Json


def signs(session: Session, *, now: datetime) -> list[Sign]:
    """Everything odd to be seen now, one statement a kind."""
    return [
        *_alike(session, FlagKind.SAME_IP, now),
        *_alike(session, FlagKind.SAME_CARD, now),
        *_own_email(session, now),
        *_click_bursts(session, now),
        *_refund_clusters(session, now),
    ]


def _alike(session: Session, kind: FlagKind, now: datetime) -> list[Sign]:
    """Several purchases brought by one affiliate that share an address or a card."""
    rows = session.execute(_ALIKE[kind], {"since": now - LOOKED_AT})
    return [
        Sign(
            affiliate_id,
            kind,
            shared,
            _shown(kind, shared, last4)
            | {
                "purchases": purchases,
                "customers": [str(key) for key in sorted(customers)[:MOST_NAMED]],
            },
        )
        for affiliate_id, shared, purchases, customers, last4 in rows
    ]


def _shown(kind: FlagKind, shared: str, last4: str | None) -> Json:
    """What purchases share, as staff may read it: of a card its last digits only."""
    return {"ip": shared} if kind is FlagKind.SAME_IP else {"card": f"•••• {last4}"}


def _purchases_alike(what: Any) -> Select[Any]:
    return (
        select(
            Attribution.affiliate_id,
            what,
            func.count(CaptureEndpoint.id.distinct()),
            func.array_agg(CaptureEndpoint.customer_id.distinct()),
            func.min(CaptureEndpoint.last4),
        )
        .join(Attribution, Attribution.customer_id == CaptureEndpoint.customer_id)
        .where(
            CaptureEndpoint.status == CaptureStatus.COMPLETED,
            CaptureEndpoint.completed_at > _SINCE,
            CaptureEndpoint.completed_at >= Attribution.bound_at,
            or_(
                Attribution.replaced_at.is_(None),
                CaptureEndpoint.completed_at < Attribution.replaced_at,
            ),
            what.is_not(None),
        )
        .group_by(Attribution.affiliate_id, what)
        .having(func.count(CaptureEndpoint.id.distinct()) >= PURCHASES_ALIKE)
    )


def _own_email(session: Session, now: datetime) -> list[Sign]:
    """Buyers whose address is the affiliate's with a tag or other dots."""
    return [
        Sign(
            affiliate_id,
            FlagKind.OWN_EMAIL,
            str(user_id),
            {"email": email, "customers": [str(customer_id)]},
        )
        for affiliate_id, user_id, email, customer_id in session.execute(
            _OWN_EMAILS, {"since": now - LOOKED_AT}
        )
    ]


def _purchases_by_own_email() -> Any:
    person = aliased(User)
    return (
        select(Attribution.affiliate_id, User.id, User.email, Attribution.customer_id)
        .join(User, User.id == Attribution.user_id)
        .join(person, person.id == Attribution.affiliate_id)
        .where(
            Attribution.bound_at > _SINCE,
            Attribution.customer_id.is_not(None),
            _bare(User.email) == _bare(person.email),
            User.email != person.email,
        )
        .distinct()
    )


def _bare(email: Any) -> Any:
    """An address in lower case, without what mail boxes pass over: a +tag, dots."""
    text = func.lower(cast(email, String))
    name = func.replace(func.regexp_replace(func.split_part(text, "@", 1), r"\+.*$", ""), ".", "")
    return name + "@" + func.split_part(text, "@", 2)


def _click_bursts(session: Session, now: datetime) -> list[Sign]:
    """Hours full of clicks after which nobody bought within a day."""
    looked_at = {"since": now - CLICKS_LOOKED_AT, "until": now - TIME_TO_BUY}
    return [
        Sign(
            row.affiliate_id,
            FlagKind.CLICK_BURST,
            row.hour.isoformat(),
            {"at": row.hour.isoformat(), "clicks": row.clicks, "addresses": row.addresses},
        )
        for row in session.execute(_BURSTS, looked_at)
    ]


def _bursts() -> Select[Any]:
    hour = func.date_trunc("hour", TrackingEvent.created_at)
    bursts = (
        select(
            TrackingEvent.affiliate_id,
            hour.label("hour"),
            func.count().label("clicks"),
            func.count(TrackingEvent.ip.distinct()).label("addresses"),
        )
        .where(
            TrackingEvent.created_at > _SINCE,
            TrackingEvent.created_at <= bindparam("until", type_=DateTime(timezone=True)),
        )
        .group_by(TrackingEvent.affiliate_id, hour)
        .having(func.count() >= CLICKS_IN_AN_HOUR)
        .subquery()
    )
    bought = exists().where(
        Attribution.affiliate_id == bursts.c.affiliate_id,
        Attribution.customer_id.is_not(None),
        Attribution.bound_at >= bursts.c.hour,
        Attribution.bound_at < bursts.c.hour + TIME_TO_BUY,
    )
    is_affiliate = exists().where(AffiliateProfile.user_id == bursts.c.affiliate_id)
    return select(bursts).where(and_(~bought, is_affiliate))


def _refund_clusters(session: Session, now: datetime) -> list[Sign]:
    """Several customers refunded on one day in Paris."""
    return [
        Sign(
            affiliate_id,
            FlagKind.REFUND_CLUSTER,
            on.isoformat(),
            {
                "on": on.isoformat(),
                "refunds": refunds,
                "customers": [str(key) for key in sorted(customers)[:MOST_NAMED]],
            },
        )
        for affiliate_id, on, refunds, customers in session.execute(
            _CLUSTERS, {"since": now - LOOKED_AT}
        )
    ]


def _clusters() -> Select[Any]:
    day = func.date(func.timezone("Europe/Paris", Refund.approved_at))
    return (
        select(
            Attribution.affiliate_id,
            day.label("day"),
            func.count(Refund.invoice_id.distinct()),
            func.array_agg(Refund.customer_id.distinct()),
        )
        .join(Attribution, Attribution.customer_id == Refund.customer_id)
        .where(
            Refund.status.in_(GRANTED),
            Refund.approved_at > _SINCE,
            Attribution.replaced_at.is_(None),
        )
        .group_by(Attribution.affiliate_id, day)
        .having(func.count(Refund.customer_id.distinct()) >= REFUNDS_IN_A_DAY)
    )


# Built once: they are asked each night, and building one takes longer than answering it.
_SINCE = bindparam("since", type_=DateTime(timezone=True))
_ALIKE = {
    FlagKind.SAME_IP: _purchases_alike(CaptureEndpoint.consent_ip),
    FlagKind.SAME_CARD: _purchases_alike(CaptureEndpoint.card_fingerprint),
}
_OWN_EMAILS = _purchases_by_own_email()
_BURSTS = _bursts()
_CLUSTERS = _clusters()
