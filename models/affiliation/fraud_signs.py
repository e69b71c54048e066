"""What looks odd about affiliates, as one question. Each kind is seen by itself; none acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB
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
    """Everything odd to be seen now, kind by kind; one statement."""
    looked_at = {
        "since": now - LOOKED_AT,
        "clicked_since": now - CLICKS_LOOKED_AT,
        "clicked_until": now - TIME_TO_BUY,
    }
    return [
        Sign(affiliate_id, FlagKind(kind), key, evidence)
        for affiliate_id, kind, key, evidence in session.execute(_SIGNS, looked_at)
    ]


def _sign(kind: FlagKind, affiliate_id: Any, key: Any, **evidence: Any) -> Select[Any]:
    """One kind's signs, whose rows are all of one shape."""
    named = (each for name, value in evidence.items() for each in (name, value))
    return select(
        affiliate_id, literal(kind.value), key, func.jsonb_build_object(*named, type_=JSONB)
    )


def _customers(customer_id: Any) -> Any:
    """Whom a group is about, in the order of their keys, as far as evidence names them."""
    return func.array_agg(customer_id.distinct())[1:MOST_NAMED]


def _iso(value: Any) -> Any:
    """A date or an instant as ISO 8601 has it, in UTC."""
    return func.to_jsonb(value).op("#>>")("{}")


def _purchases_alike(kind: FlagKind, what: Any, **shown: Any) -> Select[Any]:
    """Several purchases brought by one affiliate that share an address or a card."""
    purchases = func.count(CaptureEndpoint.id.distinct())
    customers = _customers(CaptureEndpoint.customer_id)
    return (
        _sign(
            kind, Attribution.affiliate_id, what, **shown, purchases=purchases, customers=customers
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
        .having(purchases >= PURCHASES_ALIKE)
    )


def _own_emails() -> Select[Any]:
    """Buyers whose address is the affiliate's with a tag or other dots."""
    person = aliased(User)
    return (
        _sign(
            FlagKind.OWN_EMAIL,
            Attribution.affiliate_id,
            cast(User.id, String),
            email=User.email,
            customers=_customers(Attribution.customer_id),
        )
        .join(User, User.id == Attribution.user_id)
        .join(person, person.id == Attribution.affiliate_id)
        .where(
            Attribution.bound_at > _SINCE,
            Attribution.customer_id.is_not(None),
            _bare(User.email) == _bare(person.email),
            User.email != person.email,
        )
        .group_by(Attribution.affiliate_id, User.id)
    )


def _bare(email: Any) -> Any:
    """An address in lower case, without what mail boxes pass over: a +tag, dots."""
    text = func.lower(cast(email, String))
    name = func.replace(func.regexp_replace(func.split_part(text, "@", 1), r"\+.*$", ""), ".", "")
    return name + "@" + func.split_part(text, "@", 2)


def _click_bursts() -> Select[Any]:
    """Hours full of clicks after which nobody bought within a day."""
    hour = func.date_trunc("hour", TrackingEvent.created_at)
    bursts = (
        select(
            TrackingEvent.affiliate_id,
            hour.label("hour"),
            func.count().label("clicks"),
            func.count(TrackingEvent.ip.distinct()).label("addresses"),
        )
        .where(
            TrackingEvent.created_at > bindparam("clicked_since", type_=_INSTANT),
            TrackingEvent.created_at <= bindparam("clicked_until", type_=_INSTANT),
        )
        .group_by(TrackingEvent.affiliate_id, hour)
        .having(func.count() >= CLICKS_IN_AN_HOUR)
        .subquery()
    ).c
    bought = exists().where(
        Attribution.affiliate_id == bursts.affiliate_id,
        Attribution.customer_id.is_not(None),
        Attribution.bound_at >= bursts.hour,
        Attribution.bound_at < bursts.hour + TIME_TO_BUY,
    )
    is_affiliate = exists().where(AffiliateProfile.user_id == bursts.affiliate_id)
    at = _iso(bursts.hour)
    return _sign(
        FlagKind.CLICK_BURST,
        bursts.affiliate_id,
        at,
        at=at,
        clicks=bursts.clicks,
        addresses=bursts.addresses,
    ).where(and_(~bought, is_affiliate))


def _refund_clusters() -> Select[Any]:
    """Several customers refunded on one day in Paris."""
    day = func.date(func.timezone("Europe/Paris", Refund.approved_at))
    refunds = (
        select(
            Attribution.affiliate_id,
            day.label("day"),
            func.count(Refund.invoice_id.distinct()).label("refunds"),
            _customers(Refund.customer_id).label("customers"),
        )
        .join(Attribution, Attribution.customer_id == Refund.customer_id)
        .where(
            Refund.status.in_(GRANTED),
            Refund.approved_at > _SINCE,
            Attribution.replaced_at.is_(None),
        )
        .group_by(Attribution.affiliate_id, day)
        .having(func.count(Refund.customer_id.distinct()) >= REFUNDS_IN_A_DAY)
        .subquery()
    ).c
    on = _iso(refunds.day)
    return _sign(
        FlagKind.REFUND_CLUSTER,
        refunds.affiliate_id,
        on,
        on=on,
        refunds=refunds.refunds,
        customers=refunds.customers,
    )


# Built once: it is asked each night, and building it takes longer than answering it.
_INSTANT = DateTime(timezone=True)
_SINCE = bindparam("since", type_=_INSTANT)
_CARD = literal("•••• ") + func.min(CaptureEndpoint.last4)
"""A card as staff may read it: its last digits only."""
_SIGNS = union_all(
    _purchases_alike(FlagKind.SAME_IP, CaptureEndpoint.consent_ip, ip=CaptureEndpoint.consent_ip),
    _purchases_alike(FlagKind.SAME_CARD, CaptureEndpoint.card_fingerprint, card=_CARD),
    _own_emails(),
    _click_bursts(),
    _refund_clusters(),
)
