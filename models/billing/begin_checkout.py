"""Beginning a checkout, and beginning it again with another card: rows, then the vault's form.

These are compositions: each opens its own units of work around the call outside, so they
are called by edges and simulations, never inside a transaction.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from models import clock
from models.accounts.site import machine_url
from models.billing.capture_endpoint import CaptureEndpoint
from models.billing.choose_provider import current_provider
from models.billing.provider import (
    Capture,
    CaptureRequest,
    ProviderUnavailable,
)
from models.billing.quote import Quote
from models.billing.retry_card import retry_card
from models.billing.settle_purchase import settle_purchase
from models.billing.start_checkout import (
    CheckoutAsked,
    give_up_checkout,
    keep_card_form,
    start_checkout,
)
from models.oversight import Actor
from models.secrets import new_token
from models.session import unit_of_work

log = logging.getLogger(__name__)

CALLBACK_PATH = "/api/payments/pci-vault/callback"


@dataclass(frozen=True)
class BegunCheckout:
    """A checkout and the card form that waits for it; no form where nothing is ever to pay."""

    capture: CaptureEndpoint
    form: Capture | None = field(repr=False)


def begin_checkout(asked: CheckoutAsked, *, actor: Actor) -> BegunCheckout:
    """Open a checkout and its card form.

    What costs nothing, now and ever, is settled at once without a card. Raises NotOnSale,
    ConsentMissing, NotAnAddress, Suspended, AlreadyCustomer, or ProviderUnavailable, after
    which the checkout is ended.
    """
    with unit_of_work() as session:
        now = clock.now()
        capture = start_checkout(session, asked, actor=actor, now=now)
        if not Quote.from_json(capture.quote).needs_card:
            settle_purchase(session, capture, attempt=None, payment=None, actor=actor, now=now)
            return BegunCheckout(capture, None)
    return open_form(capture, actor=actor)


def open_form(capture: CaptureEndpoint, *, actor: Actor) -> BegunCheckout:
    """The card form of a checkout that has just begun.

    Raises ProviderUnavailable, after which the checkout is ended.
    """
    try:
        return _with_form(capture)
    except ProviderUnavailable as refusal:
        with unit_of_work() as session:
            give_up_checkout(session, capture.id, because=refusal.code, actor=actor)
        raise


def try_another_card(capture_id: UUID, *, actor: Actor) -> BegunCheckout:
    """A fresh card form for a checkout whose last card was refused.

    Where the form still waits for its card, another is opened for the same try. Raises
    Missing, CheckoutOver, StillUnderWay or ProviderUnavailable (it may be asked again).
    """
    with unit_of_work() as session:
        capture = retry_card(session, capture_id, actor=actor, now=clock.now())
    return _with_form(capture)


def _with_form(capture: CaptureEndpoint) -> BegunCheckout:
    secret = new_token()
    form = current_provider().open_capture(
        CaptureRequest(
            checkout_id=str(capture.id),
            try_no=capture.try_no,
            reference=str(capture.user_id),
            webhook_url=f"{machine_url()}{CALLBACK_PATH}",
            webhook_secret=secret,
            ttl_minutes=_minutes_left(capture),
        )
    )
    with unit_of_work() as session:
        kept = keep_card_form(
            session, capture.id, form, try_no=capture.try_no, webhook_secret=secret
        )
    return BegunCheckout(kept, form)


def _minutes_left(capture: CaptureEndpoint) -> int:
    """Whole minutes until the checkout expires, rounded up: our own expiry is what counts."""
    return max(1, -(-(capture.expires_at - clock.now()) // timedelta(minutes=1)))
