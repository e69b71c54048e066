"""Deciding on a withdrawal: the affiliate cancels it, the owner approves or rejects it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.errors import N_, BadInput, DomainError
from models.ledger import Account, Posting, TransferType, post, post_all
from models.oversight import Actor, emit


class ReasonMissing(BadInput):
    code = "reason_missing"
    message = N_("Say why: the affiliate is told.")


class InOpenBatch(DomainError):
    """The line of a file that may be at the bank."""

    code = "in_open_batch"
    message = N_("This withdrawal is in a payment file: settle or give up the file first.")


def cancel_withdrawal(
    session: Session, withdrawal_id: UUID, *, actor: Actor, now: datetime
) -> Withdrawal:
    """Give the reserved cents back to an affiliate who changed their mind while under review.

    A second call changes nothing. Raises IllegalTransition once it was decided on.
    """
    withdrawal = Withdrawal.for_update(session, withdrawal_id)
    if withdrawal.status is WithdrawalStatus.CANCELLED:
        return withdrawal
    withdrawal.become(WithdrawalStatus.CANCELLED)
    withdrawal.cancelled_at = now
    post_all(session, [_back(withdrawal, "", actor)], at=now)
    data = _told(withdrawal)
    emit(session, "affiliation.withdrawal_cancelled", withdrawal, actor=actor, data=data)
    return withdrawal


def approve_withdrawal(
    session: Session, withdrawal_id: UUID, *, actor: Actor, now: datetime
) -> Withdrawal:
    """Say that a withdrawal may be paid; its cents stay reserved.

    A second call changes nothing. Raises IllegalTransition where it is not under review.
    """
    withdrawal = Withdrawal.for_update(session, withdrawal_id)
    if withdrawal.status is WithdrawalStatus.APPROVED:
        return withdrawal
    withdrawal.become(WithdrawalStatus.APPROVED)
    withdrawal.approved_at = now
    post(
        session,
        TransferType.WITHDRAWAL_APPROVED,
        affiliate_id=withdrawal.affiliate_id,
        key=f"withdrawal-approved:{withdrawal.id}",
        at=now,
        entries={Account.RESERVED: 0},
        description="",
        withdrawal_id=withdrawal.id,
        created_by=actor.user_id,
    )
    data = _told(withdrawal)
    emit(session, "affiliation.withdrawal_approved", withdrawal, actor=actor, data=data)
    return withdrawal


def reject_withdrawal(
    session: Session, withdrawal_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> Withdrawal:
    """Give the reserved cents back and say why, before or after it was approved.

    A second call changes nothing. Raises ReasonMissing, InOpenBatch, IllegalTransition.
    """
    withdrawal = Withdrawal.for_update(session, withdrawal_id)
    if withdrawal.status is WithdrawalStatus.REJECTED:
        return withdrawal
    if withdrawal.batch_id is not None:
        raise InOpenBatch
    post_all(session, [turn_down(withdrawal, reason, actor=actor, now=now)], at=now)
    tell_rejected(session, withdrawal, actor=actor)
    return withdrawal


def turn_down(withdrawal: Withdrawal, reason: str, *, actor: Actor, now: datetime) -> Posting:
    """Reject a withdrawal whose row is locked; what gives its cents back is still to be posted."""
    if not reason.strip():
        raise ReasonMissing(field="reason")
    withdrawal.become(WithdrawalStatus.REJECTED)
    withdrawal.rejected_at, withdrawal.rejection_reason = now, reason.strip()
    return _back(withdrawal, withdrawal.rejection_reason, actor)


def tell_rejected(session: Session, withdrawal: Withdrawal, *, actor: Actor) -> None:
    """Tell of a rejection once its cents are given back."""
    emit(
        session,
        "affiliation.withdrawal_rejected",
        withdrawal,
        actor=actor,
        data=_told(withdrawal),
        reason=withdrawal.rejection_reason,
    )


def _back(withdrawal: Withdrawal, why: str, actor: Actor) -> Posting:
    amount = withdrawal.requested_amount
    return Posting(
        TransferType.WITHDRAWAL_REJECTED,
        affiliate_id=withdrawal.affiliate_id,
        key=f"withdrawal-rejected:{withdrawal.id}",
        entries={Account.RESERVED: -amount, Account.AVAILABLE: amount},
        description=why,
        withdrawal_id=withdrawal.id,
        created_by=actor.user_id,
    )


def _told(withdrawal: Withdrawal) -> dict[str, Any]:
    return {
        "affiliate_id": withdrawal.affiliate_id,
        "requested_amount": withdrawal.requested_amount,
        "currency": withdrawal.currency,
    }
