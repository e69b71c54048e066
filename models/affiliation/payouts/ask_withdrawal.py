"""Asking for money: what it takes, what it costs, and reserving it once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.affiliation.payouts.fee import Terms, terms_of
from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, BadInput, DomainError, NotAllowed
from models.ledger import Account, LedgerAccount, LedgerEntry, TransferType, post
from models.oversight import Actor, emit
from models.session import one_at_a_time
from models.settings import current_settings


class DetailsMissing(DomainError):
    code = "payout_details_missing"
    message = N_("Say first where your money shall go: a bank account or a PayPal address.")


class InDebt(DomainError):
    code = "in_debt"
    message = N_("Your balance is negative: coming commissions pay it back first.")


class BelowMinimum(BadInput):
    code = "below_minimum"
    message = N_("The smallest withdrawal is %(minimum)s €.")


class NotEnough(BadInput):
    """More than what is available, or nothing left of it once the fee is taken."""

    code = "not_enough_available"
    message = N_("At most %(available)s € can be withdrawn now.")


class TooLittle(BadInput):
    code = "too_little"
    message = N_("An amount above zero, of which something is left after the fee.")


class Suspended(NotAllowed):
    code = "affiliate_suspended"
    message = N_("This account is suspended.")


class OtherAsked(DomainError):
    """The same key asked before for something else."""

    code = "withdrawal_key_taken"
    message = N_("This request was already sent with another amount.")


@dataclass(frozen=True)
class Asked:
    """What may be asked, before anything is reserved, in cents."""

    terms: Terms
    available: int


def preview_withdrawal(session: Session, affiliate_id: UUID, amount: int) -> Asked:
    """The fee and the net of an amount, after every guard of asking. Changes nothing.

    Raises what ``ask_withdrawal`` raises.
    """
    profile = AffiliateProfile.get(session, affiliate_id)
    terms = terms_of(amount)
    available = available_of(session, affiliate_id)
    _guard_person(session, affiliate_id)
    if profile.payout_method is None:
        raise DetailsMissing
    guard_amount(terms, available)
    minimum = current_settings().withdrawal_minimum
    if amount < minimum:
        raise BelowMinimum(field="amount", minimum=euros(minimum))
    return Asked(terms, available)


def ask_withdrawal(
    session: Session,
    affiliate_id: UUID,
    amount: int,
    *,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
) -> Withdrawal:
    """Reserve cents of what is available, to be reviewed and paid by hand.

    ``key`` is the request's, made with the form: sent twice, even at once, it asks once.
    Raises DetailsMissing, InDebt, BelowMinimum, NotEnough, TooLittle, Suspended, OtherAsked.
    """
    made = asked_before(session, affiliate_id, amount, key) if key else None
    if made is not None:
        return made
    asked = preview_withdrawal(session, affiliate_id, amount)
    return reserve(session, affiliate_id, asked.terms, actor=actor, now=now, key=key)


def asked_before(
    session: Session, affiliate_id: UUID, amount: int | None, key: UUID
) -> Withdrawal | None:
    """The withdrawal that a key made before, of any amount where None is given.

    Whoever sends the same key meanwhile waits for this transaction, and then finds it. Raises
    OtherAsked where it was made for somebody else, or another amount.
    """
    one_at_a_time(session, f"withdrawal:{key}")
    made = session.scalar(select(Withdrawal).where(Withdrawal.request_key == key))
    if made is None:
        return None
    if made.affiliate_id != affiliate_id or amount not in (None, made.requested_amount):
        raise OtherAsked
    return made


def reserve(
    session: Session,
    affiliate_id: UUID,
    terms: Terms,
    *,
    actor: Actor,
    now: datetime,
    key: UUID | None = None,
    waive_fee: bool = False,
) -> Withdrawal:
    """Write a withdrawal down and move its cents from AVAILABLE to RESERVED.

    What was available is looked at again once it is moved: from the posting on, the
    affiliate's other postings wait, so nobody can have taken it meanwhile.
    """
    profile = AffiliateProfile.get(session, affiliate_id)
    withdrawal = Withdrawal(
        affiliate_id=affiliate_id,
        request_key=key,
        requested_amount=terms.requested,
        fee_amount=terms.fee,
        net_amount=terms.net,
        fee_waived=waive_fee,
        status=WithdrawalStatus.PENDING_REVIEW,
        requested_at=now,
        payment_method=profile.payout_method,
        holder=profile.payout_holder,
        iban=profile.payout_iban,
        iban_last4=profile.payout_iban_last4,
        paypal=profile.payout_paypal,
    )
    session.add(withdrawal)
    transfer = post(
        session,
        TransferType.WITHDRAWAL_REQUESTED,
        affiliate_id=affiliate_id,
        key=f"withdrawal-requested:{withdrawal.id}",
        at=now,
        entries={Account.AVAILABLE: -terms.requested, Account.RESERVED: terms.requested},
        description="",
        withdrawal_id=withdrawal.id,
        created_by=actor.user_id,
        metadata={"fee_amount": terms.fee},
    )
    left = session.scalars(
        select(LedgerEntry.balance_after).where(
            LedgerEntry.transfer_id == transfer.id, LedgerEntry.account == Account.AVAILABLE
        )
    ).one()
    if left is None or left < 0:
        raise NotEnough(field="amount", available=euros(max(0, terms.requested + (left or 0))))
    emit(
        session,
        "affiliation.withdrawal_asked",
        withdrawal,
        actor=actor,
        data={
            "affiliate_id": affiliate_id,
            "requested_amount": terms.requested,
            "fee_amount": terms.fee,
            "net_amount": terms.net,
            "currency": withdrawal.currency,
        },
    )
    return withdrawal


def guard_amount(terms: Terms, available: int) -> None:
    """An amount that can be taken from what is available. Raises InDebt, TooLittle, NotEnough."""
    if available < 0:
        raise InDebt
    if terms.requested <= 0 or terms.net <= 0:
        raise TooLittle(field="amount")
    if terms.requested > available:
        raise NotEnough(field="amount", available=euros(available))


def available_of(session: Session, affiliate_id: UUID) -> int:
    """Cents in AVAILABLE now; below zero is debt."""
    balance = select(LedgerAccount.balance).where(
        LedgerAccount.affiliate_id == affiliate_id, LedgerAccount.account == Account.AVAILABLE
    )
    return session.scalar(balance) or 0


def _guard_person(session: Session, affiliate_id: UUID) -> None:
    suspended = session.scalar(select(User.is_suspended).where(User.id == affiliate_id))
    if suspended:
        raise Suspended


def euros(cents: int) -> str:
    """Cents for a refusal's words: ``50.00``."""
    return f"{cents // 100}.{cents % 100:02d}"
