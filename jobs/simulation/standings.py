"""Where each affiliate stands when a simulation ends: balances and totals, by the ledger."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.affiliation import AffiliateProfile
from models.ledger import Account, LedgerAccount, LedgerEntry, LedgerTransfer, TransferType
from models.money import rate_text


def affiliates(session: Session) -> dict[str, dict[str, Any]]:
    """Each affiliate's balances and totals, by slug, as the ledger has them."""
    balances: dict[UUID, dict[Account, int]] = defaultdict(dict)
    for row in session.scalars(select(LedgerAccount)):
        balances[row.affiliate_id][row.account] = row.balance
    totals = _totals(session)
    found = {}
    profiles = select(AffiliateProfile).order_by(AffiliateProfile.user_id)
    for profile in session.scalars(profiles):
        mine, moved = balances[profile.user_id], totals[profile.user_id]
        available = mine.get(Account.AVAILABLE, 0)
        found[profile.affiliate_slug] = {
            "locked": mine.get(Account.LOCKED, 0),
            "available": available,
            "reserved": mine.get(Account.RESERVED, 0),
            "paid_out": moved[TransferType.WITHDRAWAL_PAID, Account.PAID_OUT],
            "fees": moved[TransferType.FEE_DEDUCTED, Account.FEES],
            "debt": max(0, -available),
            "earned": -moved[TransferType.COMMISSION_EARNED, Account.COMMISSIONS],
            "clawed_back": moved[TransferType.COMMISSION_CLAWED_BACK, Account.COMMISSIONS],
            "risk_level": profile.risk_level.value,
            "refund_rate": rate_text(profile.refund_rate),
            "total_refunds": profile.total_refunds,
        }
    return found


def _totals(session: Session) -> dict[UUID, dict[tuple[TransferType, Account], int]]:
    totals: dict[UUID, dict[tuple[TransferType, Account], int]] = defaultdict(
        lambda: defaultdict(int)
    )
    sums = (
        select(
            LedgerEntry.affiliate_id,
            LedgerTransfer.type,
            LedgerEntry.account,
            func.sum(LedgerEntry.amount),
        )
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .group_by(LedgerEntry.affiliate_id, LedgerTransfer.type, LedgerEntry.account)
    )
    for affiliate_id, kind, account, amount in session.execute(sums):
        totals[affiliate_id][kind, account] = int(amount)
    return totals
