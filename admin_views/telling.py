"""What a preview says of rows beyond their columns: sums and consequences in words.

Each kind of row that needs it has a function here, asked once the rule has run; the mails
that would follow are told by the events that the rule emitted.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_views.formats import euros
from admin_views.happenings import MAILS
from models.accounts import User
from models.base import Base
from models.billing import AccessGrant, Customer, Invoice, Refund
from models.billing.end_subscription import is_end_told
from models.billing.refund import TOLD_AFTER, left_to_refund
from models.errors import N_

MAILED = {
    "accounts.data_copy_ready": "data_ready",
    "accounts.deletion_asked": "deletion_asked",
    "accounts.deletion_held": "deletion_held",
    "accounts.deletion_undone": "deletion_undone",
    "accounts.email_changed": "email_changed",
    "accounts.second_factor_reset": "second_factor_reset",
    "affiliation.commission_clawed_back": "commission_clawed_back",
    "affiliation.commission_earned": "commission_earned",
    "affiliation.commissions_matured": "commission_matured",
    "affiliation.payout_details_edited": "payout_details_changed",
    "affiliation.withdrawal_approved": "withdrawal_approved",
    "affiliation.withdrawal_asked": "withdrawal_asked",
    "affiliation.withdrawal_paid": "withdrawal_paid",
    "affiliation.withdrawal_rejected": "withdrawal_rejected",
    "billing.access_granted": "access_granted",
    "billing.access_paused": "access_paused",
    "billing.cancel_undone": "cancel_undone",
    "billing.card_updated": "card_updated",
    "billing.contract_renounced": "withdrawal_receipt",
    "billing.invoice_paid": "receipt",
    "billing.payment_declined": "payment_not_made",
    "billing.payment_failed": "payment_not_made",
    "billing.payment_recovered": "payment_recovered",
    "billing.period_extended": "period_extended",
    "billing.plan_switched": "plan_switched",
    "billing.purchase_made": "welcome",
    "billing.refund_approved": "refund_approved",
    "billing.refund_asked": "refund_asked",
    "billing.refund_processed": "refund_processed",
    "billing.refund_rejected": "refund_rejected",
    "billing.refund_settled_by_hand": "refund_processed",
    "billing.renewal_declined": "payment_failed",
    "billing.subscription_cancelled": "cancelled",
    "billing.subscription_ended": "subscription_ended",
    "billing.switch_given_up": "switch_refused",
    "billing.switch_planned": "switch_planned",
}
"""Per event: the mail that follows from it, once its transaction is over."""

HELD = {"refund_approved": N_("unless the money is given back within %(minutes)s minutes")}
"""Per kind of mail that is held for a while: what calls it off."""


@dataclass(frozen=True)
class Effect:
    """One thing that changes: what, and its value before and after."""

    what: str
    before: str = ""
    after: str = ""


def tell(session: Session, rows: list[Base]) -> list[Effect]:
    """The further effects of rows that a rule made or changed."""
    return [effect for row in rows if type(row) in TOLD for effect in TOLD[type(row)](session, row)]


def tell_mails(session: Session, facts: Sequence[Mapping[str, Any]]) -> list[Effect]:
    """The mails that follow from events, as the rows that an outbox takes."""
    kinds = {fact["kind"] for fact in facts}
    mails = Counter(
        MAILED[fact["kind"]]
        for fact in facts
        if fact["kind"] in MAILED and not _is_silent(session, fact, kinds)
    )
    return [
        Effect(
            gettext("Mail “%(words)s”", words=gettext(MAILS[mail])),
            "",
            ngettext("%(num)s on its way", "%(num)s on their way", count) + _held(mail),
        )
        for mail, count in mails.items()
    ]


def _held(mail: str) -> str:
    """What calls a mail off that is held for a while; nothing of any other."""
    if mail not in HELD:
        return ""
    return ", " + gettext(HELD[mail], minutes=int(TOLD_AFTER.total_seconds()) // 60)


def _is_silent(session: Session, fact: Mapping[str, Any], kinds: set[str]) -> bool:
    """An end that its buyer knew of is not told again; what is paid at once is only told paid."""
    if fact["kind"] == "billing.subscription_ended":
        customer = Customer.get(session, UUID(fact["subject_id"]))
        return not is_end_told(customer, fact["data"])
    paid = "affiliation.withdrawal_paid" in kinds
    before = ("affiliation.withdrawal_asked", "affiliation.withdrawal_approved")
    return paid and fact["kind"] in before


def _of_refund(session: Session, refund: Refund) -> list[Effect]:
    """What the client gets, what is left of the invoice, and the accesses that close."""
    if not refund.is_granted:
        return []
    invoice = Invoice.get(session, refund.invoice_id)
    left = left_to_refund(session, invoice)
    before = left + refund.amount
    email = session.scalar(
        select(User.email).join(Customer).where(Customer.id == refund.customer_id)
    )
    number = invoice.number or ""
    effects = [
        Effect(gettext("Given back to %(email)s", email=email), "", euros(refund.amount)),
        Effect(gettext("Left to refund on %(number)s", number=number), euros(before), euros(left)),
    ]
    closed = session.scalar(
        select(func.count()).where(
            AccessGrant.customer_id == refund.customer_id,
            AccessGrant.revoked_at == refund.approved_at,
        )
    )
    if closed:
        effects.append(Effect(gettext("Accesses closed"), "", str(closed)))
    return effects


TOLD: dict[type[Base], Callable[[Session, Any], list[Effect]]] = {Refund: _of_refund}
