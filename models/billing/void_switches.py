"""Voiding changes of plan that a killed process wrote down and never charged."""

from datetime import timedelta

from sqlalchemy import select

from models import clock
from models.billing.apply_switch import give_up_switch
from models.billing.invoice import Invoice, InvoiceKind, InvoiceStatus
from models.billing.payment_attempt import PaymentAttempt
from models.billing.standing import OPEN
from models.session import unit_of_work

NEVER_CHARGED_AFTER = timedelta(minutes=10)
"""An UPGRADE invoice this old with nothing under way is not going to be charged any more."""
MOST = 200


def void_forgotten_switches() -> dict[str, int]:
    """Void such invoices, so that they stand in nobody's way. A composition of one transaction.

    Whoever was about to charge one after all finds it void and does not.
    """
    with unit_of_work() as session:
        now = clock.now()
        under_way = select(PaymentAttempt.id).where(
            PaymentAttempt.invoice_id == Invoice.id, PaymentAttempt.outcome.in_(OPEN)
        )
        forgotten = session.scalars(
            select(Invoice)
            .where(
                Invoice.kind == InvoiceKind.UPGRADE,
                Invoice.status == InvoiceStatus.PENDING,
                Invoice.created_at < now - NEVER_CHARGED_AFTER,
                ~under_way.exists(),
            )
            .order_by(Invoice.id)
            .limit(MOST)
            .with_for_update(skip_locked=True)
        ).all()
        for invoice in forgotten:
            give_up_switch(session, invoice, because="never_charged", now=now)
    return {"given_up": len(forgotten)}
