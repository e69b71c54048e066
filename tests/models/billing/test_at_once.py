"""Everybody at once, on committed data and connections of their own: still exactly one."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import Customer, EventOutcome, Invoice, PaymentAttempt, ProviderEvent
from models.billing.checkout_state import checkout_of, checkout_state
from models.billing.complete_checkout import complete_checkout
from models.billing.hear_psp import hear_psp
from models.billing.hear_vault import hear_vault
from models.billing.number_invoice import next_number
from models.billing.resolve_unknown import look_into, resolve_unknown
from models.session import staff_reading, unit_of_work
from tests.checkouts import ANSWER_LOST, GOOD, begin, pay, put_on_sale, typed_card
from tests.stored import count

pytestmark = pytest.mark.usefixtures("committed", "now")


def at_once(*acts):
    """Run every act in a thread of its own; gives their answers, raises what any raised."""
    with ThreadPoolExecutor(len(acts)) as threads:
        return [asked.result() for asked in [threads.submit(act) for act in acts]]


def test_the_callback_twenty_times_at_once(twin):
    begun = begin(put_on_sale())
    raw, secret = typed_card(twin, begun.form.capture_id, GOOD)

    answers = at_once(*[lambda: hear_vault(raw, secret).status] * 20)

    assert answers == [200] * 20
    assert len(twin.paid) == count(Invoice) == count(Customer) == count(PaymentAttempt) == 1
    with staff_reading() as session:
        event = session.scalars(select(ProviderEvent)).one()
    assert (event.outcome, event.repeats) == (EventOutcome.POSTED, 19)


def test_answer_webhook_page_and_sweep_at_once(twin):
    begun = begin(put_on_sale())
    pay(twin, begun, ANSWER_LOST)
    clock.advance(timedelta(seconds=30))
    [payment] = twin.paid
    body = {"id": "evt", "type": "payment_intent.succeeded", "payment": payment.payment_id}
    raw = json.dumps(body).encode()

    at_once(
        *[lambda: hear_psp(raw, "twin")] * 4,
        *[lambda: look_into(begun.capture.id)] * 4,
        *[resolve_unknown] * 2,
        *[lambda: complete_checkout(begun.capture.id)] * 2,
    )

    assert count(Invoice) == count(Customer) == len(twin.paid) == 1
    assert look_into(begun.capture.id).status == "succeeded"


def test_a_look_that_the_payment_overtakes_never_says_that_nothing_was_charged(twin):
    begun = begin(put_on_sale())
    with staff_reading() as session:
        seen = checkout_of(session, begun.capture.id)  # what this look has read up to now
        pay(twin, begun)
        state = checkout_state(session, begun.capture.id, now=clock.now())

    assert seen.status == "PENDING"
    assert (state.status, state.retry) == ("processing", False)
    assert look_into(begun.capture.id).status == "succeeded"


def test_two_windows_at_once(twin):
    key = put_on_sale()
    windows = [begin(key) for _ in range(6)]

    at_once(*[lambda begun=begun: pay(twin, begun) for begun in windows])
    clock.advance(timedelta(seconds=30))
    resolve_unknown()

    assert count(Customer) == count(Invoice) == len(twin.paid) == 1


def test_people_who_buy_at_once_get_numbers_without_gap(twin):
    key = put_on_sale()
    begun = [begin(key, f"p{number}@example.org") for number in range(10)]

    at_once(*[lambda one=one: pay(twin, one) for one in begun])

    with staff_reading() as session:
        numbers = session.scalars(select(Invoice.number).order_by(Invoice.number)).all()
    assert numbers == [f"WS-2026-{number:06d}" for number in range(1, 11)]


def test_a_number_rolled_back_is_given_again(now):
    def give_and_break():
        with unit_of_work() as session:
            assert next_number(session, "WS", at=now) == "WS-2026-000001"
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        give_and_break()
    with unit_of_work() as session:
        assert next_number(session, "WS", at=now) == "WS-2026-000001"
