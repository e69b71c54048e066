"""``/affiliate/payouts``: what can be withdrawn, asking for it, and what became of each request."""

from typing import Any
from uuid import UUID

from flask import flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts import Withdrawal, WithdrawalStatus
from models.affiliation.payouts.ask_withdrawal import (
    ask_withdrawal,
    available_of,
    preview_withdrawal,
)
from models.affiliation.payouts.decide_withdrawal import cancel_withdrawal
from models.affiliation.payouts.own_withdrawals import (
    WithdrawalFilter,
    WithdrawalPage,
    own_withdrawal,
    what_it_paid,
    withdrawals_page,
)
from models.affiliation.payouts.statement_pdf import payout_statement_pdf
from models.errors import N_, BadInput, DomainError, IllegalTransition
from models.ids import is_uuid, new_id
from models.session import unit_of_work
from models.settings import current_settings
from public.affiliate.asked import address, choice_asked, day_asked, end_of, key_asked, start_of
from public.affiliate.door import for_affiliates, pages
from public.affiliate.downloads import as_pdf
from public.affiliate.words import METHODS, WITHDRAWALS
from public.amounts import cents_typed, percent_text, typed_amount
from public.errors import in_words
from public.identity import acting, member_reading
from public.letting_in import language

PATH = "/affiliate/payouts"
FILTERS = ("status", "from", "to")
NOTHING = WithdrawalPage(rows=(), newer=None, older=None)


class DecidedMeanwhile(DomainError):
    code = "decided_meanwhile"
    message = N_("This request was decided on meanwhile: it can no longer be cancelled.")


@pages.get("/payouts")
@for_affiliates(Permission.WITHDRAWALS_READ_OWN)
def payouts() -> ResponseReturnValue:
    """What can be withdrawn, and the list, newest first, filtered as its address says."""
    return payouts_page()


@pages.get("/payouts/ask")
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def preview() -> ResponseReturnValue:
    """The fee and the net of an amount, to be confirmed; nothing is reserved yet."""
    typed = request.args.get("amount", "")
    try:
        amount = cents_typed(typed)
        with member_reading() as session:
            asked = preview_withdrawal(session, current_user.id, amount)
    except DomainError as refusal:
        return payouts_page(typed=typed, refusal=refusal)
    return render_template(
        "public/affiliate/ask.html",
        terms=asked.terms,
        left=asked.available - amount,
        destination=destination_of(g.affiliate),
        key=new_id(),
    )


@pages.post("/payouts/ask")
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def ask() -> ResponseReturnValue:
    """Ask for what was confirmed. The same preview confirmed twice asks once."""
    typed, key = request.form.get("amount", ""), request.form.get("key", "")
    try:
        ask_once(cents_typed(typed), UUID(key) if is_uuid(key) else None)
    except DomainError as refusal:
        return payouts_page(typed=typed, refusal=refusal)
    flash(_("Your request is in. You are told by mail once it is decided on."), "good")
    return redirect(PATH, 303)


def ask_once(amount: int, key: UUID | None) -> Withdrawal:
    """Ask for cents under a key of the asker's own. Raises what ``ask_withdrawal`` does."""
    with unit_of_work() as session:
        return ask_withdrawal(
            session, current_user.id, amount, actor=acting(), now=clock.now(), key=key
        )


@pages.get("/payouts/<uuid:withdrawal_id>")
@for_affiliates(Permission.WITHDRAWALS_READ_OWN)
def payout(withdrawal_id: UUID) -> ResponseReturnValue:
    """One request, step by step, and the commissions that it paid. Somebody else's is 404."""
    with member_reading() as session:
        withdrawal = own_withdrawal(session, current_user.id, withdrawal_id)
        paid = what_it_paid(session, withdrawal_id)
    return render_template(
        "public/affiliate/payout.html",
        row=row_of(withdrawal),
        withdrawal=withdrawal,
        paid=paid,
        elsewhere=withdrawal.requested_amount - sum(each.amount for each in paid),
    )


@pages.get("/payouts/<uuid:withdrawal_id>/statement.pdf")
@for_affiliates(Permission.WITHDRAWALS_READ_OWN)
def statement(withdrawal_id: UUID) -> ResponseReturnValue:
    """The statement of one paid request; before it is paid there is none, and that is 409."""
    with member_reading() as session:
        withdrawal = own_withdrawal(session, current_user.id, withdrawal_id)
        body = payout_statement_pdf(session, withdrawal_id, language())
    paid_on = clock.paris(withdrawal.paid_at or clock.now()).date().isoformat()
    return as_pdf(f"weokto-{g.affiliate.affiliate_slug}-{paid_on}", body)


@pages.post("/payouts/<uuid:withdrawal_id>/cancel")
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def cancel(withdrawal_id: UUID) -> ResponseReturnValue:
    """Take a request back while it is under review; a second press changes nothing."""
    try:
        cancel_own(withdrawal_id)
    except DecidedMeanwhile as refusal:
        flash(in_words(refusal), "error")
    else:
        flash(_("The request is cancelled: its amount is available again."), "good")
    return redirect(PATH, 303)


def cancel_own(withdrawal_id: UUID) -> Withdrawal:
    """Cancel one of the reader's own requests. Raises Missing, DecidedMeanwhile."""
    with member_reading() as session:
        own_withdrawal(session, current_user.id, withdrawal_id)
    try:
        with unit_of_work() as session:
            return cancel_withdrawal(session, withdrawal_id, actor=acting(), now=clock.now())
    except IllegalTransition:
        raise DecidedMeanwhile from None


def payouts_page(typed: str = "", refusal: DomainError | None = None) -> ResponseReturnValue:
    """The page, with what was typed and why it was refused."""
    mistake: BadInput | None = None
    page = NOTHING
    with member_reading() as session:
        available = available_of(session, current_user.id)
        try:
            page = withdrawals_page(
                session,
                current_user.id,
                filter_asked(),
                before=key_asked("before"),
                after=key_asked("after"),
            )
        except BadInput as wrong:
            mistake = wrong
    given = {name: request.args.get(name, "").strip()[:60] for name in FILTERS}
    settings = current_settings()
    text = render_template(
        "public/affiliate/payouts.html",
        available=available,
        minimum=settings.withdrawal_minimum,
        fee_rate=percent_text(settings.withdrawal_fee_rate * 100),
        destination=destination_of(g.affiliate),
        typed=typed[:40] or typed_amount(max(0, available)),
        refused=in_words(refusal) if refusal else "",
        rows=[row_of(each) for each in page.rows],
        given=given,
        statuses=[(status.value, _(words)) for status, (words, _tone) in WITHDRAWALS.items()],
        mistake=in_words(mistake) if mistake else "",
        newer=address(PATH, given, after=page.newer) if page.newer else "",
        older=address(PATH, given, before=page.older) if page.older else "",
    )
    wrong_status = next((each.status for each in (refusal, mistake) if each), 200)
    return make_response(text, wrong_status)


def filter_asked() -> WithdrawalFilter:
    """The filter of the address. Raises BadDay, BadFilter."""
    return WithdrawalFilter(
        status=choice_asked("status", WithdrawalStatus),
        since=start_of(day_asked("from")),
        until=end_of(day_asked("to")),
    )


def destination_of(affiliate: Any) -> str:
    """Where the next withdrawal would go, in words; empty where nothing was said."""
    return destination_text(
        affiliate.payout_method, affiliate.payout_iban_last4, affiliate.payout_paypal
    )


def destination_text(method: PayoutMethod | None, last4: str | None, paypal: str | None) -> str:
    """A destination in words, of an account only its last four signs."""
    if method is PayoutMethod.WIRE and last4:
        return _("account ending in %(last4)s", last4=last4)
    if method is PayoutMethod.PAYPAL and paypal:
        return _("PayPal, %(address)s", address=paypal)
    return ""


def row_of(withdrawal: Withdrawal) -> dict[str, Any]:
    """One line of the list."""
    words, tone = WITHDRAWALS[withdrawal.status]
    method = withdrawal.payment_method
    return {
        "id": withdrawal.id,
        "asked_at": withdrawal.requested_at,
        "paid_at": withdrawal.paid_at,
        "requested": withdrawal.requested_amount,
        "fee": withdrawal.fee_amount,
        "net": withdrawal.net_amount,
        "method": _(METHODS[method]) if method else "",
        "destination": destination_text(method, withdrawal.iban_last4, withdrawal.paypal),
        "status": _(words),
        "tone": tone,
        "reference": withdrawal.payout_reference,
        "reason": withdrawal.rejection_reason,
        "can_cancel": withdrawal.status is WithdrawalStatus.PENDING_REVIEW,
        "is_paid": withdrawal.status is WithdrawalStatus.PAID,
    }
