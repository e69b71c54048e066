"""Webhooks that follow from facts: what a payment button's endpoint is told of a sale."""

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import clock
from models.base import Json
from models.billing import Customer, Invoice
from models.catalog import PaymentButton
from models.catalog.send_webhook import queue_webhook
from models.oversight import OutboxEvent

KINDS = {"billing.purchase_made": "purchase.made", "billing.invoice_paid": "invoice.paid"}
"""What each event is called in a webhook."""


def tell_button(session: Session, event: OutboxEvent) -> None:
    """Tell the endpoint of the button that a sale came through, where it has one."""
    button_id = event.data.get("button_id")
    button = session.get(PaymentButton, button_id) if button_id else None
    if button is None or not button.webhook_url:
        return
    queue_webhook(
        session,
        button,
        event_id=event.id,
        kind=KINDS[event.kind],
        data={"button_key": button.button_key, **_facts(session, event)},
        happened_at=event.created_at,
        now=clock.now(),
    )


def _facts(session: Session, event: OutboxEvent) -> Json:
    customer = session.scalars(
        select(Customer)
        .where(Customer.id == event.data["customer_id"])
        .options(
            joinedload(Customer.user),
            joinedload(Customer.product),
            joinedload(Customer.current_plan),
        )
    ).one()
    invoice = session.get(Invoice, event.data["invoice_id"]) if event.data["invoice_id"] else None
    return {
        "customer": str(customer.id),
        "email": customer.user.email,
        "product": customer.product.slug,
        "plan": customer.current_plan.slug,
        "status": customer.status.value,
        "amount": invoice.amount_including_tax if invoice else 0,
        "tax": invoice.tax_amount if invoice else 0,
        "currency": invoice.currency if invoice else "EUR",
        "invoice": invoice.number if invoice else None,
    }
