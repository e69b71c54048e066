"""Changing an affiliate's risk level: with a note, and with what it would mean shown before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.choose_lock import choose_lock
from models.affiliation.commission import Commission
from models.affiliation.lock_rule import LockRule
from models.affiliation.profile import AffiliateProfile, RiskLevel, RiskLevelChange
from models.affiliation.relock import Unlock, locked_commissions, relock_commissions, unlocks
from models.errors import N_, BadInput
from models.money import rate_text
from models.oversight import Actor, emit


class NoteMissing(BadInput):
    code = "note_missing"
    message = N_("Say why: a level is never changed without a note.")


@dataclass(frozen=True)
class RiskPreview:
    """What future commissions would be locked by, before and after; cents still locked now, and
    when they unlock as things stand and if they were locked anew under the other level."""

    before: LockRule
    after: LockRule
    commissions_locked: int
    amount_locked: int
    upcoming: Sequence[Unlock]
    relocked: Sequence[Unlock]


def preview_risk(
    session: Session, affiliate_id: UUID, to: RiskLevel, *, now: datetime
) -> RiskPreview:
    """The lock rows and unlock dates under the present level and under another. Changes nothing."""
    profile = AffiliateProfile.get(session, affiliate_id)
    imagined = AffiliateProfile(risk_level=to, first_commission_at=profile.first_commission_at)
    waiting = session.scalars(
        select(Commission).where(*locked_commissions(affiliate_id)).order_by(Commission.id)
    ).all()
    upcoming = unlocks(session, waiting, None)
    return RiskPreview(
        before=choose_lock(session, profile, at=now).rule,
        after=choose_lock(session, imagined, at=now).rule,
        commissions_locked=len(waiting),
        amount_locked=sum(each.amount for each in upcoming),
        upcoming=upcoming,
        relocked=unlocks(session, waiting, to),
    )


def change_risk(
    session: Session,
    affiliate_id: UUID,
    to: RiskLevel,
    *,
    note: str,
    actor: Actor,
    now: datetime | None = None,
    pin: bool | None = None,
    relock: bool = False,
) -> AffiliateProfile:
    """Set the level that future commissions are locked by.

    Those still locked keep their dates, unless ``relock``: then each part waits as long as
    the level asks for, counted from when it was earned, never less than before. ``pin`` True
    keeps the level whatever the figures say, False lets them decide again. With the level
    and pin they have, nothing changes but what ``relock`` lengthens. Raises NoteMissing.
    """
    now = now or clock.now()
    relocked = relock_commissions(session, affiliate_id, to, now=now) if relock else 0
    profile = AffiliateProfile.held(session, affiliate_id)
    if to is profile.risk_level and pin in (None, profile.risk_pinned) and not relocked:
        return profile
    if not note.strip():
        raise NoteMissing(field="note")
    profile.risk_pinned = profile.risk_pinned if pin is None else pin
    return set_level(
        session, profile, to, note=note.strip(), actor=actor, now=now, relocked=relocked
    )


def set_level(
    session: Session,
    profile: AffiliateProfile,
    to: RiskLevel,
    *,
    note: str,
    actor: Actor,
    now: datetime,
    relocked: int = 0,
    by_figures: bool = False,
) -> AffiliateProfile:
    """Write a level and its history down; the caller holds the profile's row.

    After a person's decision the calm that would lower the level is counted anew.
    """
    change = RiskLevelChange(
        affiliate_id=profile.user_id,
        from_level=profile.risk_level,
        to_level=to,
        changed_by=actor.user_id,
        figures={
            "refund_rate": rate_text(profile.refund_rate),
            "invoices": profile.rated_invoices,
            "total_refunds": profile.total_refunds,
            "relocked": relocked,
            "by_figures": by_figures,
        },
        note=note,
        changed_at=now,
    )
    session.add(change)
    profile.risk_level = to
    if not by_figures:
        profile.under_at_risk_since = profile.under_high_risk_since = None
        profile.under_extreme_risk_since = None
    emit(session, "affiliation.risk_changed", profile, actor=actor, reason=note)
    return profile
