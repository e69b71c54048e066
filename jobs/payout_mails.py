"""Mails about payouts: staff hear of requests, affiliates of what became of theirs."""

from uuid import UUID

from sqlalchemy.orm import Session

from jobs.alert_listeners import alert_owner
from jobs.mail_attachments import attach
from models import clock
from models.accounts import User
from models.accounts.mail_user import mail_user
from models.affiliation import AffiliateProfile, Withdrawal, WithdrawalStatus
from models.base import Json
from models.oversight import OutboxEvent


def alert_withdrawal_asked(session: Session, event: OutboxEvent) -> None:
    """Tell the owner that a withdrawal waits for a decision, unless it was decided meanwhile."""
    withdrawal = _withdrawal(session, event)
    if withdrawal.status is not WithdrawalStatus.PENDING_REVIEW:
        return
    profile = AffiliateProfile.get(session, withdrawal.affiliate_id)
    said = {"amount": withdrawal.requested_amount, "currency": withdrawal.currency}
    about, key = profile.affiliate_slug, str(withdrawal.id)
    alert_owner(session, "withdrawal_asked", about, key=key, said=said)


def mail_withdrawal_asked(session: Session, event: OutboxEvent) -> None:
    """The affiliate's dated receipt of asking, unless it was decided meanwhile."""
    withdrawal = _withdrawal(session, event)
    if withdrawal.status is WithdrawalStatus.PENDING_REVIEW:
        _to_affiliate(session, "withdrawal_asked", withdrawal, {})


def mail_withdrawal_approved(session: Session, event: OutboxEvent) -> None:
    """Tell the affiliate that their money will be paid, unless it is already."""
    withdrawal = _withdrawal(session, event)
    if withdrawal.status is WithdrawalStatus.APPROVED:
        _to_affiliate(session, "withdrawal_approved", withdrawal, {})


def mail_withdrawal_rejected(session: Session, event: OutboxEvent) -> None:
    """Tell the affiliate no, and why; their money is available again."""
    withdrawal = _withdrawal(session, event)
    said = {"reason": withdrawal.rejection_reason}
    _to_affiliate(session, "withdrawal_rejected", withdrawal, said)


def mail_withdrawal_paid(session: Session, event: OutboxEvent) -> None:
    """Tell the affiliate that they were paid, with the statement."""
    withdrawal = _withdrawal(session, event)
    name = f"payout-{clock.paris(withdrawal.paid_at or clock.now()):%Y-%m-%d}"
    said = {
        "reference": withdrawal.payout_reference,
        "method": withdrawal.payment_method,
        "paid_at": withdrawal.paid_at,
        "attached": [attach("payout_statement", withdrawal.id, name)],
    }
    _to_affiliate(session, "withdrawal_paid", withdrawal, said)


def mail_details_changed(session: Session, event: OutboxEvent) -> None:
    """Tell the affiliate that their money would go elsewhere: it may not have been them."""
    profile = AffiliateProfile.get(session, UUID(event.subject_id))
    user = User.get(session, profile.user_id)
    mail_user(
        session,
        user,
        "payout_details_changed",
        {
            "method": profile.payout_method,
            "last4": profile.payout_iban_last4,
            "changed_at": event.created_at,
        },
        about=event.id,
    )


def _withdrawal(session: Session, event: OutboxEvent) -> Withdrawal:
    return Withdrawal.get(session, UUID(event.subject_id))


def _to_affiliate(session: Session, kind: str, withdrawal: Withdrawal, said: Json) -> None:
    user = User.get(session, withdrawal.affiliate_id)
    mail_user(
        session,
        user,
        kind,
        {
            "requested": withdrawal.requested_amount,
            "fee": withdrawal.fee_amount,
            "net": withdrawal.net_amount,
            "currency": withdrawal.currency,
            "asked_at": withdrawal.requested_at,
            "last4": withdrawal.iban_last4 or "",
            **said,
        },
        about=withdrawal.id,
    )
