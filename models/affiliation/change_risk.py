"""Changing an affiliate's risk level: with a note, and with what it would mean shown before."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.choose_lock import choose_lock
from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.lock_rule import LockRule
from models.affiliation.profile import AffiliateProfile, RiskLevel, RiskLevelChange
from models.errors import N_, BadInput
from models.money import rate_text
from models.oversight import Actor, emit


class NoteMissing(BadInput):
    code = "note_missing"
    message = N_("Say why: a level is never changed without a note.")


@dataclass(frozen=True)
class RiskPreview:
    """What future commissions would be locked by, before and after; cents still locked now."""

    before: LockRule
    after: LockRule
    commissions_locked: int
    amount_locked: int


def preview_risk(
    session: Session, affiliate_id: UUID, to: RiskLevel, *, now: datetime
) -> RiskPreview:
    """The lock rows under the present level and under another. Changes nothing."""
    profile = AffiliateProfile.get(session, affiliate_id)
    imagined = AffiliateProfile(risk_level=to, first_commission_at=profile.first_commission_at)
    waiting = select(func.count(), func.coalesce(func.sum(Commission.total_amount), 0)).where(
        Commission.affiliate_id == affiliate_id,
        Commission.status.in_((CommissionStatus.PENDING_LOCK, CommissionStatus.LOCKED)),
    )
    count, amount = session.execute(waiting).one()
    return RiskPreview(
        before=choose_lock(session, profile, at=now).rule,
        after=choose_lock(session, imagined, at=now).rule,
        commissions_locked=count,
        amount_locked=int(amount),
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
) -> AffiliateProfile:
    """Set the level that future commissions are locked by; those already earned keep theirs.

    ``pin`` True keeps the level whatever the figures say, False lets them decide again. With
    the level and pin they have, nothing changes. Raises NoteMissing.
    """
    profile = AffiliateProfile.for_update(session, affiliate_id)
    if to is profile.risk_level and pin in (None, profile.risk_pinned):
        return profile
    if not note.strip():
        raise NoteMissing(field="note")
    change = RiskLevelChange(
        affiliate_id=affiliate_id,
        from_level=profile.risk_level,
        to_level=to,
        changed_by=actor.user_id,
        figures={
            "refund_rate": rate_text(profile.refund_rate),
            "total_refunds": profile.total_refunds,
        },
        note=note.strip(),
        changed_at=now or clock.now(),
    )
    session.add(change)
    profile.risk_level = to
    profile.risk_pinned = profile.risk_pinned if pin is None else pin
    emit(session, "affiliation.risk_changed", profile, actor=actor, reason=change.note)
    return profile
