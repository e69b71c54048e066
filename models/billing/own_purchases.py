"""What a person has bought, read as that person: purchases, their cards, what is still owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.order import ordered_at
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.billing.quote import Quote
from models.catalog import Community, Product


@dataclass(frozen=True)
class Owed:
    """The invoice of a payment that failed: its amount in cents, and the bank's last reason."""

    invoice_id: UUID
    amount: int
    decline_code: str | None


@dataclass(frozen=True)
class UnderWay:
    """A payment whose outcome is not known yet: cents, and the bank's page where it asks."""

    attempt_id: UUID
    amount: int
    needs_action: bool
    redirect_url: str | None


@dataclass(frozen=True)
class OwnPurchase:
    """One purchase with what its buyer is shown beside it."""

    customer: Customer
    terms: Quote | None
    card: PaymentMethod | None
    owed: Owed | None
    under_way: UnderWay | None
    ordered_at: datetime | None
    is_paid: bool
    """Whether something paid since the order is not wholly given back."""

    @property
    def product_name(self) -> str:
        """The product's name of today, else the one it was sold under."""
        if self.customer.product is not None:
            return self.customer.product.name
        return self.terms.product_name if self.terms else ""

    @property
    def community(self) -> Community | None:
        """The product's community, where it is open."""
        return self.customer.product.community if self.customer.product is not None else None

    @property
    def plan_name(self) -> str:
        """The plan's name as it was sold."""
        if self.terms is not None:
            return self.terms.plan_name
        return self.customer.current_plan.name if self.customer.current_plan else ""


def own_purchases(
    session: Session, user_id: UUID, *, only: UUID | None = None
) -> list[OwnPurchase]:
    """A person's purchases, running ones first, the latest first among equals.

    In a member's session row security leaves out what a person may not see, whatever is
    asked. ``only`` keeps one customer.
    """
    asked = (
        select(Customer)
        .where(Customer.user_id == user_id)
        .options(
            joinedload(Customer.product).joinedload(Product.community),
            joinedload(Customer.current_plan),
            joinedload(Customer.next_plan),
        )
    )
    if only is not None:
        asked = asked.where(Customer.id == only)
    customers = session.scalars(asked).all()
    cards = _cards(session, customers)
    owed = _owed(session, customers)
    under_way = _under_way(session, customers)
    orders = ordered_at(session, [customer.id for customer in customers])
    paid = _last_paid(session, customers)
    shown = [
        OwnPurchase(
            customer=customer,
            terms=Quote.from_json(customer.terms) if customer.terms else None,
            card=cards.get(customer.default_payment_method_id),
            owed=owed.get(customer.id),
            under_way=under_way.get(customer.id),
            ordered_at=orders.get(customer.id),
            is_paid=_is_since(paid.get(customer.id), orders.get(customer.id)),
        )
        for customer in customers
    ]
    shown.sort(key=lambda it: it.customer.id, reverse=True)
    shown.sort(key=lambda it: it.customer.status not in RUNNING)
    return shown


def _cards(session: Session, customers: Sequence[Customer]) -> dict[UUID | None, PaymentMethod]:
    wanted = [it.default_payment_method_id for it in customers if it.default_payment_method_id]
    if not wanted:
        return {}
    found = session.scalars(select(PaymentMethod).where(PaymentMethod.id.in_(wanted)))
    return {method.id: method for method in found}


def _last_paid(session: Session, customers: Sequence[Customer]) -> dict[UUID, datetime | None]:
    """When each of those who paid by card last did so for what is not wholly given back."""
    rows = session.execute(
        select(Invoice.customer_id, func.max(Invoice.paid_at))
        .where(
            Invoice.customer_id.in_([customer.id for customer in customers]),
            Invoice.status == InvoiceStatus.PAID,
            Invoice.psp_payment_id.is_not(None),
        )
        .group_by(Invoice.customer_id)
    )
    return dict(rows.all())


def _is_since(at: datetime | None, since: datetime | None) -> bool:
    return at is not None and since is not None and at >= since


def _owed(session: Session, customers: Sequence[Customer]) -> dict[UUID, Owed]:
    """The open invoices of those past due, with why the last attempt was declined."""
    late = [it.id for it in customers if it.status is CustomerStatus.PAST_DUE]
    if not late:
        return {}
    reason = (
        select(PaymentAttempt.decline_code)
        .where(
            PaymentAttempt.invoice_id == Invoice.id,
            PaymentAttempt.outcome == AttemptOutcome.DECLINED,
        )
        .order_by(PaymentAttempt.attempt_no.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Invoice.customer_id, Invoice.id, Invoice.amount_including_tax, reason)
        .where(Invoice.customer_id.in_(late), Invoice.status == InvoiceStatus.PENDING)
        .order_by(Invoice.id)
    )
    return {key: Owed(invoice_id, amount, code) for key, invoice_id, amount, code in rows}


def _under_way(session: Session, customers: Sequence[Customer]) -> dict[UUID, UnderWay]:
    """The payments of running purchases that the provider has not decided yet."""
    running = [it.id for it in customers if it.is_running]
    if not running:
        return {}
    rows = session.execute(
        select(
            Invoice.customer_id,
            PaymentAttempt.id,
            PaymentAttempt.amount,
            PaymentAttempt.outcome == AttemptOutcome.NEEDS_ACTION,
            PaymentAttempt.redirect_url,
        )
        .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
        .where(
            Invoice.customer_id.in_(running),
            PaymentAttempt.outcome.in_([AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION]),
        )
        .order_by(PaymentAttempt.id)
    )
    return {row[0]: UnderWay(row[1], row[2], row[3], row[4]) for row in rows}
