"""Money going back: asked for by clients, decided on by the owner."""

from jobs.simulation.events import DecideRefund, Refund, RequestRefund
from jobs.simulation.people import OWNER, People, act, as_person, paid_invoice_of, purchase_of
from models import clock
from models.billing import InvoiceStatus
from models.billing.approve_refund import approve_refund
from models.billing.refund import latest_request
from models.billing.refund_invoice import refund_invoice
from models.billing.reject_refund import reject_refund
from models.billing.request_refund import NothingLeft, request_refund
from models.errors import Missing
from models.session import unit_of_work


@act.register
def _(event: RequestRefund, _people: People) -> None:
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
        request_refund(
            session,
            paid_invoice_of(session, customer, event.invoice).id,
            reason=event.reason,
            actor=as_person(customer.user_id),
            now=clock.now(),
        )


@act.register
def _(event: Refund, _people: People) -> None:
    """Two events are no double click: there is nothing left for the second."""
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
        invoice = paid_invoice_of(session, customer, event.invoice)
        if invoice.status is InvoiceStatus.REFUNDED:
            raise NothingLeft
        refund_invoice(
            session,
            invoice.id,
            amount=event.amount,
            reason=event.reason,
            actor=OWNER,
            now=clock.now(),
        )


@act.register
def _(event: DecideRefund, _people: People) -> None:
    with unit_of_work() as session:
        customer = purchase_of(session, event.email, event.product)
        invoice = paid_invoice_of(session, customer, event.invoice)
        request = latest_request(session, invoice.id)
        if request is None:
            raise Missing
        now = clock.now()
        if event.do == "approve_refund":
            approve_refund(session, request.id, actor=OWNER, now=now)
        else:
            reject_refund(session, request.id, reason=event.reason, actor=OWNER, now=now)
