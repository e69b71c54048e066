"""Mails that follow from what clients do on their own pages."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.accounts.mail_user import mail_user
from models.billing import CaptureEndpoint, CapturePurpose, Customer, PaymentAttempt
from models.billing.checkout_state import LONG_SILENCE
from models.billing.decline_codes import decline_of
from models.catalog import PaymentButton
from models.oversight import OutboxEvent
from models.settings import current_settings


def mail_withdrawal_receipt(session: Session, event: OutboxEvent) -> None:
    """The dated receipt of a withdrawal: what was ordered, when, and what is paid back."""
    customer = session.scalars(
        select(Customer)
        .where(Customer.id == event.subject_id)
        .options(joinedload(Customer.user), joinedload(Customer.product))
    ).one()
    user = customer.user
    mail_user(
        session,
        user,
        "withdrawal_receipt",
        {
            "product": customer.product.name,
            "plan": customer.terms.get("plan_name", ""),
            "ordered_at": event.data["ordered_at"],
            "declared_at": event.data["declared_at"],
            "refund_amount": event.data["amount"],
            "currency": customer.terms.get("currency", "EUR"),
            "refund_days": current_settings().refund_within_days,
        },
        about=event.id,
    )


def mail_payment_not_made(session: Session, event: OutboxEvent) -> None:
    """That a purchase was not paid, where the bank was so long in answering that the buyer was
    promised word: a quicker refusal stands on the page."""
    capture = session.scalars(
        select(CaptureEndpoint)
        .where(CaptureEndpoint.id == event.subject_id)
        .options(
            joinedload(CaptureEndpoint.user),
            joinedload(CaptureEndpoint.button).joinedload(PaymentButton.product),
        )
    ).one()
    attempt = session.scalars(
        select(PaymentAttempt).where(
            PaymentAttempt.capture_id == capture.id,
            PaymentAttempt.attempt_no == event.data["attempt_no"],
        )
    ).one()
    if capture.purpose is not CapturePurpose.PURCHASE or capture.button is None:
        return
    if event.created_at - attempt.started_at <= LONG_SILENCE:
        return
    mail_user(
        session,
        capture.user,
        "payment_not_made",
        {
            "product": capture.button.product.name,
            "slug": capture.button.product.slug,
            "amount": capture.amount,
            "currency": capture.currency,
            "why": decline_of(attempt.decline_code).message if attempt.decline_code else "",
        },
        about=attempt.id,
        locale=capture.locale,
    )
