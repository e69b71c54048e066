"""Billing's part in the end of an account, within its transaction: what holds it, what ends."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from models.accounts.signals import account_closing, account_held
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.customer import RUNNING, Customer, CustomerStatus
from models.billing.end_subscription import end_subscriptions
from models.billing.payment_method import PaymentMethod
from models.billing.refund import Refund, RefundStatus
from models.errors import N_, DomainError
from models.oversight import Actor

REASON = "account_deleted"


class SubscriptionsRun(DomainError):
    code = "subscriptions_run"
    message = N_(
        "Still running: %(products)s. Cancel first, so that nothing more is charged;"
        " you may then delete your account at once, or at the end of what you paid for."
    )


class RefundUnderWay(DomainError):
    code = "refund_under_way"
    message = N_("A refund is on its way to you. The account can be deleted once it has arrived.")


@account_held.connect
def hold(_sender: object, *, session: Session, user_id: UUID, **_more: Any) -> None:
    """Hold an account that would be charged again, or is owed a refund.

    Raises SubscriptionsRun and RefundUnderWay.
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


@account_closing.connect
def close(
    _sender: object, *, session: Session, user_id: UUID, actor: Actor, now: datetime, **_more: Any
) -> None:
    """End what is left of a person's purchases, and forget how their cards are charged.

    Invoices, consents and payments stay, as the law wants.
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
    session.execute(
        update(PaymentMethod)
        .where(PaymentMethod.customer_id.in_(keys))
        .values(vault_token="")
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(CaptureEndpoint)
        .where(
            CaptureEndpoint.user_id == user_id,
            CaptureEndpoint.status.in_([CaptureStatus.FAILED, CaptureStatus.EXPIRED]),
        )
        .values(consent_ip=None, user_agent="")
        .execution_options(synchronize_session=False)
    )
