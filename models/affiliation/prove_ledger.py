"""The ledger's proof with what commissions say, and an affiliate's statement at an instant."""

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.errors import N_, Missing
from models.ledger import Account, Balances, Claim, Report, balances_of, verify_ledger
from models.oversight import Actor, emit


class NoSuchAffiliate(Missing):
    code = "no_such_affiliate"
    message = N_("No affiliate is called “%(slug)s”.")


def prove_ledger(session: Session) -> Report:
    """Recompute the ledger and hold it against commissions; begin the transaction with it."""
    return verify_ledger(session, claims=(_still_locked(), _earned_in_all()))


def raise_alarm(session: Session, report: Report, *, actor: Actor) -> None:
    """Tell the owner of the first difference a proof found; nothing where it found none."""
    if report.ok or report.affiliate_id is None:
        return
    profile = AffiliateProfile.get(session, report.affiliate_id)
    emit(
        session,
        "ledger.verify_failed",
        profile,
        actor=actor,
        data={"difference": report.difference, "head": report.head},
    )


def statement_at(session: Session, slug: str, at: datetime | None) -> Balances:
    """An affiliate's balances now or as they stood at an instant. Raises NoSuchAffiliate."""
    profile = affiliate_by_slug(session, slug)
    if profile is None:
        raise NoSuchAffiliate(slug=slug)
    return balances_of(session, profile.user_id, at=at)


def _still_locked() -> Claim:
    """Parts not yet released nor clawed back: a clawback takes the extended part first."""
    after_clawback = case(
        (
            Commission.main_matured_at.is_(None),
            Commission.total_amount - Commission.clawed_back_amount,
        ),
        (
            Commission.extended_matured_at.is_(None),
            func.greatest(0, Commission.extended_amount - Commission.clawed_back_amount),
        ),
        else_=0,
    )
    statement = select(Commission.affiliate_id, func.sum(after_clawback).label("amount")).group_by(
        Commission.affiliate_id
    )
    return Claim(Account.LOCKED, "the commissions' parts not yet released", statement)


def _earned_in_all() -> Claim:
    """What the house gave for commissions: their totals less what was clawed back."""
    given = Commission.clawed_back_amount - Commission.total_amount
    statement = select(Commission.affiliate_id, func.sum(given).label("amount")).group_by(
        Commission.affiliate_id
    )
    return Claim(Account.COMMISSIONS, "the commissions' totals less clawbacks", statement)
