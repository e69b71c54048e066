"""What can be done about money to give back: grant, refuse, give back unasked, try again."""

from typing import Any
from uuid import UUID

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from admin_views.acts import Act
from admin_views.formats import day, euros
from admin_views.forms import ConsoleForm, EurosField
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import AffiliateProfile, Commission
from models.billing import Invoice, Refund
from models.billing.approve_refund import approve_refund
from models.billing.refund import left_to_refund, refundable_until
from models.billing.refund_invoice import refund_invoice
from models.billing.reject_refund import reject_refund
from models.billing.send_refunds import retry_refund
from models.billing.settle_refund_by_hand import settle_refund_by_hand
from models.errors import N_

LONGEST_REASON = 2000


class ReasonForm(ConsoleForm):
    """Why a refund is refused."""

    reason = TextAreaField(
        N_("Reason"),
        [DataRequired(N_("Say why: the client is told.")), Length(max=LONGEST_REASON)],
    )


class ByHandForm(ConsoleForm):
    """How it was given back otherwise."""

    reference = StringField(
        N_("Reference"),
        [
            DataRequired(N_("Say how it was given back, such as the reference of a transfer.")),
            Length(max=200),
        ],
    )


class GiveBackForm(ConsoleForm):
    """How much goes back, and why."""

    amount = EurosField(N_("Amount, in euros"), description=N_("Leave empty for all that is left."))
    reason = TextAreaField(
        N_("Reason"),
        [DataRequired(N_("Say why: it stays in the history.")), Length(max=LONGEST_REASON)],
    )


def approve(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Refund:
    """Call the rule."""
    return approve_refund(session, key, **who)


def reject(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Refund:
    """Call the rule with the reason typed."""
    return reject_refund(session, key, reason=data["reason"], **who)


def retry(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Refund:
    """Call the rule."""
    return retry_refund(session, key, **who)


def by_hand(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Refund:
    """Call the rule with the reference typed."""
    return settle_refund_by_hand(session, key, reference=data["reference"], **who)


def give_back(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Refund:
    """Call the rule with what the form asked."""
    return refund_invoice(session, key, amount=data["amount"], reason=data["reason"], **who)


def what_follows(session: Session, key: UUID) -> list[str]:
    """What approving a request brings about later, and whose commission it touches."""
    refund = Refund.get(session, key)
    return [*_told(session, Invoice.get(session, refund.invoice_id)), _later()]


def what_is_left(session: Session, key: UUID) -> list[str]:
    """What an invoice still has to give back, and whose commission that touches."""
    invoice = Invoice.get(session, key)
    left = gettext(
        "%(left)s of %(paid)s can still be refunded.",
        left=euros(left_to_refund(session, invoice)),
        paid=euros(invoice.amount_including_tax),
    )
    return [left, *_told(session, invoice), _later()]


def _told(session: Session, invoice: Invoice) -> list[str]:
    told = []
    until = refundable_until(invoice)
    if until is not None:
        words = (
            gettext("The client's right of withdrawal runs until %(day)s.", day=_day(until))
            if clock.now() <= until
            else gettext("The client's right of withdrawal ended on %(day)s.", day=_day(until))
        )
        told.append(words)
    earned = session.execute(
        select(Commission, AffiliateProfile.affiliate_slug)
        .join(AffiliateProfile, AffiliateProfile.user_id == Commission.affiliate_id)
        .where(Commission.invoice_id == invoice.id)
    ).first()
    if earned is None:
        told.append(gettext("Nobody earned on this invoice: no commission is taken back."))
    else:
        commission, slug = earned
        told.append(
            gettext(
                "%(slug)s earned %(amount)s on this invoice, %(taken)s of it taken back so far.",
                slug=slug,
                amount=euros(commission.total_amount),
                taken=euros(commission.clawed_back_amount),
            )
        )
    return told


def _day(instant: Any) -> str:
    return day(clock.paris(instant).date())


def _later() -> str:
    """What happens once the provider has given the money back."""
    return gettext(
        "The provider is told at once. When it has given the money back, a credit note is "
        "issued and mailed to the client."
    )


APPROVE = Act(
    "approve",
    N_("Approve the refund"),
    P.REFUNDS_DECIDE,
    approve,
    N_("The refund is approved: the provider is told."),
    when=lambda row: row["status"] == "PENDING",
    notes=what_follows,
    previews=True,
    fresh=True,
    bulk=True,
)
REJECT = Act(
    "reject",
    N_("Reject the refund"),
    P.REFUNDS_DECIDE,
    reject,
    N_("The refund is rejected: the client is told."),
    ReasonForm,
    when=lambda row: row["status"] == "PENDING",
    previews=True,
    fresh=True,
    bulk=True,
    danger=True,
)
RETRY = Act(
    "retry",
    N_("Try again now"),
    P.REFUNDS_DECIDE,
    retry,
    N_("The provider is asked again."),
    explains=N_("It is tried again by itself, later each time. This does it at once."),
    when=lambda row: row["status"] == "APPROVED",
    bulk=True,
)
BY_HAND = Act(
    "by-hand",
    N_("Given back by hand"),
    P.REFUNDS_DECIDE,
    by_hand,
    N_("The refund is settled: the credit note is on its way."),
    ByHandForm,
    explains=N_(
        "For what the provider surely refuses and you have given back yourself, by a transfer "
        "say. It is not asked again."
    ),
    when=lambda row: row["status"] == "APPROVED" and row["last_error"] and not row["sent_at"],
    needs=("last_error", "sent_at"),
    previews=True,
    fresh=True,
    danger=True,
)
GIVE_BACK = Act(
    "refund",
    N_("Refund"),
    P.REFUNDS_DECIDE,
    give_back,
    N_("The refund is approved: the provider is told."),
    GiveBackForm,
    when=lambda row: row["status"] == "PAID",
    notes=what_is_left,
    previews=True,
    fresh=True,
    danger=True,
)
