"""Settling a payment file: the bank has done it, but for the lines that bounced."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.allocation import unpaid_commissions
from models.affiliation.payouts.batch import BatchStatus, SepaBatch
from models.affiliation.payouts.decide_withdrawal import tell_rejected, turn_down
from models.affiliation.payouts.make_batch import lines_of
from models.affiliation.payouts.pay_withdrawal import Payment, pay_lines
from models.errors import N_, BadInput
from models.oversight import Actor, emit


class NotALine(BadInput):
    code = "not_a_line"
    message = N_("A line that bounced is not in this file.")


def settle_batch(
    session: Session,
    batch_id: UUID,
    *,
    reference: str,
    bounced: Mapping[UUID, str],
    actor: Actor,
    now: datetime,
) -> SepaBatch:
    """Pay every line of a file together; those that bounced are rejected with the bank's reason.

    ``bounced``: withdrawal to reason. A second call answers the first. Raises NotALine,
    ReferenceMissing, ReasonMissing, IllegalTransition for a file that was given up.
    """
    payment = Payment(PayoutMethod.WIRE, reference)
    batch = SepaBatch.for_update(session, batch_id)
    if batch.status is BatchStatus.SETTLED:
        return batch
    batch.become(BatchStatus.SETTLED)
    batch.settled_at, batch.settled_by, batch.reference = now, actor.user_id, payment.reference
    lines = lines_of(session, batch.id)
    if not bounced.keys() <= {line.id for line in lines}:
        raise NotALine
    paid = [line for line in lines if line.id not in bounced]
    unpaid = unpaid_commissions(session, (line.affiliate_id for line in paid))
    back = {
        line: turn_down(line, bounced[line.id], actor=actor, now=now)
        for line in lines
        if line.id in bounced
    }
    pay_lines(session, paid, payment, unpaid, actor=actor, now=now, also=list(back.values()))
    for line in back:
        tell_rejected(session, line, actor=actor)
    data = {"total": batch.total, "paid": len(paid), "bounced": len(bounced)}
    emit(session, "affiliation.batch_settled", batch, actor=actor, data=data)
    return batch
