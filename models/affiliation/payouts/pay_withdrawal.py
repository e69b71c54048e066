"""Paying: the owner has sent the money, and says by which way and under which reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.allocation import allocate, unpaid_commissions
from models.affiliation.payouts.ask_withdrawal import (
    asked_before,
    available_of,
    guard_amount,
    reserve,
)
from models.affiliation.payouts.decide_withdrawal import InOpenBatch, approve_withdrawal
from models.affiliation.payouts.fee import terms_of
from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.errors import N_, BadInput
from models.ledger import Account, Posting, TransferType, post_all
from models.oversight import Actor, emit_all

LONGEST_REFERENCE = 140
LONGEST_PROOF = 500


class ReferenceMissing(BadInput):
    code = "reference_missing"
    message = N_("Give the payment's reference, at most 140 characters: it proves the payment.")


class BadProof(BadInput):
    code = "bad_proof"
    message = N_("A proof is the address of a document: https://…")


@dataclass(frozen=True)
class Payment:
    """How the owner paid. ``proof`` is the address of a document. Raises on what is not one."""

    method: PayoutMethod
    reference: str
    proof: str | None = None
    notes: str = ""
    waive_fee: bool = False

    def __post_init__(self) -> None:
        reference = " ".join(self.reference.split())
        if not 0 < len(reference) <= LONGEST_REFERENCE:
            raise ReferenceMissing(field="reference")
        object.__setattr__(self, "reference", reference)
        object.__setattr__(self, "proof", checked_proof(self.proof))


def checked_proof(text: str | None) -> str | None:
    """An address of a document, or None. Raises BadProof."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        raise BadProof(field="proof") from None
    if parts.scheme not in ("http", "https") or not parts.netloc or len(text) > LONGEST_PROOF:
        raise BadProof(field="proof")
    return text


def pay_withdrawal(
    session: Session,
    withdrawal_id: UUID,
    *,
    method: PayoutMethod,
    reference: str,
    proof: str | None = None,
    notes: str = "",
    waive_fee: bool = False,
    actor: Actor,
    now: datetime,
) -> Withdrawal:
    """Note that an approved withdrawal was paid, and let it pay the affiliate's commissions.

    The fee leaves with it, unless waived: then all that was asked is paid out. A second call
    answers the first. Raises ReferenceMissing, BadProof, InOpenBatch, IllegalTransition.
    """
    payment = Payment(method, reference, proof, notes, waive_fee)
    withdrawal = Withdrawal.for_update(session, withdrawal_id)
    if withdrawal.status is WithdrawalStatus.PAID:
        return withdrawal
    if withdrawal.batch_id is not None:
        raise InOpenBatch
    unpaid = unpaid_commissions(session, [withdrawal.affiliate_id])
    pay_lines(session, [withdrawal], payment, unpaid, actor=actor, now=now)
    return withdrawal


def pay_now(
    session: Session,
    affiliate_id: UUID,
    *,
    amount: int | None = None,
    method: PayoutMethod,
    reference: str,
    proof: str | None = None,
    notes: str = "",
    waive_fee: bool = False,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> Withdrawal:
    """Create, approve and pay a withdrawal in one go: all that is available, or some of it.

    The owner may go below the minimum and needs no payout details. ``key`` as in
    ``ask_withdrawal``. Raises InDebt, NotEnough, TooLittle, ReferenceMissing, BadProof,
    OtherAsked for a key that paid somebody else, or another amount.
    """
    payment = Payment(method, reference, proof, notes, waive_fee)
    made = asked_before(session, affiliate_id, amount, key) if key else None
    if made is not None:
        return made
    available = available_of(session, affiliate_id)
    terms = terms_of(available if amount is None else amount, waive_fee=waive_fee)
    guard_amount(terms, available)
    unpaid = unpaid_commissions(session, [affiliate_id])  # at least what is available came of
    withdrawal = reserve(
        session, affiliate_id, terms, actor=actor, now=now, key=key, waive_fee=waive_fee
    )
    approve_withdrawal(session, withdrawal.id, actor=actor, now=now)
    pay_lines(session, [withdrawal], payment, unpaid, actor=actor, now=now)
    return withdrawal


def pay_lines(
    session: Session,
    withdrawals: Sequence[Withdrawal],
    payment: Payment,
    unpaid: Sequence[Commission],
    *,
    actor: Actor,
    now: datetime,
    also: Sequence[Posting] = (),
) -> None:
    """Pay withdrawals whose rows are locked, out of unpaid commissions that are locked too.

    They are locked before anything is posted, as a clawback does it: whoever makes others wait
    for an affiliate's ledger waits for nobody. Everything is posted in one statement, with
    the postings that ``also`` go with it.
    """
    owed: dict[UUID, list[Commission]] = {}
    for commission in unpaid:
        owed.setdefault(commission.affiliate_id, []).append(commission)
    postings = list(also)
    for withdrawal in withdrawals:
        _note_payment(withdrawal, payment, now)
        mine = owed.get(withdrawal.affiliate_id, [])
        made = allocate(session, withdrawal.id, withdrawal.requested_amount, mine)
        postings += _postings(withdrawal, sum(each.amount for each in made), actor)
    post_all(session, postings, at=now)
    told = [(withdrawal, _told(withdrawal)) for withdrawal in withdrawals]
    emit_all(session, "affiliation.withdrawal_paid", told, actor=actor)


def _note_payment(withdrawal: Withdrawal, payment: Payment, now: datetime) -> None:
    withdrawal.become(WithdrawalStatus.PAID)
    if payment.waive_fee and not withdrawal.fee_waived:
        terms = terms_of(withdrawal.requested_amount, waive_fee=True)
        withdrawal.fee_amount, withdrawal.net_amount = terms.fee, terms.net
        withdrawal.fee_waived = True
    withdrawal.paid_at = now
    withdrawal.payment_method = payment.method
    withdrawal.payout_reference = payment.reference
    withdrawal.payout_proof = payment.proof
    withdrawal.notes = payment.notes.strip() or withdrawal.notes


def _postings(withdrawal: Withdrawal, allocated: int, actor: Actor) -> list[Posting]:
    """The net to PAID_OUT and the fee, where there is one, to FEES."""
    return [
        Posting(
            type,
            affiliate_id=withdrawal.affiliate_id,
            key=f"{key}:{withdrawal.id}",
            entries={Account.RESERVED: -amount, account: amount},
            description=withdrawal.payout_reference,
            withdrawal_id=withdrawal.id,
            created_by=actor.user_id,
            metadata={"allocated_amount": allocated},
        )
        for type, key, account, amount in (
            (
                TransferType.WITHDRAWAL_PAID,
                "withdrawal-paid",
                Account.PAID_OUT,
                withdrawal.net_amount,
            ),
            (TransferType.FEE_DEDUCTED, "fee-deducted", Account.FEES, withdrawal.fee_amount),
        )
        if amount
    ]


def _told(withdrawal: Withdrawal) -> dict[str, Any]:
    return {
        "affiliate_id": withdrawal.affiliate_id,
        "requested_amount": withdrawal.requested_amount,
        "fee_amount": withdrawal.fee_amount,
        "net_amount": withdrawal.net_amount,
        "currency": withdrawal.currency,
        "method": withdrawal.payment_method,
        "reference": withdrawal.payout_reference,
    }
