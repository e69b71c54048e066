"""A payout's statement as PDF: what was paid, how, and for which invoices' commissions.

The session decides what can be read: an affiliate's finds their own, a staff's all. The
same payout in the same language is always the same file.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import User
from models.affiliation.commission import Commission
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.allocation import WithdrawalAllocation
from models.affiliation.payouts.withdrawal import Withdrawal, WithdrawalStatus
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, DomainError
from models.pdf import Column, Party, Sheet, Wording, wording
from models.settings import current_settings

METHODS = {
    PayoutMethod.WIRE: N_("Bank transfer"),
    PayoutMethod.PAYPAL: N_("PayPal"),
    PayoutMethod.STRIPE: N_("Stripe"),
    PayoutMethod.MANUAL: N_("By hand"),
}


class NotPaid(DomainError):
    """A statement says what was paid: there is none before."""

    code = "withdrawal_not_paid"
    message = N_("This withdrawal is not paid: there is no statement of it yet.")


def payout_statement_pdf(session: Session, withdrawal_id: UUID, locale: str) -> bytes:
    """The statement of a paid withdrawal. Raises Missing, NotPaid and FontsMissing."""
    withdrawal = Withdrawal.get(session, withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.PAID or withdrawal.paid_at is None:
        raise NotPaid
    words = wording(locale)
    title = words.say(N_("Payout of %(day)s"), day=words.day(withdrawal.paid_at))
    sheet = Sheet(locale=locale, title=title, issued_at=withdrawal.paid_at, footing=_footing())
    sheet.facts(_facts(words, withdrawal, withdrawal.paid_at))
    _parties(session, sheet, words, withdrawal)
    sheet.table(
        [
            Column(words.say(N_("Invoice")), 34),
            Column(words.say(N_("Earned on")), 26),
            Column(words.say(N_("Commission")), 20, right=True),
            Column(words.say(N_("Paid by this payout")), 20, right=True),
        ],
        _lines(session, words, withdrawal),
    )
    sheet.totals(_totals(words, withdrawal))
    return sheet.to_bytes()


def _facts(words: Wording, withdrawal: Withdrawal, paid_at: datetime) -> list[tuple[str, str]]:
    method = METHODS[withdrawal.payment_method] if withdrawal.payment_method else ""
    by_wire = withdrawal.payment_method is PayoutMethod.WIRE and withdrawal.iban_last4
    account = f"{withdrawal.holder} •••• {withdrawal.iban_last4}" if by_wire else ""
    return [
        (words.say(N_("Asked on")), words.day(withdrawal.requested_at)),
        (words.say(N_("Paid on")), words.day(paid_at)),
        (words.say(N_("Way of paying")), words.say(method)),
        (words.say(N_("To")), account),
        (words.say(N_("Reference")), withdrawal.payout_reference),
        (words.say(N_("Withdrawal")), str(withdrawal.id)),
    ]


def _parties(session: Session, sheet: Sheet, words: Wording, withdrawal: Withdrawal) -> None:
    settings = current_settings()
    user = User.get(session, withdrawal.affiliate_id)
    profile = AffiliateProfile.get(session, withdrawal.affiliate_id)
    siren, vat = settings.company_siren, settings.company_vat_number
    sheet.parties(
        Party(
            words.say(N_("Paid by")),
            [
                settings.company_name,
                settings.company_address,
                f"SIREN {siren}" if siren else "",
                words.say(N_("VAT number %(number)s"), number=vat) if vat else "",
            ],
        ),
        Party(
            words.say(N_("Paid to")),
            [withdrawal.holder or user.display_name, profile.affiliate_slug, user.email],
        ),
    )


def _lines(session: Session, words: Wording, withdrawal: Withdrawal) -> list[tuple[str, ...]]:
    """A line per commission paid, by its invoice. What paid none comes last: it came of
    adjustments, or of commissions taken back between the request and its payment."""
    currency = withdrawal.currency
    found = session.execute(
        select(Commission, WithdrawalAllocation.amount)
        .join(WithdrawalAllocation, WithdrawalAllocation.commission_id == Commission.id)
        .where(WithdrawalAllocation.withdrawal_id == withdrawal.id)
        .order_by(Commission.earned_at, Commission.id)
    ).all()
    lines: list[tuple[str, ...]] = [
        (
            str(commission.explanation.get("invoice") or ""),
            words.day(commission.earned_at),
            words.amount(commission.total_amount, currency),
            words.amount(amount, currency),
        )
        for commission, amount in found
    ]
    rest = withdrawal.requested_amount - sum(amount for _, amount in found)
    if rest:
        label = words.say(N_("Adjustments, or commissions taken back meanwhile"))
        lines.append((label, "", "", words.amount(rest, currency)))
    return lines


def _totals(words: Wording, withdrawal: Withdrawal) -> list[tuple[str, str]]:
    currency = withdrawal.currency
    fee = [(words.say(N_("Fee")), -withdrawal.fee_amount)] if withdrawal.fee_amount else []
    rows = [
        (words.say(N_("Asked for")), withdrawal.requested_amount),
        *fee,
        (words.say(N_("Paid out")), withdrawal.net_amount),
    ]
    return [(name, words.amount(amount, currency)) for name, amount in rows]


def _footing() -> str:
    settings = current_settings()
    return " · ".join(part for part in (settings.company_name, settings.company_address) if part)
