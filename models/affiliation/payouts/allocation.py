"""Which withdrawal paid which commission: every payout explains itself down to the invoices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.affiliation.commission import Commission, CommissionStatus
from models.base import Base

PAYABLE = (CommissionStatus.PARTIALLY_MATURED, CommissionStatus.MATURED)
"""Commissions of which something may be released and not yet paid."""


class WithdrawalAllocation(Base):
    """The cents of one commission that one withdrawal paid. Append-only."""

    __tablename__ = "withdrawal_allocations"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_withdrawal_allocations_commission_id", "commission_id"),
    )

    withdrawal_id: Mapped[UUID] = mapped_column(
        ForeignKey("withdrawal_requests.id"), primary_key=True
    )
    commission_id: Mapped[UUID] = mapped_column(
        ForeignKey("affiliate_commissions.id"), primary_key=True
    )
    amount: Mapped[int]


@dataclass(frozen=True)
class ReleasedPart:
    """What is left unpaid of one released part of a commission, in cents."""

    released_at: datetime
    commission_id: UUID
    amount: int


def released_parts(commission: Commission) -> list[ReleasedPart]:
    """The released parts of which something is unpaid.

    What was clawed back before its release never was part of it; what was clawed back after,
    and what was paid, uses up the main part first.
    """
    used = commission.clawed_from_available + commission.paid_amount
    parts = []
    for released_at, amount in (
        (commission.main_matured_at, commission.main_left),
        (commission.extended_matured_at, commission.extended_left),
    ):
        if released_at is None:
            continue
        taken = min(used, amount)
        used -= taken
        if amount > taken:
            parts.append(ReleasedPart(released_at, commission.id, amount - taken))
    return parts


def share_out(amount: int, parts: Iterable[ReleasedPart]) -> dict[UUID, int]:
    """Cents per commission that an amount pays: oldest release first, then by key.

    What no part covers (it came from adjustments) is in nobody's share.
    """
    shares: dict[UUID, int] = {}
    for part in sorted(parts, key=lambda part: (part.released_at, part.commission_id)):
        taken = min(amount, part.amount)
        if taken:
            shares[part.commission_id] = shares.get(part.commission_id, 0) + taken
            amount -= taken
    return shares


def unpaid_commissions(session: Session, affiliate_ids: Iterable[UUID]) -> list[Commission]:
    """The commissions that a payment to these affiliates may pay, locked in id order."""
    statement = (
        select(Commission)
        .where(Commission.affiliate_id.in_(set(affiliate_ids)), Commission.status.in_(PAYABLE))
        .order_by(Commission.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(statement))


def allocate(
    session: Session, withdrawal_id: UUID, amount: int, commissions: Sequence[Commission]
) -> list[WithdrawalAllocation]:
    """Let a withdrawal pay one affiliate's commissions, which are PAID once nothing is left."""
    by_id = {commission.id: commission for commission in commissions}
    parts = [part for commission in commissions for part in released_parts(commission)]
    made = []
    for commission_id, cents in share_out(amount, parts).items():
        commission = by_id[commission_id]
        commission.paid_amount += cents
        commission.follow_money()
        made.append(
            WithdrawalAllocation(
                withdrawal_id=withdrawal_id, commission_id=commission_id, amount=cents
            )
        )
    session.add_all(made)
    return made
