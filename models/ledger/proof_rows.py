"""What the ledger's proof reads, in the order it reads it; keys as text, as the chain has them."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import String, and_, cast, select
from sqlalchemy.orm import Session, aliased

from models.ledger.transfer import (
    OF_AFFILIATE,
    LedgerAccount,
    LedgerEntry,
    LedgerHead,
    LedgerTransfer,
)

ROWS_AT_ONCE = 2000


def stream(session: Session, statement: Any) -> Iterator[Any]:
    """The rows of a statement, some thousands in memory at once."""
    return iter(session.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}))


def chained_entries() -> Any:
    """Every entry with its transfer, where there is one, in the order of the chains."""
    return (
        select(
            LedgerEntry.seq,
            _text(LedgerEntry.transfer_id),
            LedgerEntry.account,
            _text(LedgerEntry.affiliate_id),
            LedgerEntry.amount,
            LedgerEntry.currency,
            LedgerEntry.balance_after,
            LedgerEntry.prev_hash,
            LedgerEntry.hash,
            _text(LedgerTransfer.id),
            LedgerTransfer.seq.label("transfer_seq"),
            LedgerTransfer.type,
            _text(LedgerTransfer.affiliate_id).label("transfer_affiliate_id"),
            _text(LedgerTransfer.commission_id),
            _text(LedgerTransfer.withdrawal_id),
            _text(LedgerTransfer.refund_id),
            LedgerTransfer.description,
            _text(LedgerTransfer.created_by),
            LedgerTransfer.idempotency_key,
            LedgerTransfer.created_at,
            _text(LedgerTransfer.extra).label("metadata_text"),
        )
        .outerjoin(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .order_by(LedgerEntry.affiliate_id, LedgerEntry.seq)
    )


def chain_heads(claims: Iterable[Any]) -> Any:
    """Every head with its running balances, and what each claim's statement says of it as
    ``claim_<number>``, in the order of the affiliates' keys."""
    accounts = [aliased(LedgerAccount) for _ in OF_AFFILIATE]
    claimed = [statement.subquery() for statement in claims]
    statement = select(
        _text(LedgerHead.affiliate_id),
        LedgerHead.hash,
        LedgerHead.entries,
        *(row.balance.label(str(name)) for row, name in zip(accounts, OF_AFFILIATE, strict=True)),
        *(rows.c.amount.label(f"claim_{number}") for number, rows in enumerate(claimed)),
    )
    for row, name in zip(accounts, OF_AFFILIATE, strict=True):
        statement = statement.outerjoin(
            row, and_(row.affiliate_id == LedgerHead.affiliate_id, row.account == name)
        )
    for rows in claimed:
        statement = statement.outerjoin(rows, rows.c.affiliate_id == LedgerHead.affiliate_id)
    return statement.order_by(LedgerHead.affiliate_id)


def _text(column: Any) -> Any:
    """A column as PostgreSQL writes it, under its own name."""
    return cast(column, String).label(column.key)
