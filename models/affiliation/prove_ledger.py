"""The ledger's proof with what commissions say, and an affiliate's statement at an instant."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.errors import N_, Missing
from models.ledger import (
    Account,
    Balances,
    Claim,
    LedgerEntry,
    LedgerTransfer,
    Report,
    TransferType,
    balances_of,
    verify_ledger,
)
from models.oversight import Actor, emit


class NoSuchAffiliate(Missing):
    code = "no_such_affiliate"
    message = N_("No affiliate is called “%(slug)s”.")


def prove_ledger(session: Session) -> Report:
    """Recompute the ledger and hold it against commissions; begin the transaction with it.

    Accounts are held against the sums of commissions first, then each commission against its
    own transfers: the first that disagrees is named.
    """
    report = verify_ledger(session, claims=(_still_locked(), _earned_in_all()))
    return report if not report.ok else _every_commission_agrees(session, report)


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
    """Parts not yet released, less what was clawed back from them."""
    main = case((Commission.main_matured_at.is_(None), _left("main")), else_=0)
    extended = case((Commission.extended_matured_at.is_(None), _left("extended")), else_=0)
    statement = select(Commission.affiliate_id, func.sum(main + extended).label("amount")).group_by(
        Commission.affiliate_id
    )
    return Claim(Account.LOCKED, "the commissions' parts not yet released", statement)


def _left(part: str) -> Any:
    """What a part is, or was, to release."""
    return getattr(Commission, f"{part}_amount") - getattr(Commission, f"clawed_from_{part}")


def _earned_in_all() -> Claim:
    """What the house gave for commissions: their totals less what was clawed back."""
    given = Commission.clawed_back_amount - Commission.total_amount
    statement = select(Commission.affiliate_id, func.sum(given).label("amount")).group_by(
        Commission.affiliate_id
    )
    return Claim(Account.COMMISSIONS, "the commissions' totals less clawbacks", statement)


MOVED = {
    "earned": (TransferType.COMMISSION_EARNED, Account.LOCKED, Commission.total_amount),
    "released": (
        TransferType.COMMISSION_MATURED,
        Account.AVAILABLE,
        case((Commission.main_matured_at.is_not(None), _left("main")), else_=0)
        + case((Commission.extended_matured_at.is_not(None), _left("extended")), else_=0),
    ),
    "clawed back while locked": (
        TransferType.COMMISSION_CLAWED_BACK,
        Account.LOCKED,
        -Commission.clawed_from_extended - Commission.clawed_from_main,
    ),
    "clawed back once available": (
        TransferType.COMMISSION_CLAWED_BACK,
        Account.AVAILABLE,
        -Commission.clawed_from_available,
    ),
}
"""What a commission's columns say its transfers moved: by type and account, in cents."""


def _every_commission_agrees(session: Session, report: Report) -> Report:
    """The report, with the first commission whose transfers are not what its columns say."""
    sums = [
        func.sum(
            case(
                (
                    and_(LedgerTransfer.type == type, LedgerEntry.account == account),
                    LedgerEntry.amount,
                ),
                else_=0,
            )
        ).label(f"moved_{number}")
        for number, (type, account, _) in enumerate(MOVED.values())
    ]
    moved = (
        select(LedgerTransfer.commission_id, *sums)
        .join(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .where(LedgerTransfer.commission_id.is_not(None))
        .group_by(LedgerTransfer.commission_id)
        .subquery()
    )
    said = [said for _, _, said in MOVED.values()]
    found = [func.coalesce(moved.c[f"moved_{number}"], 0) for number in range(len(MOVED))]
    first = session.execute(
        select(Commission.id, Commission.affiliate_id, *said, *(cast(f, BigInteger) for f in found))
        .outerjoin(moved, moved.c.commission_id == Commission.id)
        .where(or_(*(s != f for s, f in zip(said, found, strict=True))))
        .order_by(Commission.id)
        .limit(1)
    ).first()
    if first is None:
        return report
    key, affiliate_id, *figures = first
    half = len(MOVED)
    what, says, moves = next(
        (what, says, moves)
        for what, says, moves in zip(MOVED, figures[:half], figures[half:], strict=True)
        if says != moves
    )
    words = f"affiliate_commissions {key}: {what} {says}, its transfers say {moves}"
    return replace(report, difference=words, affiliate_id=affiliate_id)
