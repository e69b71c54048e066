"""``/affiliate/payouts/details``: where an affiliate's money goes."""

from flask import flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models.accounts import Permission
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.edit_payout_details import BadPayoutMethod, edit_payout_details
from models.affiliation.profile import AffiliateProfile
from models.errors import BadInput
from models.session import unit_of_work
from public.affiliate.door import for_affiliates, pages
from public.errors import in_words
from public.identity import acting

FIELDS = ("method", "holder", "iban", "paypal")


@pages.get("/payouts/details")
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def payout_details() -> ResponseReturnValue:
    """The form, with what is there; of an IBAN only its last four signs."""
    affiliate = g.affiliate
    return details_page(
        {
            "method": affiliate.payout_method or PayoutMethod.WIRE,
            "holder": affiliate.payout_holder,
            "iban": "",
            "paypal": affiliate.payout_paypal or "",
        }
    )


@pages.post("/payouts/details")
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def save_payout_details() -> ResponseReturnValue:
    """Save where coming withdrawals go; those asked already keep their destination."""
    given = {name: request.form.get(name, "") for name in FIELDS}
    try:
        save_details(**given)
    except BadInput as refusal:
        page = details_page(given, {refusal.field or "method": in_words(refusal)})
        return make_response(page, refusal.status)
    flash(_("Saved. Coming withdrawals go there."), "good")
    return redirect("/affiliate/payouts", 303)


def save_details(*, method: str, holder: str, iban: str, paypal: str) -> AffiliateProfile:
    """Save the reader's own details. Raises what ``edit_payout_details`` raises."""
    try:
        chosen = PayoutMethod(method)
    except ValueError:
        raise BadPayoutMethod(field="method") from None
    with unit_of_work() as session:
        return edit_payout_details(
            session,
            current_user.id,
            method=chosen,
            holder=holder,
            iban=iban,
            paypal=paypal,
            actor=acting(),
        )


def details_page(given: dict[str, str], errors: dict[str, str] | None = None) -> str:
    """The form with what was typed and what is wrong with it."""
    return render_template(
        "public/affiliate/payout_details.html",
        given=given,
        errors=errors or {},
        last4=g.affiliate.payout_iban_last4 or "",
    )
