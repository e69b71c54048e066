"""The checkout on pages of its own: what the modal shows, and all there is without JavaScript."""

from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_time
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts.email import NotAnAddress
from models.accounts.site import site_url
from models.affiliation.click_id import youngest_click
from models.billing import CapturePurpose, customer_of
from models.billing.begin_checkout import begin_checkout, try_another_card
from models.billing.checkout_state import CheckoutState, CheckoutStatus
from models.billing.quote import quote_of
from models.billing.resolve_unknown import look_into
from models.billing.start_checkout import AlreadyCustomer, CheckoutAsked, ConsentMissing
from models.catalog import PaymentButton
from models.catalog.on_sale import NotOnSale, button_on_sale
from models.clock import paris
from models.errors import DomainError
from models.session import staff_reading
from public.api_payments import (
    asked_from_here,
    capture_of,
    next_address,
    refuse_others_card,
)
from public.brand import brand_here
from public.checkout_words import bill_of, bill_of_checkout, consent_text
from public.destinations import sign_in_path
from public.errors import in_words
from public.headers import allow, allow_vault
from public.identity import acting
from public.limits import limiter

pages = Blueprint("checkout", __name__)

OVER = "over"
STATES = {
    CheckoutStatus.PENDING: "card",
    CheckoutStatus.PROCESSING: "processing",
    CheckoutStatus.ACTION_REQUIRED: "action",
    CheckoutStatus.DECLINED: "declined",
    CheckoutStatus.SUCCEEDED: "done",
    CheckoutStatus.EXPIRED: "expired",
    CheckoutStatus.ERROR: "error",
}


@pages.get("/checkout/<button_key>")
def start(button_key: str) -> ResponseReturnValue:
    """What is paid today and what follows, and the buyer's consent."""
    try:
        button = _button(button_key)
    except (NotOnSale, AlreadyCustomer) as refusal:
        return _refused(refusal)
    if button.product.community.platform is not brand_here().platform:
        there = site_url(button.product.community.platform)
        return redirect(f"{there}{request.full_path.rstrip('?')}")
    return _start_page(button)


@pages.post("/checkout/<button_key>")
@limiter.limit("10 per minute")
def begin(button_key: str) -> ResponseReturnValue:
    """Begin without JavaScript; what was wrong is said beside its field."""
    asked = asked_from_here(
        button_key,
        email=request.form.get("email", "").strip(),
        consents=request.form.get("consent") == "yes",
        click=request.form.get("click", ""),
    )
    try:
        begun = begin_checkout(asked, actor=acting())
    except (NotOnSale, AlreadyCustomer) as refusal:
        return _refused(refusal)
    except (NotAnAddress, ConsentMissing) as refusal:
        errors = {refusal.field: in_words(refusal), **_missing(asked)}
        return _start_page(_button(button_key), asked, errors), 422
    return redirect(_pay_address(begun.capture.id), 303)


@pages.get("/checkout/pay/<uuid:capture_id>")
def pay(capture_id: UUID) -> ResponseReturnValue:
    """The card form, then what became of it: the address that a buyer may always reload."""
    state = look_into(capture_id)
    capture = state.capture
    if not current_user.is_authenticated and capture.purpose is CapturePurpose.CARD:
        return redirect(sign_in_path(request.path), 303)
    refuse_others_card(capture)
    return _page(
        capture.button,
        _part_of_page(state),
        offer=bill_of_checkout(capture),
        attempt=_attempt(state),
        customer_id=capture.customer_id if capture.purpose is CapturePurpose.CARD else None,
    )


@pages.post("/checkout/retry/<uuid:capture_id>")
@limiter.limit("10 per minute")
def again(capture_id: UUID) -> ResponseReturnValue:
    """Another card on the same checkout."""
    refuse_others_card(capture_of(capture_id))
    try_another_card(capture_id, actor=acting())
    return redirect(_pay_address(capture_id), 303)


@pages.get("/checkout/return/<uuid:capture_id>")
def back_from_bank(capture_id: UUID) -> ResponseReturnValue:
    """Where the bank sends the buyer back: the PSP is asked at once what was decided there."""
    state = look_into(capture_id, back_from_bank=True)
    refuse_others_card(state.capture)
    if state.status is CheckoutStatus.SUCCEEDED:
        return redirect(next_address(state) or "/welcome", 303)
    return redirect(_pay_address(capture_id), 303)


def _missing(asked: CheckoutAsked) -> dict[str | None, str]:
    """What the form lacks, in words, so that one refusal tells of all of it."""
    missing: dict[str | None, str] = {}
    if asked.user_id is None and not asked.email:
        missing["email"] = _("Write an address like name@example.org.")
    if asked.consent_text is None:
        missing["consent"] = in_words(ConsentMissing(field="consent"))
    return missing


def _button(key: str) -> PaymentButton:
    """A button on sale. Raises NotOnSale, and AlreadyCustomer for somebody signed in who is."""
    with staff_reading() as session:
        button = button_on_sale(session, key)
        if current_user.is_authenticated:
            customer = customer_of(session, current_user.id, button.product_id)
            if customer is not None and customer.is_running:
                raise AlreadyCustomer(product=button.product.name)
    return button


def _start_page(
    button: PaymentButton,
    asked: CheckoutAsked | None = None,
    errors: dict[str | None, str] | None = None,
) -> str:
    """The first step; with what was typed and ticked, and what was wrong, after a refusal."""
    return _page(
        button,
        "start",
        offer=bill_of(button.button_key, quote_of(button.product, button.plan), start=clock.now()),
        needs_email=not current_user.is_authenticated,
        email=(asked and asked.email) or "",
        consents=bool(asked and asked.consent_text),
        errors=errors or {},
        consent_text=consent_text(),
        action_url=url_for(".begin", button_key=button.button_key, **_embedded()),
    )


def _page(
    button: PaymentButton | None, state: str, *, customer_id: UUID | None = None, **context: Any
) -> str:
    """The checkout of a button, or, without one, of another card for a customer's purchase."""
    allow_vault()
    restart = f"/settings/card/{customer_id}"
    if button is not None:
        restart = url_for(".start", button_key=button.button_key, **_embedded())
    return render_template(
        "public/checkout/page.html",
        state=state,
        embed=_frame(),
        for_card=button is None,
        click_id=youngest_click(request.values.get("click"), g.get("click_id")),
        restart_url=restart,
        cancel_url=button.cancel_url if button is not None else "/settings",
        **context,
    )


def _part_of_page(state: CheckoutState) -> str:
    """What the page shows; a refusal after which no card can be tried has words of its own."""
    if state.status is CheckoutStatus.DECLINED and not state.retry:
        return OVER
    return STATES[state.status]


def _attempt(state: CheckoutState) -> dict[str, Any]:
    capture = state.capture
    return {
        "id": capture.id,
        "capture_url": capture.capture_url or "",
        "expires_at": capture.expires_at,
        "expires_text": format_time(paris(capture.expires_at), "short"),
        "status_url": _pay_address(capture.id),
        "status_api": url_for("api_payments.status", capture_id=capture.id),
        "retry_url": url_for(".again", capture_id=capture.id, **_embedded()),
        "message": _(state.message),
        "redirect_url": next_address(state),
    }


def _refused(refusal: DomainError) -> ResponseReturnValue:
    """Why nothing can be bought here, on a page that says what can be done instead."""
    reason = "manage" if isinstance(refusal, AlreadyCustomer) else "off"
    page = render_template(
        "public/checkout/refused.html",
        reason=reason,
        message=in_words(refusal),
        manage_url=AlreadyCustomer.url,
        embed=_frame(),
    )
    return page, refusal.status


def _frame() -> bool:
    """Whether a page of another site shows this one in a frame, which it then may."""
    framed = request.args.get("embed") == "1"
    if framed:
        allow("frame-ancestors", "*")
    return framed


def _embedded() -> dict[str, Any]:
    return {"embed": "1"} if request.args.get("embed") == "1" else {}


def _pay_address(capture_id: UUID) -> str:
    return url_for(".pay", capture_id=capture_id, **_embedded())
