"""Approving a refund: the decision, what it takes back, and the purchase that it may end."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose
from models.billing.customer import Customer, CustomerStatus
from models.billing.end_subscription import end_subscription
from models.billing.invoice import EVER_PAID, Invoice, InvoiceStatus, opens_a_period
from models.billing.refund import Refund, RefundStatus, refunded_amount
from models.billing.request_refund import NothingPaid, lock_invoice
from models.billing.signals import refund_approved
from models.errors import N_, BadInput
from models.money import plain_amount
from models.oversight import Actor, emit
from models.session import defer

SEND = "billing-send-refunds"
REFUNDED = "refunded"
"""Why a purchase ended."""


class MoreThanLeft(BadInput):
    """More than what was paid would be given back in all."""

    code = "more_than_left_to_refund"
    message = N_("At most %(left)s € of this invoice can still be refunded.")


def approve_refund(session: Session, refund_id: UUID, *, actor: Actor, now: datetime) -> Refund:
    """Grant a request; the provider is told once this has committed.

    In one transaction: the refund APPROVED, the invoice REFUNDED where nothing of it is left,
    the purchase ended where that was the current period's invoice, and whoever follows
    ``refund_approved`` (commissions are clawed back): last, because memberships are locked
    before commissions and the ledger, as by a purchase. A second call changes nothing.
    Raises Missing, IllegalTransition for a rejected one, NothingPaid, MoreThanLeft.
    """
    invoice = lock_invoice(session, Refund.get(session, refund_id).invoice_id)
    refund = Refund.for_update(session, refund_id)
    if refund.is_granted:
        return refund
    before = refunded_amount(session, invoice.id)
    if invoice.status is not InvoiceStatus.PAID:
        raise NothingPaid
    if before + refund.amount > invoice.amount_including_tax:
        raise MoreThanLeft(left=plain_amount(invoice.amount_including_tax - before))
    refund.become(RefundStatus.APPROVED)
    refund.approved_at = refund.next_try_at = now
    refunded_in_all = before + refund.amount
    if refunded_in_all == invoice.amount_including_tax:
        invoice.become(InvoiceStatus.REFUNDED)
    session.flush()
    if invoice.status is InvoiceStatus.REFUNDED:
        _end_purchase(session, invoice, actor=actor, now=now)
    refund_approved.send(
        None,
        session=session,
        refund=refund,
        invoice=invoice,
        refunded_in_all=refunded_in_all,
        actor=actor,
        now=now,
    )
    facts = {"invoice_id": invoice.id, "amount": refund.amount, "refunded_in_all": refunded_in_all}
    emit(session, "billing.refund_approved", refund, actor=actor, data=facts)
    defer(session, SEND)
    return refund


def _end_purchase(session: Session, invoice: Invoice, *, actor: Actor, now: datetime) -> None:
    """End the purchase where what was refunded is what keeps it going."""
    customer = Customer.get(session, invoice.customer_id)
    if not customer.is_running or customer.is_complimentary:
        return
    if current_invoice_id(session, customer) != invoice.id:
        return
    customer.subscription_ends_at = now
    end_subscription(
        session,
        customer,
        CustomerStatus.CANCELLED,
        actor=actor,
        now=now,
        reason=REFUNDED,
        is_unforeseen=True,
    )


def current_invoice_id(session: Session, customer: Customer) -> UUID | None:
    """The invoice that pays for where a purchase stands now: its latest paid period, or the
    one payment of what never renews; None where this purchase has paid nothing yet.

    The latest is the one paid last: a renewal charged a day early starts after what may be
    bought meanwhile. An upgrade within a period adds to it and is not its invoice; one to
    another interval began a period of its own. What was paid for an earlier purchase of the
    same product, ended since, does not count.
    """
    bought_at = session.scalar(
        select(func.max(CaptureEndpoint.completed_at)).where(
            CaptureEndpoint.customer_id == customer.id,
            CaptureEndpoint.purpose == CapturePurpose.PURCHASE,
        )
    )
    latest = (
        select(Invoice.id)
        .where(
            Invoice.customer_id == customer.id,
            Invoice.status.in_(EVER_PAID),
            opens_a_period(),
        )
        .order_by(Invoice.paid_at.desc(), Invoice.id.desc())
        .limit(1)
    )
    if bought_at is not None:
        latest = latest.where(Invoice.paid_at >= bought_at)
    return session.scalar(latest)
