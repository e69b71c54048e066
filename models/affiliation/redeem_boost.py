"""Redeeming a boost code: the affiliate's side, and its end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from models.accounts import User
from models.affiliation.boost import (
    BoostCode,
    BoostRedemption,
    RedemptionStatus,
    active_redemption,
    boost_by_code,
)
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, DomainError, Gone, Missing, NotAllowed
from models.oversight import SYSTEM, Actor, emit, emit_all


class UnknownBoost(Missing):
    code = "unknown_boost"
    message = N_("No boost has the code “%(code)s”.")


class BoostNotYet(DomainError):
    code = "boost_not_yet"
    message = N_("This boost begins later.")


class BoostOver(Gone):
    """Its time has passed, or the owner ended it."""

    code = "boost_over"
    message = N_("This boost is over.")


class BoostUsedUp(DomainError):
    code = "boost_used_up"
    message = N_("This boost has been used as often as it may be.")


class BoostReplacesAnother(DomainError):
    """Boosts do not add up: the one in force ends, and that wants to be confirmed."""

    code = "boost_replaces_another"
    message = N_("Your boost %(former)s would end: boosts do not add up. Confirm to go on.")


class Suspended(NotAllowed):
    code = "affiliate_suspended"
    message = N_("This account is suspended.")


def redeem_boost(
    session: Session,
    affiliate_id: UUID,
    code: str,
    *,
    actor: Actor,
    now: datetime,
    confirmed: bool = False,
) -> BoostRedemption:
    """Put a boost in force for an affiliate, ending the one they have where ``confirmed``.

    The code's row is the lock that counts its uses. A second call with the code in force
    changes nothing. Raises UnknownBoost, BoostNotYet, BoostOver, BoostUsedUp,
    BoostReplacesAnother, Suspended.
    """
    known = boost_by_code(session, code)
    if known is None:
        raise UnknownBoost(code=code.strip()[:40])
    boost = BoostCode.for_update(session, known.id)
    _lock_affiliate(session, affiliate_id)
    former = active_redemption(session, affiliate_id)
    if former is not None and former.expires_at is not None and former.expires_at <= now:
        _end(former, RedemptionStatus.EXPIRED, former.expires_at)
        former = None
    if former is not None and former.code_id == boost.id:
        return former
    _guard(boost, now)
    if former is not None:
        if not confirmed:
            raise BoostReplacesAnother(former=BoostCode.get(session, former.code_id).code)
        _end(former, RedemptionStatus.DEACTIVATED, now)
    session.flush()  # the unique index takes the new one only once the former has ended
    boost.current_uses += 1
    redemption = BoostRedemption(
        code_id=boost.id,
        affiliate_id=affiliate_id,
        status=RedemptionStatus.ACTIVE,
        redeemed_at=now,
        expires_at=boost.valid_until,
    )
    session.add(redemption)
    emit(
        session,
        "affiliation.boost_redeemed",
        redemption,
        actor=actor,
        data={"affiliate_id": affiliate_id, "boost": boost.code},
    )
    return redemption


def expire_boosts(session: Session, *, now: datetime) -> int:
    """End the redemptions whose time has passed; answers how many. A second call finds none."""
    over = session.scalars(
        select(BoostRedemption)
        .where(BoostRedemption.status == RedemptionStatus.ACTIVE, BoostRedemption.expires_at <= now)
        .options(joinedload(BoostRedemption.code, innerjoin=True))
        .order_by(BoostRedemption.id)
        .with_for_update(of=BoostRedemption)
    ).all()
    for redemption in over:
        _end(redemption, RedemptionStatus.EXPIRED, redemption.expires_at or now)
    told = [(each, {"affiliate_id": each.affiliate_id, "boost": each.code.code}) for each in over]
    emit_all(session, "affiliation.boost_expired", told, actor=SYSTEM)
    return len(over)


def next_expiry_of_boosts() -> Select[Any]:
    """Asks when the next redemption is over; NULL where none is in force."""
    return select(func.min(BoostRedemption.expires_at)).where(
        BoostRedemption.status == RedemptionStatus.ACTIVE
    )


def _lock_affiliate(session: Session, affiliate_id: UUID) -> None:
    """Two codes redeemed at once wait for one another. Raises Missing, Suspended."""
    profile = session.scalar(
        select(AffiliateProfile)
        .where(AffiliateProfile.user_id == affiliate_id)
        .with_for_update(key_share=True)
    )
    if profile is None:
        raise Missing
    if User.get(session, affiliate_id).is_suspended:
        raise Suspended


def _guard(boost: BoostCode, now: datetime) -> None:
    if not boost.is_active or (boost.valid_until is not None and boost.valid_until <= now):
        raise BoostOver
    if now < boost.valid_from:
        raise BoostNotYet
    if boost.max_uses is not None and boost.current_uses >= boost.max_uses:
        raise BoostUsedUp


def _end(redemption: BoostRedemption, status: RedemptionStatus, at: datetime) -> None:
    redemption.become(status)
    redemption.ended_at = at
