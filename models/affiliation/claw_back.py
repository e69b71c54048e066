"""Clawing back: the share of a commission that goes back when its invoice is refunded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.billing import Invoice, Refund
from models.ledger import Account, TransferType, post
from models.money import share
from models.oversight import Actor, emit


@dataclass(frozen=True)
class Taken:
    """What one clawback takes, in cents, and from where."""

    from_extended: int
    from_main: int
    from_available: int

    @property
    def from_locked(self) -> int:
        return self.from_extended + self.from_main

    @property
    def amount(self) -> int:
        return self.from_locked + self.from_available


def claw_back(
    session: Session,
    *,
    invoice: Invoice,
    refund: Refund,
    refunded_in_all: int,
    actor: Actor,
    now: datetime,
) -> Commission | None:
    """Take back the share of the invoice's commission that its refunds so far make up.

    Clawed back in all is half-up(total × refunded in all ÷ paid, both including tax); this
    refund takes the difference: out of the extended part while that is locked, then the main
    part, then what is available, which may go below zero and is then debt. None where the
    invoice earned nothing. A second call for the same refund takes nothing more.
    """
    commission = commission_of(session, invoice.id)
    if commission is None:
        return None
    paid = invoice.amount_including_tax
    in_all = share(commission.total_amount, min(refunded_in_all, paid), paid)
    taken = what_to_take(commission, in_all - commission.clawed_back_amount)
    if taken.amount <= 0 or _is_known(commission, refund.id):
        return commission
    commission.clawed_back_amount = in_all
    commission.clawed_from_extended += taken.from_extended
    commission.clawed_from_main += taken.from_main
    commission.clawed_from_available += taken.from_available
    commission.follow_money()
    told = {
        "refund": str(refund.id),
        "at": now.isoformat(),
        "refunded": refund.amount,
        "refunded_in_all": refunded_in_all,
        "paid": paid,
        "clawed_in_all": in_all,
        "from_extended": taken.from_extended,
        "from_main": taken.from_main,
        "from_available": taken.from_available,
    }
    _keep(commission, told)
    _post(session, commission, invoice, refund.id, taken, told, actor, now)
    _tell(session, commission, taken, told, actor)
    return commission


def what_to_take(commission: Commission, amount: int) -> Taken:
    """Where an amount to be taken back comes from, as the commission's parts stand now."""
    extended = 0 if commission.extended_matured_at else min(amount, commission.extended_left)
    main = 0 if commission.main_matured_at else min(amount - extended, commission.main_left)
    return Taken(extended, main, amount - extended - main)


def commission_of(session: Session, invoice_id: UUID) -> Commission | None:
    """An invoice's commission, read afresh, its row locked; None where it earned nothing."""
    return session.scalar(
        select(Commission)
        .where(Commission.invoice_id == invoice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _is_known(commission: Commission, refund_id: UUID) -> bool:
    return any(
        told.get("refund") == str(refund_id)
        for told in (commission.explanation or {}).get("clawbacks", ())
    )


def _keep(commission: Commission, told: dict[str, Any]) -> None:
    explanation = dict(commission.explanation or {})
    explanation["clawbacks"] = [*explanation.get("clawbacks", ()), told]
    commission.explanation = explanation


def _post(
    session: Session,
    commission: Commission,
    invoice: Invoice,
    refund_id: UUID,
    taken: Taken,
    told: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    moved = {
        Account.LOCKED: -taken.from_locked,
        Account.AVAILABLE: -taken.from_available,
        Account.COMMISSIONS: taken.amount,
    }
    post(
        session,
        TransferType.COMMISSION_CLAWED_BACK,
        affiliate_id=commission.affiliate_id,
        key=f"commission-clawed-back:{refund_id}",
        at=now,
        entries={account: amount for account, amount in moved.items() if amount},
        description=invoice.number or "",
        commission_id=commission.id,
        refund_id=refund_id,
        created_by=actor.user_id,
        metadata={name: told[name] for name in IN_THE_LEDGER},
    )


IN_THE_LEDGER = ("refunded", "refunded_in_all", "paid", "from_extended", "from_main")
"""What of a clawback its transfer keeps, so that a statement explains itself."""


def _tell(
    session: Session, commission: Commission, taken: Taken, told: dict[str, Any], actor: Actor
) -> None:
    emit(
        session,
        "affiliation.commission_clawed_back",
        commission,
        actor=actor,
        data={
            "affiliate_id": commission.affiliate_id,
            "invoice_id": commission.invoice_id,
            "refund_id": told["refund"],
            "clawed_amount": taken.amount,
            "from_locked_amount": taken.from_locked,
            "from_available_amount": taken.from_available,
            "currency": commission.currency,
        },
    )
