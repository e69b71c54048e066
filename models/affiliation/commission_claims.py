"""What commissions say the ledger must hold: in all per affiliate, and row by row."""

from typing import Any

from sqlalchemy import Text, and_, case, cast, func, or_, select

from models.affiliation.commission import Commission, CommissionStatus
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


NOTED = {
    "base": (TransferType.COMMISSION_EARNED, "base_amount", Commission.base_amount),
    "main part": (TransferType.COMMISSION_EARNED, "main_amount", Commission.main_amount),
    "clawed back from the extended part": (
        TransferType.COMMISSION_CLAWED_BACK,
        "from_extended",
        Commission.clawed_from_extended,
    ),
}
"""What of a commission moves no account, but stands in its transfers' metadata, which the
chain protects; nothing is held against a transfer that does not say it."""


def commission_checks() -> tuple[Check, ...]:
    """Each commission against its own transfers, and its status against its own cents."""
    return _transfers_that_differ(), _status_that_differs()


def _status_that_differs() -> Check:
    """Commissions whose status is not what was released, clawed back and paid out asks for."""
    left = Commission.total_amount - Commission.clawed_back_amount
    is_paid = and_(Commission.paid_amount > 0, Commission.paid_amount >= left)
    waiting = (CommissionStatus.PENDING_LOCK, CommissionStatus.LOCKED)
    asked = case(
        (left == 0, CommissionStatus.CLAWED_BACK.value),
        (is_paid, CommissionStatus.PAID.value),
        (Commission.extended_matured_at.is_not(None), CommissionStatus.MATURED.value),
        (Commission.main_matured_at.is_not(None), CommissionStatus.PARTIALLY_MATURED.value),
        (Commission.status.in_(waiting), cast(Commission.status, Text)),
        else_=CommissionStatus.LOCKED.value,
    )
    words = func.concat(
        "affiliate_commissions ",
        Commission.id,
        " is ",
        Commission.status,
        ", its amounts say ",
        asked,
    )
    return Check(
        select(Commission.affiliate_id, words.label("words"))
        .where(cast(Commission.status, Text) != asked)
        .order_by(Commission.id)
    )


def _transfers_that_differ() -> Check:
    """Commissions whose transfers are not what their columns say, with the first that differs."""
    sums = [
        func.sum(LedgerEntry.amount)
        .filter(and_(LedgerTransfer.type == type, LedgerEntry.account == account))
        .label(f"moved_{number}")
        for number, (type, account, _) in enumerate(MOVED.values())
    ]
    sums += [
        func.sum(LedgerTransfer.extra[name].as_integer())
        .filter(and_(LedgerTransfer.type == type, LedgerEntry.account == Account.COMMISSIONS))
        .label(f"noted_{number}")
        for number, (type, name, _) in enumerate(NOTED.values())
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
    compared += [
        (what, said, func.coalesce(moved.c[f"noted_{number}"], said))
        for number, (what, (_, _, said)) in enumerate(NOTED.items())
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
