"""What the owner does about withdrawals: approve, reject, pay, pay now, put into a SEPA file."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from flask_babel import gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from admin_views.acts import Act
from admin_views.formats import euros
from admin_views.forms import ConsoleForm, EurosField, ReasonForm, RequestKeyField
from admin_views.standing import standing, standing_of_withdrawal
from admin_views.words import choices_of
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import PayoutMethod, SepaBatch, Withdrawal, WithdrawalStatus
from models.affiliation.payouts.ask_withdrawal import asked_before
from models.affiliation.payouts.business_days import next_business_day
from models.affiliation.payouts.decide_withdrawal import approve_withdrawal, reject_withdrawal
from models.affiliation.payouts.make_batch import make_batch
from models.affiliation.payouts.pay_withdrawal import LONGEST_REFERENCE, pay_now, pay_withdrawal
from models.errors import N_


class PaymentForm(ConsoleForm):
    """How it was paid. The proof is the address of a document."""

    method = SelectField(
        N_("Way of paying"),
        [DataRequired()],
        choices=lambda: choices_of(PayoutMethod),
        coerce=lambda value: PayoutMethod(value),
        default=PayoutMethod.WIRE,
    )
    reference = StringField(
        N_("Reference of the payment"), [DataRequired(), Length(max=LONGEST_REFERENCE)]
    )
    proof = StringField(
        N_("Proof"),
        [Optional()],
        description=N_("The address of a document: https://…"),
    )
    notes = TextAreaField(N_("Notes"), [Optional(), Length(max=2000)])
    waive_fee = BooleanField(N_("Waive the fee: all that was asked is paid out"))


class PayNowForm(PaymentForm):
    """The same for money that nobody asked for yet."""

    amount = EurosField(N_("Amount"), [Optional()], description=N_("Empty: all that is available."))
    request_key = RequestKeyField()


class BatchForm(ConsoleForm):
    """When the bank shall execute the file."""

    execution_date = DateField(
        N_("Executed on"),
        [DataRequired()],
        default=lambda: next_business_day(clock.today()),
        description=N_("A working day of the euro zone's banks."),
    )


def approve(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Withdrawal:
    return approve_withdrawal(session, key, **who)


def reject(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Withdrawal:
    return reject_withdrawal(session, key, **data, **who)


def pay(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Withdrawal:
    return pay_withdrawal(session, key, **_noted(data), **who)


def pay_at_once(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Withdrawal:
    request_key = _key_for(key, data)
    payment = {name: value for name, value in data.items() if name != "request_key"}
    return pay_now(session, key, **_noted(payment), **who, key=request_key)


def paid_before(session: Session, key: UUID, data: dict[str, Any]) -> Withdrawal | None:
    """What this form paid an affiliate when it was sent before. Raises OtherAsked."""
    request_key = _key_for(key, data)
    return asked_before(session, key, data["amount"], request_key) if request_key else None


def _key_for(affiliate_id: UUID, data: dict[str, Any]) -> UUID | None:
    """One showing of the form pays each affiliate once, also where many are ticked."""
    asked = data["request_key"]
    return uuid5(asked, affiliate_id.hex) if asked else None


def _noted(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "notes": data["notes"] or ""}


def into_a_file(
    session: Session, keys: Sequence[UUID], data: dict[str, Any], **who: Any
) -> SepaBatch:
    return make_batch(session, keys, **data, **who)


def what_the_file_holds(session: Session, keys: Sequence[UUID]) -> list[str]:
    """The file's sum, then each line: who gets what, on which account."""
    rows = session.scalars(
        select(Withdrawal)
        .where(Withdrawal.id.in_(keys))
        .options(joinedload(Withdrawal.affiliate))
        .order_by(Withdrawal.id)
    ).all()
    whole = ngettext(
        "%(num)s transfer, %(amount)s in all",
        "%(num)s transfers, %(amount)s in all",
        len(rows),
        amount=euros(sum(row.net_amount for row in rows)),
    )
    lines = [
        gettext(
            "%(slug)s: %(amount)s to %(holder)s, IBAN ending in %(last4)s",
            slug=row.affiliate.affiliate_slug,
            amount=euros(row.net_amount),
            holder=row.holder,
            last4=row.iban_last4 or "–",
        )
        for row in rows
    ]
    return [whole, *lines]


APPROVE = Act(
    "approve",
    N_("Approve"),
    P.WITHDRAWALS_DECIDE,
    approve,
    N_("The withdrawal is approved: it can be paid."),
    explains=N_("Approving moves no money: it says that the withdrawal may be paid."),
    when=lambda row: row["status"] is WithdrawalStatus.PENDING_REVIEW,
    needs=("status",),
    notes=standing_of_withdrawal,
    previews=True,
    fresh=True,
    bulk=True,
)
REJECT = Act(
    "reject",
    N_("Reject"),
    P.WITHDRAWALS_DECIDE,
    reject,
    N_("The withdrawal is rejected: its money is available again."),
    ReasonForm,
    N_("The money goes back to what the affiliate can withdraw, and they are told why."),
    when=lambda row: (
        row["status"] in (WithdrawalStatus.PENDING_REVIEW, WithdrawalStatus.APPROVED)
        and row["batch_id"] is None
    ),
    needs=("status", "batch_id"),
    notes=standing_of_withdrawal,
    previews=True,
    fresh=True,
    bulk=True,
    danger=True,
)
PAY = Act(
    "pay",
    N_("Mark paid"),
    P.WITHDRAWALS_PAY,
    pay,
    N_("The withdrawal is paid."),
    PaymentForm,
    N_("Once you have paid it by hand: it pays the affiliate's oldest commissions first."),
    when=lambda row: row["status"] is WithdrawalStatus.APPROVED and row["batch_id"] is None,
    needs=("status", "batch_id", "payment_method"),
    filled=lambda row: {"method": row["payment_method"]} if row["payment_method"] else {},
    notes=standing_of_withdrawal,
    previews=True,
    fresh=True,
    bulk=True,
)
INTO_A_FILE = Act(
    "make-file",
    N_("Make a SEPA file"),
    P.WITHDRAWALS_PAY,
    into_a_file,
    N_("The payment file is made: download it and upload it at the bank."),
    BatchForm,
    N_("One credit-transfer file of the ticked bank transfers, all of them approved."),
    previews=True,
    fresh=True,
    bulk=True,
    notes=what_the_file_holds,
    together=True,
    leads_to="sepa-batches",
)
PAY_NOW = Act(
    "pay-now",
    N_("Pay now"),
    P.WITHDRAWALS_PAY,
    pay_at_once,
    N_("The affiliate is paid."),
    PayNowForm,
    N_("Creates, approves and pays a withdrawal in one go."),
    notes=standing,
    previews=True,
    fresh=True,
    bulk=True,
    leads_to="withdrawals",
    already=paid_before,
)
