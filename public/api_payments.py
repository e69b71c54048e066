"""The checkout's JSON endpoints, and the two that the vault and the PSP call."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from models.accounts.site import site_url
from models.affiliation.click_id import read_click_id, youngest_click
from models.billing import CaptureEndpoint, CapturePurpose
from models.billing.begin_checkout import BegunCheckout, begin_checkout, try_another_card
from models.billing.checkout_state import CheckoutState
from models.billing.hear_psp import hear_psp
from models.billing.hear_vault import hear_vault
from models.billing.receive_card import Reception
from models.billing.resolve_unknown import look_into
from models.billing.start_checkout import CheckoutAsked
from models.errors import N_, DomainError, Missing
from models.session import staff_reading
from public.brand import brand_here
from public.checkout_words import bill_of_checkout, consent_text
from public.identity import acting
from public.json_api import Answer, Body, endpoint
from public.limits import limiter
from public.origins import called_by_machines

pages = Blueprint("api_payments", __name__)

CLICK_COOKIE = "weokto_aff_ref"
LARGEST_CALL = 64 * 1024


class CheckoutWanted(Body):
    """``consent``: the buyer ticked the box that asks for immediate access. ``click`` (or
    ``click_id``) is an affiliate's click that travels in the page rather than in a cookie."""

    button_key: str
    email: str | None = None
    consent: bool = False
    click: str | None = None
    click_id: str | None = None


class Line(Answer):
    label: str
    amount: int
    amount_text: str


class CheckoutOpen(Answer):
    """A checkout and its card form. Amounts in cents. No form where nothing is ever to pay."""

    id: UUID
    capture_url: str
    capture_secret: str
    amount: int
    amount_text: str
    product_name: str
    plan_name: str
    lines: list[Line]
    today_text: str
    then_text: str
    expires_at: datetime
    status_url: str


class CheckoutStanding(Answer):
    """``status``: pending (no card yet), processing, action_required (go to ``redirect_url``),
    declined, succeeded (go on to ``redirect_url``), expired, error (the answer is late)."""

    id: UUID
    status: str
    message: str
    redirect_url: str | None
    retry: bool


class CallbackRefused(DomainError):
    """The vault's callback came for a checkout that cannot take it, or without its secret."""

    message = N_("This callback was noted and changes nothing: %(reason)s.")

    def __init__(self, reception: Reception) -> None:
        super().__init__(reason=reception.reason.replace("_", " "))
        self.status, self.code = reception.status, reception.reason  # type: ignore[misc]


class NoBody(Body):
    """Nothing has to be said."""


@pages.post("/api/payments/initiate")
@limiter.limit("10 per minute")
@endpoint(answers=CheckoutOpen, refuses=(404, 409, 503), tag="payments")
def initiate(json: CheckoutWanted) -> CheckoutOpen:
    """Begin a checkout under a payment button; nothing is charged yet."""
    begun = begin_checkout(
        asked_from_here(
            json.button_key,
            email=json.email,
            consents=json.consent,
            click=json.click or json.click_id,
        ),
        actor=acting(),
    )
    return _open(begun)


@pages.post("/api/payments/retry/<uuid:capture_id>")
@limiter.limit("10 per minute")
@endpoint(answers=CheckoutOpen, refuses=(404, 409, 410, 503), tag="payments")
def retry(capture_id: UUID, json: NoBody) -> CheckoutOpen:
    """Another card form on the same checkout, after a refusal and until it expires."""
    refuse_others_card(capture_of(capture_id))
    return _open(try_another_card(capture_id, actor=acting()))


@pages.get("/api/payments/status/<uuid:capture_id>")
@limiter.limit("120 per minute")
@endpoint(answers=CheckoutStanding, refuses=(404,), tag="payments")
def status(capture_id: UUID) -> CheckoutStanding:
    """Where a checkout stands; the PSP itself is asked now and then while it is not known."""
    state = look_into(capture_id)
    refuse_others_card(state.capture)
    return CheckoutStanding(
        id=capture_id,
        status=state.status.value,
        message=_(state.message),
        redirect_url=next_address(state),
        retry=state.retry,
    )


@pages.post("/api/payments/pci-vault/callback")
@limiter.limit("300 per minute", deduct_when=lambda answer: answer.status_code >= 400)
@called_by_machines
def vault_callback() -> ResponseReturnValue:
    """The vault tells that a card was typed; proved by the secret of that very try.

    What is refused is kept too, so that nobody may send much of it; what is taken has no limit.
    """
    request.max_content_length = LARGEST_CALL
    reception = hear_vault(request.get_data(), request.headers.get("X-PCIVault-Webhook-Secret"))
    if reception.status >= 400:
        raise CallbackRefused(reception)
    return jsonify(outcome=reception.reason)


@pages.post("/api/payments/psp/webhook")
@limiter.exempt
@called_by_machines
def psp_webhook() -> ResponseReturnValue:
    """The PSP tells what became of a charge; proved by its signature on the raw body."""
    request.max_content_length = 4 * LARGEST_CALL
    outcome = hear_psp(request.get_data(), request.headers.get("Stripe-Signature"))
    return jsonify(outcome=outcome.value)


def asked_from_here(
    button_key: str, *, email: str | None, consents: bool, click: str | None
) -> CheckoutAsked:
    """What this request asks for, with who asks, from where and after which click."""
    return CheckoutAsked(
        button_key=button_key,
        email=email or None,
        user_id=current_user.id,
        consent_text=consent_text() if consents else None,
        locale=str(get_locale() or "fr")[:2],
        click_id=click_of_visit(click),
        ip=request.remote_addr,
        user_agent=request.user_agent.string,
    )


def click_of_visit(typed: str | None) -> str | None:
    """The affiliate click that counts: the youngest of those that came with a form, with the
    address and in the cookie. Where their days have passed, so have those of the others."""
    return youngest_click(typed, g.get("click_id"), _click_in_cookie())


def _click_in_cookie() -> str | None:
    """The click that a cookie keeps; whatever else somebody put there is not kept."""
    click = request.cookies.get(CLICK_COOKIE)
    return click if click and read_click_id(click) else None


def capture_of(capture_id: UUID) -> CaptureEndpoint:
    """A checkout by its id. Raises Missing."""
    with staff_reading() as session:
        return CaptureEndpoint.get(session, capture_id)


def refuse_others_card(capture: CaptureEndpoint) -> None:
    """Raises Missing where a checkout gives another person's purchase a card."""
    if capture.purpose is CapturePurpose.CARD and capture.user_id != current_user.id:
        raise Missing


def next_address(state: CheckoutState) -> str | None:
    """Where the buyer goes on; a path of the other site is made an address."""
    platform = state.platform
    if state.redirect_url and state.redirect_url.startswith("/"):
        here = platform is brand_here().platform
        return state.redirect_url if here else site_url(platform) + state.redirect_url
    return state.redirect_url


def _open(begun: BegunCheckout) -> CheckoutOpen:
    capture = begun.capture
    bill = bill_of_checkout(capture)
    return CheckoutOpen(
        id=capture.id,
        capture_url=begun.form.iframe_url if begun.form else "",
        capture_secret=begun.form.browser_secret if begun.form else "",
        amount=bill.amount,
        amount_text=bill.amount_text,
        product_name=bill.product_name,
        plan_name=bill.plan_name,
        lines=[Line(**asdict(line)) for line in bill.lines],
        today_text=bill.today_text,
        then_text=bill.then_text,
        expires_at=capture.expires_at,
        status_url=f"/api/payments/status/{capture.id}",
    )
