"""Settling a purchase: everything that follows from the PSP's word, in one transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.billing.buyer import BUYER_GONE, lock_buyer
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.customer import Customer, CustomerStatus
from models.billing.invoice import Invoice
from models.billing.issue_invoice import issue_paid_invoice, mentions_for
from models.billing.keep_card import keep_card
from models.billing.open_accesses import open_accesses
from models.billing.payment_attempt import PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.billing.provider import Payment
from models.billing.quote import Dates, Quote
from models.billing.signals import invoices_paid, purchase_made
from models.catalog import Plan
from models.catalog.edit_plan import mark_sold
from models.errors import N_, DomainError
from models.oversight import Actor, emit
from models.oversight.emit import told_together
from models.session import keep
from models.settings import current_settings


class PaidTwice(DomainError):
    """The person became a customer by another checkout before this payment was known."""

    code = "paid_twice"
    message = N_("This person already has this product: the second payment must be given back.")


class BuyerGone(DomainError):
    """The buyer's account was deleted before this payment was known."""

    code = BUYER_GONE
    message = N_("The account of this checkout has been deleted.")


def settle_purchase(
    session: Session,
    capture: CaptureEndpoint,
    *,
    attempt: PaymentAttempt | None,
    payment: Payment | None,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Make the buyer a customer: card, dates, numbered invoice, accesses, and what others add.

    The caller holds the checkout's row lock and has the PSP's word (or, where nothing is
    ever to pay, needs none). ``now`` is when the money is taken to be paid. A checkout
    already settled gives its customer back. Raises PaidTwice, and BuyerGone.
    """
    if capture.status is CaptureStatus.COMPLETED:
        return Customer.get(session, capture.customer_id)
    # Rows are written when the next one needs their key, and facts with the last of them.
    with session.no_autoflush, told_together(session):
        customer, invoice, method = _write(session, capture, attempt, payment, now)
        _tell(session, capture, customer, invoice, method, actor, now)
    return customer


def _write(
    session: Session,
    capture: CaptureEndpoint,
    attempt: PaymentAttempt | None,
    payment: Payment | None,
    now: datetime,
) -> tuple[Customer, Invoice | None, PaymentMethod | None]:
    """Billing's own part: the customer, their card, the invoice, the accesses."""
    user = keep(session, lock_buyer(session, capture))
    if user.closed_at is not None:
        raise BuyerGone
    quote = Quote.from_json(capture.quote)
    dates = quote.dates_from(now)
    plan, known = session.execute(
        _PLAN_AND_CUSTOMER, {"plan_id": capture.plan_id, "user_id": user.id}
    ).one()
    customer = _customer(session, known, user, keep(session, plan), quote, dates)
    mark_sold(session, plan, at=now)
    has_card = capture.psp_payment_method_id is not None
    method = keep_card(session, capture, customer, now=now) if has_card else None
    invoice = _invoice(session, capture, customer, user, quote, dates, now)
    if invoice is not None:
        invoice.payment_method_id = method.id if method else None
        invoice.psp_payment_id = payment.payment_id if payment else None
        invoice.psp_status = payment.psp_status if payment else None
    session.flush()
    open_accesses(session, customer, now=now, is_new=known is None)
    _close(capture, customer, invoice, now)
    if attempt is not None and invoice is not None:
        attempt.invoice_id = invoice.id
    return customer, invoice, method


_PLAN_AND_CUSTOMER = (
    select(Plan, Customer)
    .outerjoin(
        Customer,
        and_(Customer.product_id == Plan.product_id, Customer.user_id == bindparam("user_id")),
    )
    .where(Plan.id == bindparam("plan_id"))
)
"""Asks for a plan, and for a person's purchase of its product, whatever its state."""


def _customer(
    session: Session,
    customer: Customer | None,
    user: User,
    plan: Plan,
    quote: Quote,
    dates: Dates,
) -> Customer:
    status = CustomerStatus.TRIAL if dates.trial_ends_at else CustomerStatus.ACTIVE
    if customer is None:
        customer = Customer(user_id=user.id, product_id=plan.product_id, status=status)
        session.add(customer)
    elif customer.is_running:
        raise PaidTwice
    else:
        customer.become(status)
    customer.current_plan_id = plan.id
    customer.trial_ends_at = dates.trial_ends_at
    customer.subscription_ends_at = dates.subscription_ends_at
    customer.billing_anchor_at = dates.billing_anchor_at
    customer.next_charge_at = dates.next_charge_at
    customer.terms = quote.to_json()
    customer.billing_cycles_done = customer.periods_since_anchor = dates.billing_cycles_done
    customer.cancel_at_period_end = customer.is_complimentary = False
    customer.dunning_step = 0
    customer.cancelled_at = customer.first_failed_at = customer.access_paused_at = None
    customer.next_plan_id = customer.next_terms = None
    session.flush()
    return customer


def _invoice(
    session: Session,
    capture: CaptureEndpoint,
    customer: Customer,
    user: User,
    quote: Quote,
    dates: Dates,
    now: datetime,
) -> Invoice | None:
    if quote.kind is None:
        return None
    return issue_paid_invoice(
        session,
        customer,
        kind=quote.kind,
        lines=quote.lines,
        period_start=now,
        period_end=dates.period_end,
        mentions=mentions_for(user, quote, tax_rate=current_settings().vat_rate),
        paid_at=now,
    )


def _close(
    capture: CaptureEndpoint, customer: Customer, invoice: Invoice | None, now: datetime
) -> None:
    """The checkout is over; the card's token lives on with the payment method alone."""
    capture.become(CaptureStatus.COMPLETED)
    capture.completed_at = now
    capture.customer_id = customer.id
    capture.invoice_id = invoice.id if invoice else None
    capture.last_decline_code = None
    capture.vault_token = None


def _tell(
    session: Session,
    capture: CaptureEndpoint,
    customer: Customer,
    invoice: Invoice | None,
    method: PaymentMethod | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Let other areas take part, then tell the facts."""
    part: dict[str, Any] = {
        "session": session,
        "capture": capture,
        "customer": customer,
        "invoice": invoice,
        "payment_method": method,
        "actor": actor,
        "now": now,
    }
    facts = {
        "capture_id": capture.id,
        "user_id": capture.user_id,
        "button_id": capture.button_id,
        "customer_id": customer.id,
        "product_id": customer.product_id,
        "plan_id": customer.current_plan_id,
        "invoice_id": invoice.id if invoice else None,
        "amount": invoice.amount_including_tax if invoice else 0,
        "locale": capture.locale,
    }
    emit(session, "billing.purchase_made", customer, actor=actor, data=facts)
    if invoice is not None:
        emit(session, "billing.invoice_paid", invoice, actor=actor, data=facts)
    purchase_made.send(None, **part)
    if invoice is not None:
        invoices_paid.send(None, session=session, invoices=[invoice], actor=actor, now=now)
