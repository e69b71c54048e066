"""Paid invoices to give back, on committed data, with the in-process twin holding the money."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import select

from models import clock
from models.billing import CaptureEndpoint, Customer, Invoice, InvoiceKind, Refund
from models.billing.approve_refund import approve_refund
from models.billing.issue_invoice import issue_paid_invoice
from models.billing.provider import Payment, PaymentOutcome
from models.billing.quote import QuoteLine
from models.billing.refund_invoice import refund_invoice
from models.billing.request_refund import request_refund
from models.ledger.balances import balances_of
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work
from tests.checkouts import buy, put_on_sale
from tests.factories import Make

_payments = count(1)


@dataclass
class Sale:
    """A purchase and its first invoice."""

    customer_id: UUID
    invoice_id: UUID
    user_id: UUID
    affiliate_id: UUID | None = None


def sold(twin, email="bob@example.org", *, by_affiliate=False, key="offer", **plan):
    """A committed purchase through the checkout, brought by an affiliate where asked."""
    affiliate_id = click_id = None
    if by_affiliate:
        with unit_of_work() as session:
            make = Make(session)
            offered = make.plan(f"plan-{key}", **plan)
            make.program(offered.product)
            make.button(key, plan=offered)
            affiliate = make.affiliate()
            affiliate_id, click_id = affiliate.user_id, make.click(affiliate).click_id
    else:
        put_on_sale(key, **plan)
    capture_id = buy(twin, key, email, click_id=click_id)
    return sale_of(capture_id, affiliate_id)


def sale_of(capture_id, affiliate_id=None):
    with staff_reading() as session:
        capture = CaptureEndpoint.get(session, capture_id)
        return Sale(capture.customer_id, capture.invoice_id, capture.user_id, affiliate_id)


def next_invoice(twin, sale, *, amount=4900, kind=InvoiceKind.RENEWAL, days=31, start=None):
    """A further paid invoice of the customer, its period after the current one's end."""
    with unit_of_work() as session:
        customer = Customer.for_update(session, sale.customer_id)
        start = start or customer.subscription_ends_at or clock.now()
        end = start + timedelta(days=days)
        invoice = issue_paid_invoice(
            session,
            customer,
            kind=kind,
            lines=[QuoteLine("Renewal", amount)],
            period_start=start,
            period_end=end,
            mentions={"seller": {"name": "S"}, "buyer": {"name": "B"}, "vat": "20"},
            paid_at=clock.now(),
        )
        invoice.psp_payment_id = f"pi_made_{next(_payments)}"
        twin.payments[invoice.psp_payment_id] = Payment(
            PaymentOutcome.SUCCEEDED, payment_id=invoice.psp_payment_id, amount=amount
        )
        if kind is InvoiceKind.RENEWAL:
            customer.subscription_ends_at = customer.next_charge_at = end
        session.flush()
        return invoice.id


def ask(invoice_id, reason="I changed my mind", actor=SYSTEM):
    with unit_of_work() as session:
        return request_refund(session, invoice_id, reason=reason, actor=actor, now=clock.now())


def approve(refund_id):
    with unit_of_work() as session:
        return approve_refund(session, refund_id, actor=SYSTEM, now=clock.now())


def give_back(invoice_id, amount=None, reason="gesture"):
    with unit_of_work() as session:
        return refund_invoice(
            session, invoice_id, amount=amount, reason=reason, actor=SYSTEM, now=clock.now()
        )


def row(entity, key):
    with staff_reading() as session:
        return entity.get(session, key)


def refunds():
    with staff_reading() as session:
        return session.scalars(select(Refund).order_by(Refund.id)).all()


def invoice_of(sale):
    return row(Invoice, sale.invoice_id)


def customer_of(sale):
    return row(Customer, sale.customer_id)


def balances(affiliate_id):
    with staff_reading() as session:
        return balances_of(session, affiliate_id)
