"""What the house owes its affiliates, from the ledger."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.ids import first_id_at
from models.ledger.transfer import OF_AFFILIATE, LedgerAccount, LedgerEntry, LedgerTransfer


def owed(session: Session) -> int:
    """Commissions owed now, in cents: locked, available and reserved, less affiliates' debt."""
    return int(session.scalar(select(func.coalesce(func.sum(LedgerAccount.balance), 0))) or 0)


def owed_since(session: Session, since: datetime) -> int:
    """By how many cents what is owed has grown since an instant; negative where it shrank."""
    grown = session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount), 0))
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .where(LedgerTransfer.id >= first_id_at(since), LedgerEntry.account.in_(OF_AFFILIATE))
    )
    return int(grown or 0)
