"""Affiliation's part in the end of an account: what holds it, and what is emptied."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.accounts.signals import account_closing, account_held
from models.affiliation.payouts.ask_withdrawal import euros
from models.affiliation.payouts.withdrawal import WAITING, Withdrawal
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, DomainError
from models.ledger import balances_of
from models.settings import current_settings


class WithdrawalUnderWay(DomainError):
    code = "withdrawal_under_way"
    message = N_("A withdrawal is under way. The account can be deleted once it is paid.")


class MoneyWaits(DomainError):
    code = "money_waits"
    message = N_("You can still withdraw %(available)s €. Withdraw them first.")


@account_held.connect
def hold(_sender: object, *, session: Session, user_id: UUID, **_more: Any) -> None:
    """Hold an account whose money is on its way, or could be.

    Less than the smallest withdrawal, and what is still locked, hold nothing: they stay in
    the ledger. Raises WithdrawalUnderWay and MoneyWaits.
    """
    waiting = select(Withdrawal.id).where(
        Withdrawal.affiliate_id == user_id, Withdrawal.status.in_(WAITING)
    )
    if session.scalar(waiting.limit(1)) is not None:
        raise WithdrawalUnderWay
    available = balances_of(session, user_id).available
    if available > 0 and available >= current_settings().withdrawal_minimum:
        raise MoneyWaits(available=euros(available))


@account_closing.connect
def forget(
    _sender: object, *, session: Session, user_id: UUID, now: datetime, pseudonym: str, **_more: Any
) -> None:
    """Forget where an affiliate was paid and under which names they were linked.

    Withdrawals keep their destination: it proves what was paid to whom.
    """
    session.execute(
        update(AffiliateProfile)
        .where(AffiliateProfile.user_id == user_id)
        .values(
            affiliate_slug=pseudonym,
            former_slug=None,
            payout_method=None,
            payout_holder="",
            payout_iban=None,
            payout_iban_last4=None,
            payout_paypal=None,
            internal_notes="",
            updated_at=now,
        )
        .execution_options(synchronize_session="fetch")
    )
