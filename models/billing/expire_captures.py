"""Expiring checkouts: those whose time is up and whose money is surely not under way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from models import clock
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.choose_provider import current_provider
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.provider import ProviderUnavailable
from models.session import unit_of_work


def expire_captures(session: Session, *, now: datetime) -> Sequence[str | None]:
    """Expire, in one statement, every checkout whose time is up; gives the vault's form of each.

    One whose charge may have been made waits until that is known. One that waits for the
    bank expires, and still completes if the bank says yes. PENDING to EXPIRED is an
    allowed move; the forms' addresses, which hold a secret, are forgotten.
    """
    may_be_paid = select(PaymentAttempt.id).where(
        PaymentAttempt.capture_id == CaptureEndpoint.id,
        PaymentAttempt.outcome == AttemptOutcome.PENDING,
    )
    forms = session.scalars(
        update(CaptureEndpoint)
        .where(
            CaptureEndpoint.status == CaptureStatus.PENDING,
            CaptureEndpoint.expires_at <= now,
            ~may_be_paid.exists(),
        )
        .values(status=CaptureStatus.EXPIRED, capture_url=None, updated_at=now)
        .returning(CaptureEndpoint.vault_capture_id)
        .execution_options(synchronize_session=False)
    )
    return forms.all()


def next_expiry() -> Select[Any]:
    """Asks when the next open checkout's time is up."""
    return select(func.min(CaptureEndpoint.expires_at)).where(
        CaptureEndpoint.status == CaptureStatus.PENDING
    )


def expire_and_close() -> dict[str, int]:
    """Expire what is due, then take its forms away at the vault, which forgets them anyway."""
    with unit_of_work() as session:
        forms = expire_captures(session, now=clock.now())
    unclosed = 0
    for form in forms:
        try:
            if form is not None:
                current_provider().close_capture(form)
        except ProviderUnavailable:
            unclosed += 1
    return {"expired": len(forms), "left_to_the_vault": unclosed}
