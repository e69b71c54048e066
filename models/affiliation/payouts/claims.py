"""What withdrawals say the ledger must hold: in all per affiliate, and row by row."""

from typing import Any

from sqlalchemy import Text, and_, case, cast, func, inspect, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from models.affiliation.commission import Commission
from models.affiliation.payouts.allocation import WithdrawalAllocation
from models.affiliation.payouts.batch import BatchStatus, SepaBatch
from models.affiliation.payouts.withdrawal import WAITING, Withdrawal, WithdrawalStatus
from models.base import Base
from models.ledger import Account, Check, Claim, LedgerEntry, LedgerTransfer, TransferType

PAID = Withdrawal.status == WithdrawalStatus.PAID


def payout_claims() -> tuple[Claim, ...]:
    """RESERVED holds what waits, PAID_OUT and FEES what was paid."""
    return (
        _claim(
            Account.RESERVED,
            "the withdrawals not yet paid",
            Withdrawal.requested_amount,
            Withdrawal.status.in_(WAITING),
        ),
        _claim(Account.PAID_OUT, "the withdrawals paid", Withdrawal.net_amount, PAID),
        _claim(Account.FEES, "the fees of the withdrawals paid", Withdrawal.fee_amount, PAID),
    )


def payout_checks() -> tuple[Check, ...]:
    """Every withdrawal against its own transfers and allocations, every file against its lines."""
    return (
        Check(_transfers_of_nothing(Withdrawal, LedgerTransfer.withdrawal_id)),
        Check(_transfers_of_nothing(Commission, LedgerTransfer.commission_id)),
        Check(_withdrawals_that_differ()),
        Check(_commissions_paid_otherwise()),
        Check(_files_that_differ()),
    )


def _claim(account: Account, source: str, amount: Any, condition: Any) -> Claim:
    statement = (
        select(Withdrawal.affiliate_id, func.sum(amount).label("amount"))
        .where(condition)
        .group_by(Withdrawal.affiliate_id)
    )
    return Claim(account, source, statement)


def _transfers_of_nothing(row: type[Base], named: Any) -> Any:
    """Transfers that name a row which is gone."""
    words = func.concat(
        "ledger_transfers ",
        LedgerTransfer.id,
        f" names {row.__tablename__} ",
        named,
        ", which is gone",
    )
    key = inspect(row).primary_key[0]
    return (
        select(LedgerTransfer.affiliate_id, words.label("words"))
        .outerjoin(row, key == named)
        .where(named.is_not(None), key.is_(None))
        .order_by(LedgerTransfer.seq)
    )


def _withdrawals_that_differ() -> Any:
    """Each withdrawal as one line of text, by its row and by its transfers, where they differ.

    The fee agreed on and the cents that paid commissions stand in the transfers' metadata,
    which the chain protects. An approval moves nothing, so its memo is counted: what is
    APPROVED or PAID has one, and of what was turned down only what had been approved.
    """
    moved = _moved()
    allocated = (
        select(
            WithdrawalAllocation.withdrawal_id,
            func.sum(WithdrawalAllocation.amount).label("amount"),
        )
        .group_by(WithdrawalAllocation.withdrawal_id)
        .subquery()
    )
    gone = Withdrawal.status.in_((WithdrawalStatus.REJECTED, WithdrawalStatus.CANCELLED))
    said = _line(
        case((gone, 0), else_=-Withdrawal.requested_amount),
        case((Withdrawal.status.in_(WAITING), Withdrawal.requested_amount), else_=0),
        case((PAID, Withdrawal.net_amount), else_=0),
        case((PAID, Withdrawal.fee_amount), else_=0),
        case((Withdrawal.fee_waived, 0), else_=Withdrawal.fee_amount),
        func.coalesce(allocated.c.amount, 0),
        case((_was_approved(), 1), else_=0),
    )
    posted = _line(
        *(
            func.coalesce(moved.c[name], 0)
            for name in ("available", "reserved", "paid_out", "fees")
        ),
        case((Withdrawal.fee_waived, 0), else_=func.coalesce(moved.c.fee, 0)),
        func.coalesce(moved.c.allocated, 0),
        func.coalesce(moved.c.approvals, 0),
    )
    words = func.concat(
        "withdrawal_requests ",
        Withdrawal.id,
        " (",
        Withdrawal.status,
        ") and its withdrawal_allocations say ",
        said,
        ", its transfers say ",
        posted,
    )
    return (
        select(Withdrawal.affiliate_id, words.label("words"))
        .outerjoin(
            moved,
            and_(
                moved.c.withdrawal_id == Withdrawal.id,
                moved.c.affiliate_id == Withdrawal.affiliate_id,
            ),
        )
        .outerjoin(allocated, allocated.c.withdrawal_id == Withdrawal.id)
        .where(said != posted)
        .order_by(Withdrawal.id)
    )


def _was_approved() -> Any:
    return case(
        (Withdrawal.status == WithdrawalStatus.REJECTED, Withdrawal.approved_at.is_not(None)),
        else_=Withdrawal.status.in_((WithdrawalStatus.APPROVED, WithdrawalStatus.PAID)),
    )


def _moved() -> Any:
    """What each withdrawal's transfers moved, per account, and what their metadata agreed on."""

    def of(account: Account) -> Any:
        amount = func.sum(LedgerEntry.amount).filter(LedgerEntry.account == account)
        return amount.label(account.value.lower())

    def noted(type: TransferType, name: str) -> Any:
        found = func.max(LedgerTransfer.extra[name].as_integer())
        return found.filter(LedgerTransfer.type == type)

    approvals = func.count(LedgerTransfer.id.distinct()).filter(
        LedgerTransfer.type == TransferType.WITHDRAWAL_APPROVED
    )
    return (
        select(
            LedgerTransfer.withdrawal_id,
            LedgerTransfer.affiliate_id,
            *map(of, (Account.AVAILABLE, Account.RESERVED, Account.PAID_OUT, Account.FEES)),
            noted(TransferType.WITHDRAWAL_REQUESTED, "fee_amount").label("fee"),
            noted(TransferType.WITHDRAWAL_PAID, "allocated_amount").label("allocated"),
            approvals.label("approvals"),
        )
        .join(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .where(LedgerTransfer.withdrawal_id.is_not(None))
        .group_by(LedgerTransfer.withdrawal_id, LedgerTransfer.affiliate_id)
        .subquery()
    )


def _line(*amounts: Any) -> Any:
    names = (
        *("AVAILABLE", "RESERVED", "PAID_OUT", "FEES"),
        *("fee agreed", "paid to commissions", "approvals"),
    )
    parts = [
        part
        for name, amount in zip(names, amounts, strict=True)
        for part in (f"{name} ", cast(amount, Text), " · ")
    ]
    return func.concat(*parts[:-1])


def _commissions_paid_otherwise() -> Any:
    """Commissions whose paid amount is not what withdrawals paid of them."""
    allocated = (
        select(
            WithdrawalAllocation.commission_id,
            func.sum(WithdrawalAllocation.amount).label("amount"),
        )
        .group_by(WithdrawalAllocation.commission_id)
        .subquery()
    )
    paid = func.coalesce(allocated.c.amount, 0)
    words = func.concat(
        "affiliate_commissions ",
        Commission.id,
        " says ",
        Commission.paid_amount,
        " paid, its withdrawal_allocations sum to ",
        paid,
    )
    return (
        select(Commission.affiliate_id, words.label("words"))
        .outerjoin(allocated, allocated.c.commission_id == Commission.id)
        .where(Commission.paid_amount != paid)
        .order_by(Commission.id)
    )


def _files_that_differ() -> Any:
    """Payment files that are no longer as they were made, or not the sum of their lines."""
    lines = (
        select(
            Withdrawal.batch_id,
            func.sum(Withdrawal.net_amount).label("total"),
            func.count().label("count"),
            func.array_agg(aggregate_order_by(Withdrawal.affiliate_id, Withdrawal.id.asc())).label(
                "affiliates"
            ),
        )
        .where(Withdrawal.batch_id.is_not(None))
        .group_by(Withdrawal.batch_id)
        .subquery()
    )
    sha256 = func.encode(func.sha256(func.convert_to(SepaBatch.xml, "UTF8")), "hex")
    kept = SepaBatch.status != BatchStatus.GIVEN_UP
    differs = and_(
        kept,
        func.row(lines.c.total, lines.c.count).is_distinct_from(
            func.row(SepaBatch.total, SepaBatch.count)
        ),
    )
    words = func.concat(
        "sepa_batches ",
        SepaBatch.id,
        " says ",
        SepaBatch.total,
        " in ",
        SepaBatch.count,
        " lines, its lines say ",
        func.coalesce(lines.c.total, 0),
        " in ",
        func.coalesce(lines.c.count, 0),
        case((sha256 != SepaBatch.sha256, literal("; its file was changed")), else_=""),
    )
    return (
        select(lines.c.affiliates[1].label("affiliate_id"), words.label("words"))
        .select_from(SepaBatch)
        .outerjoin(lines, lines.c.batch_id == SepaBatch.id)
        .where(differs | (sha256 != SepaBatch.sha256))
        .order_by(SepaBatch.id)
    )
