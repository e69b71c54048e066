"""Withdrawing from a contract within the law's days: the declaration, and what follows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.customer import Customer
from models.billing.invoice import Invoice, InvoiceStatus
from models.billing.order import RENOUNCED, ordered_at, renounced_at, withdrawal_until
from models.billing.refund import Refund, RefundStatus, left_to_refund
from models.billing.request_refund import request_refund
from models.errors import N_, DomainError
from models.oversight import Actor, emit
from models.settings import current_settings


class NotRenounceable(DomainError):
    """The law's days are over, or the access was given and nothing was ordered."""

    code = "not_renounceable"
    message = N_("This contract could be withdrawn from within %(days)s days, which are over.")


class NothingToWithdraw(DomainError):
    """The contract has ended already, and nothing paid for it is left to give back."""

    code = "nothing_to_withdraw"
    message = N_("This contract has ended, and nothing of it is left to pay back.")


@dataclass(frozen=True)
class Renounced:
    """A declaration: when it was made, and what it asks back, in cents."""

    customer: Customer
    declared_at: datetime
    refunds: Sequence[Refund]

    @property
    def amount(self) -> int:
        """What is asked back in all."""
        return sum(refund.amount for refund in self.refunds)


def renounce_contract(
    session: Session, customer_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> Renounced:
    """Take a client's withdrawal: ask back all that was paid since the order, charge no more.

    The owner decides on the request; where nothing was paid the contract ends at once. One
    that has ended within the days is withdrawn from for what was paid. A second call gives the
    same declaration back. Raises Missing, NotRenounceable, and NothingToWithdraw.
    """
    customer = Customer.for_update(session, customer_id)
    order_at = ordered_at(session, [customer.id]).get(customer.id)
    declared = renounced_at(customer, order_at)
    if declared is not None and order_at is not None:
        return Renounced(customer, declared, _asked_since(session, customer, declared))
    if order_at is None or now >= withdrawal_until(order_at):
        raise NotRenounceable(days=current_settings().withdrawal_right_days)
    refunds = [
        request_refund(session, invoice.id, reason=reason, actor=actor, now=now)
        for invoice in _paid_since(session, customer, order_at)
        if invoice.psp_payment_id is not None and _is_left(session, invoice)
    ]
    if not refunds and not customer.is_running:
        raise NothingToWithdraw
    _charge_no_more(session, customer, refunds, reason=reason, actor=actor, now=now)
    customer.extra = {**customer.extra, RENOUNCED: now.isoformat()}
    renounced = Renounced(customer, now, refunds)
    emit(
        session,
        "billing.contract_renounced",
        customer,
        actor=actor,
        data={
            "ordered_at": order_at,
            "declared_at": now,
            "amount": renounced.amount,
            "refund_ids": [refund.id for refund in refunds],
        },
    )
    return renounced


def _paid_since(session: Session, customer: Customer, order_at: datetime) -> Sequence[Invoice]:
    """The paid invoices of the latest order and of whatever followed it."""
    return session.scalars(
        select(Invoice)
        .where(
            Invoice.customer_id == customer.id,
            Invoice.status == InvoiceStatus.PAID,
            Invoice.paid_at >= order_at,
        )
        .order_by(Invoice.id)
    ).all()


def _is_left(session: Session, invoice: Invoice) -> bool:
    """Whether something of it is not given back yet: a waiting request counts as left."""
    waiting = select(Refund.id).where(
        Refund.invoice_id == invoice.id, Refund.status == RefundStatus.PENDING
    )
    return session.scalar(waiting) is not None or left_to_refund(session, invoice) > 0


def _asked_since(session: Session, customer: Customer, declared: datetime) -> Sequence[Refund]:
    return session.scalars(
        select(Refund)
        .where(Refund.customer_id == customer.id, Refund.requested_at == declared)
        .order_by(Refund.id)
    ).all()


def _charge_no_more(
    session: Session,
    customer: Customer,
    refunds: Sequence[Refund],
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Where money is asked back access lasts until the owner decides, and nothing renews."""
    if not customer.is_running:
        return
    if not refunds:
        cancel_now(session, customer.id, reason=reason, actor=actor, now=now)
    elif customer.next_charge_at is not None:
        cancel_subscription(session, customer.id, actor=actor, now=now)
