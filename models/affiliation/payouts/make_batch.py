"""Making a payment file of approved wires, and giving one up that was never sent."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import clock
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.batch import BatchStatus, SepaBatch
from models.affiliation.payouts.business_days import is_business_day
from models.affiliation.payouts.decide_withdrawal import ReasonMissing
from models.affiliation.payouts.sepa_file import Line, sepa_file
from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, BadInput, DomainError, Missing
from models.ids import new_id
from models.oversight import Actor, emit
from models.settings import current_settings

FURTHEST = timedelta(days=60)


class NothingToPay(BadInput):
    code = "nothing_to_pay"
    message = N_("Choose at least one approved withdrawal by bank transfer.")


class NotForABatch(DomainError):
    """A line that is not an approved wire, or is in another file."""

    code = "not_for_a_batch"
    message = N_("%(slug)s: only approved bank transfers that are in no other file can be in one.")


class BadExecutionDate(BadInput):
    code = "bad_execution_date"
    message = N_("Banks execute on working days of the euro zone, within 60 days from today.")


class CompanyAccountMissing(DomainError):
    code = "company_account_missing"
    message = N_("Set COMPANY_IBAN first: the account that payouts leave from.")


def make_batch(
    session: Session,
    withdrawal_ids: Collection[UUID],
    *,
    execution_date: date,
    actor: Actor,
    now: datetime,
) -> SepaBatch:
    """Write the payment file of approved wires, which are its lines from then on.

    Nothing is paid by it: the owner uploads it and settles it. A second call for the same
    lines answers the open file there is. Raises NothingToPay, NotForABatch,
    BadExecutionDate, CompanyAccountMissing, FileNotValid.
    """
    settings = current_settings()
    withdrawals = _locked(session, withdrawal_ids)
    if not settings.company_iban:
        raise CompanyAccountMissing
    same = _made_of(session, withdrawals)
    if same is not None:
        return same
    for withdrawal in withdrawals:
        if not can_be_a_line(withdrawal):
            raise NotForABatch(slug=withdrawal.affiliate.affiliate_slug)
    today = clock.paris(now).date()
    if not today <= execution_date <= today + FURTHEST or not is_business_day(execution_date):
        raise BadExecutionDate(field="execution_date")
    key = new_id()
    message_id = f"WS{key.hex}"
    xml = sepa_file(
        [line_of(withdrawal) for withdrawal in withdrawals],
        message_id=message_id,
        execution_date=execution_date,
        settings=settings,
        now=now,
    )
    batch = SepaBatch(
        id=key,
        message_id=message_id,
        schema=settings.sepa_schema,
        execution_date=execution_date,
        total=sum(withdrawal.net_amount for withdrawal in withdrawals),
        count=len(withdrawals),
        xml=xml,
        sha256=hashlib.sha256(xml.encode()).hexdigest(),
        made_at=now,
        made_by=actor.user_id,
    )
    session.add(batch)
    session.flush()
    for withdrawal in withdrawals:
        withdrawal.batch_id = batch.id
    data = {"total": batch.total, "count": batch.count, "sha256": batch.sha256}
    emit(session, "affiliation.batch_made", batch, actor=actor, data=data)
    return batch


def give_up_batch(
    session: Session, batch_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> SepaBatch:
    """Say that a file was never sent: its lines can be paid otherwise again.

    The file stays, as it was made. A second call changes nothing. Raises ReasonMissing,
    IllegalTransition once it is settled.
    """
    batch = SepaBatch.for_update(session, batch_id)
    if batch.status is BatchStatus.GIVEN_UP:
        return batch
    if not reason.strip():
        raise ReasonMissing(field="reason")
    batch.become(BatchStatus.GIVEN_UP)
    batch.given_up_at, batch.given_up_reason = now, reason.strip()
    for withdrawal in lines_of(session, batch.id):
        withdrawal.batch_id = None
    emit(session, "affiliation.batch_given_up", batch, actor=actor, reason=batch.given_up_reason)
    return batch


def can_be_a_line(withdrawal: Withdrawal) -> bool:
    """Whether a withdrawal is an approved wire that is in no file."""
    return (
        withdrawal.status is WithdrawalStatus.APPROVED
        and withdrawal.payment_method is PayoutMethod.WIRE
        and withdrawal.iban is not None
        and withdrawal.batch_id is None
    )


def line_of(withdrawal: Withdrawal) -> Line:
    """A withdrawal as the file's line; its identity there is its key."""
    return Line(
        end_to_end_id=f"WD{withdrawal.id.hex}",
        name=withdrawal.holder,
        iban=withdrawal.iban or "",
        amount=withdrawal.net_amount,
        text=f"Commissions {withdrawal.affiliate.affiliate_slug}",
    )


def lines_of(session: Session, batch_id: UUID) -> Sequence[Withdrawal]:
    """A file's lines, locked in id order."""
    return session.scalars(
        select(Withdrawal)
        .where(Withdrawal.batch_id == batch_id)
        .order_by(Withdrawal.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _locked(session: Session, withdrawal_ids: Collection[UUID]) -> Sequence[Withdrawal]:
    wanted = set(withdrawal_ids)
    if not wanted:
        raise NothingToPay
    found = session.scalars(
        select(Withdrawal)
        .join(AffiliateProfile)
        .where(Withdrawal.id.in_(wanted))
        .options(joinedload(Withdrawal.affiliate, innerjoin=True))
        .order_by(Withdrawal.id)
        .with_for_update(of=Withdrawal)
        .execution_options(populate_existing=True)
    ).all()
    if len(found) < len(wanted):
        raise Missing
    return found


def _made_of(session: Session, withdrawals: Sequence[Withdrawal]) -> SepaBatch | None:
    """The open file of exactly these lines, where there is one."""
    batches = {withdrawal.batch_id for withdrawal in withdrawals}
    batch_id = next(iter(batches))
    if len(batches) > 1 or batch_id is None:
        return None
    batch = SepaBatch.get(session, batch_id)
    is_same = batch.status is BatchStatus.EXPORTED and batch.count == len(withdrawals)
    return batch if is_same else None
