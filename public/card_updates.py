"""Another card for a running purchase: why, then the same card form as the checkout's."""

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from models import clock
from models.accounts import Permission
from models.billing.begin_card_update import begin_card_update
from models.errors import DomainError
from public.errors import in_words
from public.identity import acting, needs
from public.letting_in import language
from public.limits import limiter
from public.member_menu import in_member_area
from public.subscription_words import shown_purchase
from public.subscriptions import own_purchase

pages = Blueprint("card_updates", __name__)
pages.context_processor(in_member_area)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/settings/card/<uuid:customer_id>")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def start(customer_id: UUID) -> ResponseReturnValue:
    """The card that is charged today, and the button that asks for another."""
    return _page(customer_id)


@pages.post("/settings/card/<uuid:customer_id>")
@limiter.limit("10 per minute")
@needs(Permission.CUSTOMERS_SUPPORT_OWN)
def begin(customer_id: UUID) -> ResponseReturnValue:
    """Open a card form; each press opens another, and only what is typed into one counts."""
    own_purchase(customer_id)
    try:
        begun = begin_card_update(
            customer_id,
            locale=language(),
            actor=acting(),
            ip=request.remote_addr,
            user_agent=request.user_agent.string,
        )
    except DomainError as refusal:
        return make_response(_page(customer_id, problem=in_words(refusal)), refusal.status)
    return redirect(f"/checkout/pay/{begun.capture.id}", 303)


def _page(customer_id: UUID, *, problem: str = "") -> str:
    purchase = own_purchase(customer_id)
    return render_template(
        "public/account/card.html",
        purchase=shown_purchase(purchase, now=clock.now()),
        is_owed=purchase.owed is not None,
        problem=problem,
    )
