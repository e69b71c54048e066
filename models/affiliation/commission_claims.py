"""What commissions say the ledger must hold: in all per affiliate, and row by row."""

from typing import Any

from sqlalchemy import and_, case, func, or_, select

from models.affiliation.commission import Commission
from models.ledger import Account, Check, Claim, LedgerEntry, LedgerTransfer, TransferType


def commission_claims() -> tuple[Claim, ...]:
    """LOCKED holds what is not yet released, COMMISSIONS what was given in all."""
    return _still_locked(), _earned_in_all()


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


def commission_check() -> Check:
    """Commissions whose transfers are not what their columns say, with the first that differs."""
    sums = [
        func.sum(LedgerEntry.amount)
        .filter(and_(LedgerTransfer.type == type, LedgerEntry.account == account))
        .label(f"moved_{number}")
        for number, (type, account, _) in enumerate(MOVED.values())
    ]
    moved = (
        select(LedgerTransfer.commission_id, *sums)
        .join(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .where(LedgerTransfer.commission_id.is_not(None))
        .group_by(LedgerTransfer.commission_id)
        .subquery()
    )
    compared = [
        (what, said, func.coalesce(moved.c[f"moved_{number}"], 0))
        for number, (what, (_, _, said)) in enumerate(MOVED.items())
    ]
    words = case(
        *(
            (
                said != found,
                func.concat(
                    "affiliate_commissions ",
                    Commission.id,
                    f": {what} ",
                    said,
                    ", its transfers say ",
                    found,
                ),
            )
            for what, said, found in compared
        )
    )
    statement = (
        select(Commission.affiliate_id, words.label("words"))
        .outerjoin(moved, moved.c.commission_id == Commission.id)
        .where(or_(*(said != found for _, said, found in compared)))
        .order_by(Commission.id)
    )
    return Check(statement)
