"""The ledger's proof with what commissions say, and an affiliate's statement at an instant."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.commission_claims import commission_checks, commission_claims
from models.affiliation.payouts.claims import payout_checks, payout_claims
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.errors import N_, Missing
from models.ledger import Balances, Report, balances_of, verify_ledger
from models.oversight import Actor, emit


class NoSuchAffiliate(Missing):
    code = "no_such_affiliate"
    message = N_("No affiliate is called “%(slug)s”.")


def prove_ledger(session: Session) -> Report:
    """Recompute the ledger and hold it against commissions and withdrawals.

    Each row is held against its own transfers before the accounts are held against the rows'
    sums, so that what differs is named. Begin the transaction with it.
    """
    return verify_ledger(
        session,
        claims=(*commission_claims(), *payout_claims()),
        checks=(*commission_checks(), *payout_checks()),
    )


def raise_alarm(session: Session, report: Report, *, actor: Actor) -> None:
    """Tell the owner of the first difference a proof found; nothing where it found none."""
    if report.ok:
        return
    emit(
        session,
        "ledger.verify_failed",
        _concerned(session, report),
        actor=actor,
        data={"difference": report.difference, "head": report.head},
    )


def _concerned(session: Session, report: Report) -> AffiliateProfile:
    """Whose money differs. What is nobody's (a payment file without lines, a balance of somebody
    who is no affiliate) is told of the first."""
    known = session.get(AffiliateProfile, report.affiliate_id) if report.affiliate_id else None
    return (
        known
        or session.scalars(
            select(AffiliateProfile).order_by(AffiliateProfile.user_id).limit(1)
        ).one()
    )


def statement_at(session: Session, slug: str, at: datetime | None) -> Balances:
    """An affiliate's balances now or as they stood at an instant. Raises NoSuchAffiliate."""
    profile = affiliate_by_slug(session, slug)
    if profile is None:
        raise NoSuchAffiliate(slug=slug)
    return balances_of(session, profile.user_id, at=at)
