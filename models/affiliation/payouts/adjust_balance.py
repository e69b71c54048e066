"""Putting an affiliate's balance right by hand: a credit or a debit, with its reason."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.profile import AffiliateProfile
from models.errors import N_, BadInput
from models.ids import new_id
from models.ledger import Account, LedgerTransfer, TransferType, post
from models.oversight import Actor, emit

MOST = 100_000_000
"""One million euros: beyond it, somebody mistyped."""


class BadAdjustment(BadInput):
    code = "bad_adjustment"
    message = N_("An amount other than zero, at most 1,000,000.00 € either way.")


class AdjustmentUnexplained(BadInput):
    code = "adjustment_unexplained"
    message = N_("Say why: the affiliate reads it in their ledger.")


def adjust_balance(
    session: Session,
    affiliate_id: UUID,
    amount: int,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> LedgerTransfer:
    """Add signed cents to what is available; a debit may leave a debt.

    Each call is an adjustment of its own, unless ``key`` names one: sent twice, even at once,
    it is made and told once. Raises BadAdjustment, AdjustmentUnexplained, KeyTaken for a key
    with other content.
    """
    profile = AffiliateProfile.held(session, affiliate_id)
    if not 0 < abs(amount) <= MOST:
        raise BadAdjustment(field="amount")
    if not reason.strip():
        raise AdjustmentUnexplained(field="reason")
    credit, posting_key = amount > 0, f"adjustment:{key or new_id()}"
    before = select(LedgerTransfer.id).where(LedgerTransfer.idempotency_key == posting_key)
    made = session.scalar(before)
    transfer = post(
        session,
        TransferType.ADJUSTMENT_CREDIT if credit else TransferType.ADJUSTMENT_DEBIT,
        affiliate_id=affiliate_id,
        key=posting_key,
        at=now,
        entries={Account.AVAILABLE: amount, Account.ADJUSTMENTS: -amount},
        description=reason.strip(),
        created_by=actor.user_id,
    )
    if made is not None:
        return transfer
    emit(
        session,
        "affiliation.balance_adjusted",
        profile,
        actor=actor,
        data={"affiliate_id": affiliate_id, "amount": amount, "transfer_id": transfer.id},
        reason=reason.strip(),
    )
    return transfer
