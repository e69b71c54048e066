"""Buys through the whole composition with the in-process twin, on committed data."""

import json
from contextlib import contextmanager

from models import clock
from models import session as boundary
from models.billing.begin_checkout import begin_checkout
from models.billing.choose_provider import use_provider
from models.billing.complete_checkout import complete_checkout
from models.billing.hear_vault import hear_vault
from models.billing.start_checkout import CheckoutAsked
from models.oversight import NOBODY
from models.session import unit_of_work
from tests.factories import Make

GOOD = "4242424242424242"
DECLINED = "4000000000000002"
NO_FUNDS = "4000000000009995"
STOLEN = "4000000000009979"
DECLINED_LATER = "4000000000000341"
ASKS_BANK = "4000002500003155"
ANSWER_LOST = "4000000000000119"
CONSENT = "I ask for immediate access."


@contextmanager
def charged_by(provider):
    """A provider in memory for a block, and no queue: what follows is done by who is asked."""
    sent_with = boundary._send
    use_provider(provider)
    boundary.send_with(None)
    try:
        yield provider
    finally:
        boundary.send_with(sent_with)
        use_provider(None)


def asked_for(button_key, email="bob@example.org", **changes):
    values = {"consent_text": CONSENT, "ip": "203.0.113.7", "user_agent": "Test", **changes}
    return CheckoutAsked(button_key=button_key, email=email, **values)


def put_on_sale(key="offer", **plan):
    """A committed button on a committed plan; gives its key."""
    with unit_of_work() as session:
        make = Make(session)
        make.button(key, plan=make.plan(f"plan-{key}", **plan))
    return key


def begin(button_key, email="bob@example.org", **changes):
    return begin_checkout(asked_for(button_key, email, **changes), actor=NOBODY)


def typed_card(twin, capture_id, number):
    """Type a test card into an open form: the vault's callback as (raw body, secret header)."""
    request = twin.captures[capture_id]
    card = twin.enter_card(number, reference=request.reference)
    shown = {
        "card_holder": "J DOE",
        "last_four": card.last4,
        "card_type": card.brand,
        "expiry": f"{card.exp_month:02d}/{card.exp_year % 100:02d}",
    }
    body = {
        "metadata": {"checkout_id": request.checkout_id, "try_no": request.try_no},
        "token_info": {
            "token": card.token,
            "reference": card.reference,
            "stored_at": clock.now().isoformat(),
            "safe_data": json.dumps(shown),
        },
    }
    return json.dumps(body).encode(), request.webhook_secret


def pay(twin, begun, card=GOOD):
    """Type a card into a begun checkout's form and let the vault tell us."""
    raw, secret = typed_card(twin, begun.form.capture_id, card)
    return hear_vault(raw, secret)


def buy(twin, button_key, email="bob@example.org", card=GOOD, **changes):
    """A whole purchase; gives the checkout's id."""
    begun = begin(button_key, email, **changes)
    if begun.form is not None:  # where something is ever to pay
        pay(twin, begun, card)
    complete_checkout(begun.capture.id)  # a second call, as the sweep's, changes nothing
    return begun.capture.id
