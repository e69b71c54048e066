"""Mails that follow from what clients do on their own pages."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.accounts.mail_user import mail_user
from models.billing import Customer
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
