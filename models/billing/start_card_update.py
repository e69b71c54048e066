"""Starting to give a purchase another card: a checkout that charges nothing."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.accounts.use_magic_link import Suspended
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.customer import Customer, CustomerStatus
from models.billing.next_charge import pays_again
from models.billing.payment_method import PaymentMethod
from models.billing.standing import Complimentary, NeverRenews, running
from models.oversight import Actor, emit
from models.settings import current_settings


def start_card_update(
    session: Session,
    customer_id: UUID,
    *,
    locale: str,
    ip: str | None,
    user_agent: str,
    actor: Actor,
    now: datetime,
) -> CaptureEndpoint:
    """Open a checkout of the purpose CARD, before any card form; each call opens another.

    Raises Missing, NotRunning, Suspended, Complimentary, and NeverRenews where nothing will
    ever be charged again.
    """
    customer = running(session, customer_id)
    if customer.is_complimentary:
        raise Complimentary
    if customer.status is CustomerStatus.ACTIVE and not pays_again(customer):
        raise NeverRenews
    user = User.get(session, customer.user_id)
    if user.is_suspended:
        raise Suspended
    capture = CaptureEndpoint(
        purpose=CapturePurpose.CARD,
        user_id=customer.user_id,
        customer_id=customer.id,
        status=CaptureStatus.PENDING,
        amount=0,
        quote={name: customer.terms.get(name) for name in ("product_name", "plan_name")},
        locale=locale,
        consent_text="",
        consented_at=now,
        consent_ip=ip,
        user_agent=user_agent[:500],
        psp_customer_id=_known_to_psp(session, customer),
        expires_at=now + timedelta(minutes=current_settings().capture_minutes),
    )
    capture.user = user
    session.add(capture)
    emit(
        session,
        "billing.card_update_begun",
        capture,
        actor=actor,
        data={"customer_id": customer.id, "user_id": user.id},
    )
    return capture


def _known_to_psp(session: Session, customer: Customer) -> str | None:
    """The PSP's customer that the present card belongs to."""
    if customer.default_payment_method_id is None:
        return None
    return session.scalar(
        select(PaymentMethod.psp_customer_id).where(
            PaymentMethod.id == customer.default_payment_method_id
        )
    )
