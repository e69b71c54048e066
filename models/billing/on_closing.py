"""Billing's part in the end of an account, within its transaction: what holds it, what ends."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session, joinedload

from models.accounts.signals import account_closing, account_held
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.end_subscription import end_subscriptions
from models.billing.invoice import Invoice
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.billing.refund import Refund, RefundStatus
from models.catalog.forget_webhooks import forget_buyers
from models.errors import N_, DomainError
from models.oversight import Actor

REASON = "account_deleted"
OPEN = (AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION)


class SubscriptionsRun(DomainError):
    code = "subscriptions_run"
    message = N_(
        "Still running: %(products)s. Cancel first, so that nothing more is charged;"
        " you may then delete your account at once, or at the end of what you paid for."
    )


class RefundUnderWay(DomainError):
    code = "refund_under_way"
    message = N_("A refund is on its way to you. The account can be deleted once it has arrived.")


class CheckoutUnderWay(DomainError):
    code = "checkout_under_way"
    message = N_(
        "A payment of yours is still under way. Try again once it is over: an open checkout"
        " ends after a quarter of an hour, an open question of your bank after a day."
    )


@account_held.connect
def hold(_sender: object, *, session: Session, user_id: UUID, now: datetime, **_more: Any) -> None:
    """Hold an account that would be charged again, is paying now, or is owed a refund.

    The caller holds the person's row lock, which a checkout takes before it charges, so that
    what is not seen here finds the account deleted. Raises SubscriptionsRun, CheckoutUnderWay
    and RefundUnderWay.
    """
    renewing = session.scalars(
        select(Customer)
        .where(
            Customer.user_id == user_id,
            Customer.status.in_(RUNNING),
            Customer.next_charge_at.is_not(None),
        )
        .options(joinedload(Customer.product))
        .order_by(Customer.id)
    ).all()
    if renewing:
        raise SubscriptionsRun(products=", ".join(each.product.name for each in renewing))
    if session.scalar(select(_pays(user_id, now))):
        raise CheckoutUnderWay
    waiting = session.scalar(
        select(Refund.id)
        .join(Customer, Customer.id == Refund.customer_id)
        .where(
            Customer.user_id == user_id,
            Refund.status.in_([RefundStatus.PENDING, RefundStatus.APPROVED]),
        )
        .limit(1)
    )
    if waiting is not None:
        raise RefundUnderWay


def _pays(user_id: UUID, now: datetime) -> ColumnElement[bool]:
    """Whether a checkout of theirs may still take a card, or a charge may still succeed."""
    of_a_checkout = PaymentAttempt.capture_id.in_(
        select(CaptureEndpoint.id).where(CaptureEndpoint.user_id == user_id)
    )
    of_an_invoice = PaymentAttempt.invoice_id.in_(
        select(Invoice.id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Customer.user_id == user_id)
    )
    return or_(
        exists().where(
            CaptureEndpoint.user_id == user_id,
            CaptureEndpoint.status == CaptureStatus.PENDING,
            CaptureEndpoint.expires_at > now,
        ),
        exists().where(PaymentAttempt.outcome.in_(OPEN), of_a_checkout),
        exists().where(PaymentAttempt.outcome.in_(OPEN), of_an_invoice),
    )


@account_closing.connect
def close(
    _sender: object, *, session: Session, user_id: UUID, actor: Actor, now: datetime, **_more: Any
) -> None:
    """End what is left of a person's purchases, and forget how their cards are charged: the
    vault's and the provider's keys, on cards and on checkouts, and the address in webhooks.

    Invoices, payments and consents stay, as the law wants, with from where and with which card
    (brand, last four digits, fingerprint) an order was placed.
    """
    customers = session.scalars(
        select(Customer)
        .where(Customer.user_id == user_id)
        .order_by(Customer.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    status = CustomerStatus.CANCELLED
    end_subscriptions(session, customers, status, actor=actor, now=now, reason=REASON)
    keys = [customer.id for customer in customers]
    forget_buyers(session, keys)
    theirs = CaptureEndpoint.user_id == user_id
    not_bought = theirs, CaptureEndpoint.status != CaptureStatus.COMPLETED
    for statement in (
        update(Customer).where(Customer.id.in_(keys)).values(default_payment_method_id=None),
        update(PaymentMethod).where(PaymentMethod.customer_id.in_(keys)).values(NO_CARD),
        update(CaptureEndpoint).where(theirs).values(NO_FORM),
        update(CaptureEndpoint).where(*not_bought).values(NOTHING_BOUGHT),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


NO_CARD = {
    "vault_token": "",
    "vault_reference": "",
    "psp_customer_id": "",
    "psp_payment_method_id": "",
    "card_fingerprint": None,
    "is_default": False,
}
"""A card that nobody can charge any more."""

NO_FORM = {
    "capture_url": None,
    "vault_token": None,
    "vault_reference": None,
    "psp_customer_id": None,
    "psp_payment_method_id": None,
}
"""A checkout whose card nobody can charge any more."""

NOTHING_BOUGHT = {"consent_ip": None, "user_agent": "", "card_fingerprint": None}
"""A checkout that is no order's evidence, and tells nothing about who shares a card."""
