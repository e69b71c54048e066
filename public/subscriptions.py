"""What a client does to their own purchases: cancel, take it back, switch plan, withdraw."""

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.billing.cancel_subscription import cancel_subscription
from models.billing.own_purchases import OwnPurchase, own_purchases
from models.billing.renounce_contract import renounce_contract
from models.billing.resolve_unknown import BACK_FROM_BANK, BETWEEN_LOOKS, ask_about
from models.billing.undo_cancel import undo_cancel
from models.errors import Missing
from models.session import unit_of_work
from public.identity import acting, member_reading, needs
from public.member_menu import in_member_area
from public.subscription_words import ShownPurchase, shown_purchase

pages = Blueprint("subscriptions", __name__)
pages.context_processor(in_member_area)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/settings/subscriptions/<uuid:customer_id>/cancel")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def ask_cancel(customer_id: UUID) -> ResponseReturnValue:
    """What cancelling means for this purchase, and the button that does it."""
    shown = shown_own(customer_id)
    if not shown.may_cancel:
        return back()
    return render_template("public/account/cancel.html", purchase=shown)


@pages.post("/settings/subscriptions/<uuid:customer_id>/cancel")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def cancel(customer_id: UUID) -> ResponseReturnValue:
    """Cancel at the end of what is paid; a second press finds it cancelled."""
    if shown_own(customer_id).may_cancel:
        with unit_of_work() as session:
            cancel_subscription(session, customer_id, actor=acting(), now=clock.now())
        flash(
            _("Your subscription is cancelled. A receipt with today's date is on its way."), "good"
        )
    return back()


@pages.post("/settings/subscriptions/<uuid:customer_id>/undo")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def undo(customer_id: UUID) -> ResponseReturnValue:
    """Take the cancellation back; one that was not cancelled is left as it is."""
    own_purchase(customer_id)
    with unit_of_work() as session:
        undo_cancel(session, customer_id, actor=acting(), now=clock.now())
    flash(_("Your subscription goes on."), "good")
    return back()


@pages.get("/renoncer")
@needs(Permission.CUSTOMERS_READ_OWN)
def withdrawable() -> ResponseReturnValue:
    """The contracts that one may still withdraw from, each with its last day."""
    with member_reading() as session:
        purchases = own_purchases(session, current_user.id)
    shown = [shown_purchase(purchase, now=clock.now()) for purchase in purchases]
    return render_template(
        "public/account/withdrawable.html",
        purchases=[it for it in shown if it.withdraw_until_text],
    )


@pages.get("/settings/subscriptions/<uuid:customer_id>/withdraw")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def ask_withdraw(customer_id: UUID) -> ResponseReturnValue:
    """What withdrawing means, and the button that declares it; too late is said in words."""
    shown = shown_own(customer_id)
    page = render_template("public/account/withdraw.html", purchase=shown, email=current_user.email)
    return make_response(page, 200 if shown.withdraw_until_text else 410)


@pages.post("/settings/subscriptions/<uuid:customer_id>/withdraw")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def withdraw(customer_id: UUID) -> ResponseReturnValue:
    """Take the declaration; its dated receipt goes out by mail. Again, it finds it taken."""
    own_purchase(customer_id)
    with unit_of_work() as session:
        renounce_contract(
            session,
            customer_id,
            reason=_("Withdrawal within the legal period"),
            actor=acting(),
            now=clock.now(),
        )
    flash(_("Your withdrawal is received. Its dated receipt is on its way to you."), "good")
    return back()


def ask_the_bank(purchase: OwnPurchase) -> bool:
    """Ask what became of a payment whose holder comes back from the bank; whether it is known.

    The provider is asked every few seconds at most, however often the page is reloaded.
    """
    waiting = purchase.under_way
    if waiting is None:
        return False
    wait = BACK_FROM_BANK if waiting.needs_action else BETWEEN_LOOKS
    return ask_about(waiting.attempt_id, wait=wait)


def own_purchase(customer_id: UUID) -> OwnPurchase:
    """A purchase of whoever asks. Raises Missing for anybody else's, as row security says."""
    with member_reading() as session:
        found = own_purchases(session, current_user.id, only=customer_id)
    if not found:
        raise Missing
    return found[0]


def shown_own(customer_id: UUID) -> ShownPurchase:
    """The same in words."""
    return shown_purchase(own_purchase(customer_id), now=clock.now())


def back() -> Response:
    """The settings page, which says what became of the act."""
    return redirect("/settings", 303)  # type: ignore[return-value]
