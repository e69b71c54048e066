"""Recording the PSP's word on any attempt, be it a checkout's or an invoice's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.billing.payment_attempt import PaymentAttempt
from models.billing.provider import Payment
from models.billing.record_answer import Recorded, record_answer
from models.billing.settle_invoices import Settled, settle_invoices
from models.oversight import Actor


def record_word(
    session: Session, attempt_id: UUID, payment: Payment, *, actor: Actor, now: datetime
) -> Recorded:
    """Bring an attempt to what the PSP says of it; a repeated word changes nothing.

    An attempt of a checkout is settled with it, be there an invoice by now or not.
    """
    if PaymentAttempt.get(session, attempt_id).capture_id is not None:
        return record_answer(session, attempt_id, payment, actor=actor, now=now)
    done = settle_invoices(session, [Settled(attempt_id, payment)], actor=actor, now=now)
    return Recorded(attempt_id in done.changed, done.to_explain.get(attempt_id))
