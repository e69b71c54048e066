"""The nightly look at refunds: rates kept up, levels raised and, after a calm time, lowered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models import clock
from models.affiliation.attribution import Attribution
from models.affiliation.change_risk import set_level
from models.affiliation.profile import AffiliateProfile, RiskLevel, RiskLevelChange
from models.affiliation.refund_figures import (
    KEPT,
    RefundFigures,
    keep_all_figures,
    keep_figures,
    refund_figures,
)
from models.billing import Refund
from models.errors import N_
from models.oversight import SYSTEM, emit
from models.session import unit_of_work

ENOUGH_INVOICES = 10
CALM_DAYS = 30
AT_ONCE = 1000
BEFORE_ALL = UUID(int=0)

THRESHOLDS = {RiskLevel.AT_RISK: 15, RiskLevel.HIGH_RISK: 25, RiskLevel.EXTREME_RISK: 40}
"""The refund rate in percent from which on a level is asked for."""

ORDER = tuple(RiskLevel)
HIGHEST_BY_FIGURES = RiskLevel.HIGH_RISK
"""EXTREME_RISK is a person's decision; the figures only ask for it."""

RAISED = N_("The refund rate asks for it.")
LOWERED = N_("The refund rate has been lower for 30 days.")


def nightly_risk(*, dry_run: bool = False) -> dict[str, int]:
    """Bring every affiliate's refund figures up to date and move their levels by them.

    Opens its own units of work, each of a thousand affiliates. Where at least 10 invoices
    count, 15 % asks for AT_RISK, 25 % for HIGH_RISK, and 40 % also asks the owner to decide
    on EXTREME_RISK. A level goes down by one a night once the rate has been under its
    threshold for 30 days. Pinned levels stay. A second run the same day changes nothing.
    ``dry_run`` takes everything back.
    """
    now = clock.now()
    counts = dict.fromkeys(("rated", "raised", "lowered", "asked_to_decide"), 0)
    after: UUID | None = BEFORE_ALL
    while after is not None:
        with unit_of_work() as session:
            after = _rate(session, after, counts, now)
            if dry_run:
                session.rollback()
                session.info.pop("deferred", None)
    return counts


def next_rating() -> Select[Any]:
    """Asks since when there is something to look at: a refund granted, or a level to lower.

    Without either every rate is nothing, and a night changes no level.
    """
    refunds = select(func.min(Refund.approved_at))
    levels = select(func.min(AffiliateProfile.created_at)).where(
        AffiliateProfile.risk_level != RiskLevel.NORMAL
    )
    instants = union_all(refunds, levels).subquery()
    return select(func.min(instants.c[0]))


def rate_affiliate(
    session: Session,
    profile: AffiliateProfile,
    figures: RefundFigures,
    *,
    last: RiskLevelChange | None,
    now: datetime,
) -> str | None:
    """One affiliate's night; the caller holds their row. Answers what was done to the level.

    ``last`` is the last change of their level. A level that the figures set goes down also
    where too few invoices are left to count; one that a person set needs enough of them.
    """
    keep_figures(profile, figures)
    by_figures = last is not None and bool(last.figures.get("by_figures"))
    counts = figures.invoices >= ENOUGH_INVOICES
    if counts or by_figures:
        _note_calm(profile, figures, now)
    if profile.risk_pinned:
        return None
    wanted = _asked_for(figures) if counts else RiskLevel.NORMAL
    before = ORDER.index(profile.risk_level)
    done = None
    if ORDER.index(min(wanted, HIGHEST_BY_FIGURES, key=ORDER.index)) > before:
        wanted = min(wanted, HIGHEST_BY_FIGURES, key=ORDER.index)
        set_level(session, profile, wanted, note=RAISED, actor=SYSTEM, now=now, by_figures=True)
        done = "raised"
    elif before and (counts or by_figures) and _may_go_down(profile, last, now):
        lower = ORDER[before - 1]
        set_level(session, profile, lower, note=LOWERED, actor=SYSTEM, now=now, by_figures=True)
        done = "lowered"
    if counts and _asks_to_decide(session, profile, figures, now):
        done = "asked_to_decide"
    return done


def _rate(session: Session, after: UUID, counts: dict[str, int], now: datetime) -> UUID | None:
    """One chunk's night: the thousand whose keys follow; answers the last, None where no more are.

    The figures are read once the profiles are locked, as a refund reads them, so that the later
    of the two writes knows of the earlier. Most nights nothing but figures changes: only those
    whose level or calm may change too are loaded whole.
    """
    held = session.execute(_HELD, {"after": after, "most": AT_ONCE}).all()
    keys = [row.user_id for row in held]
    read = refund_figures(session, now=now, affiliates=keys)
    last = {each.affiliate_id: each for each in session.scalars(_LAST_CHANGES, {"keys": keys})}
    changed, moving = {}, []
    for row in held:
        figures = read.get(row.user_id, RefundFigures())
        if not _stays_calm(row, figures, last.get(row.user_id)):
            moving.append(row.user_id)
        elif figures.kept != (row.refund_rate, row.rated_invoices, row.total_refunds):
            changed[row.user_id] = figures
    keep_all_figures(session, changed, now=now)
    for profile in AffiliateProfile.held_all(session, moving) if moving else ():
        figures = read.get(profile.user_id, RefundFigures())
        done = rate_affiliate(session, profile, figures, last=last.get(profile.user_id), now=now)
        if done:
            counts[done] += 1
    counts["rated"] += len(held)
    return keys[-1] if len(keys) == AT_ONCE else None


def _stays_calm(row: Any, figures: RefundFigures, last: RiskLevelChange | None) -> bool:
    """Whether ``rate_affiliate`` would do no more than keep the figures: of who has no risk, is
    under every threshold, and has that noted already, or brought too little for it to be noted."""
    since = (row.under_at_risk_since, row.under_high_risk_since, row.under_extreme_risk_since)
    return (
        row.risk_level is RiskLevel.NORMAL
        and row.extreme_asked_at is None
        and not figures.is_at_least(min(THRESHOLDS.values()))
        and (None not in since or (last is None and figures.invoices < ENOUGH_INVOICES))
    )


def _asked_for(figures: RefundFigures) -> RiskLevel:
    asked = [level for level, percent in THRESHOLDS.items() if figures.is_at_least(percent)]
    return max(asked, key=ORDER.index, default=RiskLevel.NORMAL)


def _note_calm(profile: AffiliateProfile, figures: RefundFigures, now: datetime) -> None:
    """Since when the rate has been under each threshold."""
    for level, percent in THRESHOLDS.items():
        name = f"under_{level.value.lower()}_since"
        if figures.is_at_least(percent):
            setattr(profile, name, None)
        elif getattr(profile, name) is None:
            setattr(profile, name, now)


def _may_go_down(profile: AffiliateProfile, last: RiskLevelChange | None, now: datetime) -> bool:
    """Whether the rate has been under the present level's threshold for 30 days in Paris, and
    the level was not moved today already."""
    since: datetime | None = getattr(profile, f"under_{profile.risk_level.value.lower()}_since")
    today = clock.paris(now).date()
    if since is None or (today - clock.paris(since).date()).days < CALM_DAYS:
        return False
    return last is None or clock.paris(last.changed_at).date() < today


def _asks_to_decide(
    session: Session, profile: AffiliateProfile, figures: RefundFigures, now: datetime
) -> bool:
    """Ask the owner about EXTREME_RISK, once until the rate has gone down again."""
    if not figures.is_at_least(THRESHOLDS[RiskLevel.EXTREME_RISK]):
        profile.extreme_asked_at = None
        return False
    if profile.extreme_asked_at or profile.risk_level is RiskLevel.EXTREME_RISK:
        return False
    profile.extreme_asked_at = now
    emit(
        session,
        "affiliation.risk_decision_asked",
        profile,
        actor=SYSTEM,
        data={
            "affiliate_id": profile.user_id,
            "invoices": figures.invoices,
            "refunded_invoices": figures.refunded,
        },
    )
    return True


# Built once: both are asked each night.
_HELD = (
    select(
        AffiliateProfile.user_id,
        *KEPT,
        AffiliateProfile.risk_level,
        AffiliateProfile.extreme_asked_at,
        AffiliateProfile.under_at_risk_since,
        AffiliateProfile.under_high_risk_since,
        AffiliateProfile.under_extreme_risk_since,
    )
    .where(
        AffiliateProfile.user_id > bindparam("after"),
        or_(
            AffiliateProfile.rated_invoices > 0,
            AffiliateProfile.risk_level != RiskLevel.NORMAL,
            exists().where(
                Attribution.affiliate_id == AffiliateProfile.user_id,
                Attribution.customer_id.is_not(None),
            ),
        ),
    )
    .order_by(AffiliateProfile.user_id)
    .limit(bindparam("most"))
    .with_for_update(key_share=True)
)
"""Whoever brought a purchase, or had figures: a rate falls back to nothing as invoices grow old."""

_LAST_CHANGES = (
    select(RiskLevelChange)
    .where(RiskLevelChange.affiliate_id.in_(bindparam("keys", expanding=True)))
    .ext(distinct_on(RiskLevelChange.affiliate_id))
    .order_by(RiskLevelChange.affiliate_id, RiskLevelChange.id.desc())
)
"""The last change of each affiliate's level, where there was one."""
