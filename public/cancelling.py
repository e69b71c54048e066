"""Ending a contract without signing in: an address, the link of a mail, one press per contract."""

from uuid import UUID

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from models import clock
from models.accounts import User
from models.accounts.email import NotAnAddress
from models.billing import Customer
from models.billing.cancel_link import (
    CancelLink,
    CancelLinkOver,
    holder_of,
    read_cancel_link,
    send_cancel_link,
)
from models.billing.cancel_subscription import cancel_subscription
from models.billing.own_purchases import own_purchases
from models.errors import Missing, TooMany
from models.ids import is_uuid
from models.oversight import Actor
from models.session import member_session, staff_reading, unit_of_work
from public.errors import in_words
from public.hosts import platform_here
from public.letting_in import language
from public.limits import limiter
from public.subscription_words import shown_purchase

pages = Blueprint("cancelling", __name__)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@pages.get("/resilier")
def ask() -> ResponseReturnValue:
    """The address form; whoever is signed in sees their contracts at once."""
    if current_user.is_authenticated:
        return redirect("/settings#subscriptions", 303)
    return render_template("public/cancelling/ask.html", email="")


@pages.post("/resilier")
@limiter.limit("20 per hour")
def send() -> ResponseReturnValue:
    """Mail the link; the answer is the same whether the address has a contract or not."""
    email = request.form.get("email", "")
    try:
        with unit_of_work() as session:
            send_cancel_link(
                session, platform=platform_here(), email=email, locale=language(), now=clock.now()
            )
    except (NotAnAddress, TooMany) as refusal:
        page = render_template(
            "public/cancelling/ask.html", email=email[:254], error=in_words(refusal)
        )
        answer = make_response(page, refusal.status)
        if refusal.status == 429:
            answer.headers["Retry-After"] = str(int(refusal.params["minutes"]) * 60)
        return answer
    return redirect(url_for(".sent"), 303)


@pages.get("/resilier/envoye")
def sent() -> ResponseReturnValue:
    """What happens next; it says nothing about the address."""
    return render_template("public/cancelling/sent.html")


@pages.get("/resilier/contrats")
def contracts() -> ResponseReturnValue:
    """The contracts of the address that received the link; looking ends none."""
    token = request.args.get("token", "")
    try:
        user = _holder(token)
    except CancelLinkOver as refusal:
        return make_response(_contracts_page(None, "", error=in_words(refusal)), refusal.status)
    return _contracts_page(user, token, done=request.args.get("done", ""))


@pages.post("/resilier/contrats")
@limiter.limit("30 per minute")
def end() -> ResponseReturnValue:
    """End one contract at the end of what is paid; a second press changes nothing."""
    token, contract = request.form.get("token", ""), request.form.get("contract", "")
    try:
        user = _holder(token)
    except CancelLinkOver as refusal:
        return make_response(_contracts_page(None, "", error=in_words(refusal)), refusal.status)
    if user is None or not is_uuid(contract):
        raise Missing
    with member_session(user.id) as own:
        customer = Customer.get(own, UUID(contract))
    with unit_of_work() as session:
        cancel_subscription(session, customer.id, actor=_acting_for(user), now=clock.now())
    return redirect(url_for(".contracts", token=token, done=customer.id), 303)


def _holder(token: str) -> User | None:
    """Whose contracts a link shows. Raises CancelLinkOver."""
    link: CancelLink = read_cancel_link(token, platform=platform_here(), now=clock.now())
    with staff_reading() as session:
        return holder_of(session, link)


def _acting_for(user: User) -> Actor:
    """The person of the address, without a session of theirs."""
    return Actor(
        role=str(user.user_type),
        user_id=user.id,
        ip=request.remote_addr,
        request_id=g.get("request_id"),
    )


def _contracts_page(user: User | None, token: str, *, done: str = "", error: str = "") -> str:
    shown = []
    if user is not None:
        with member_session(user.id) as session:
            purchases = own_purchases(session, user.id)
        shown = [shown_purchase(purchase, now=clock.now()) for purchase in purchases]
    return render_template(
        "public/cancelling/contracts.html",
        token=token,
        contracts=[it for it in shown if it.is_running or str(it.id) == done],
        done=done,
        error=error,
    )
