"""Checkouts that the bank confirms once there is nothing left to pay: the page says what became
of the money, and stops asking."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import (
    CaptureEndpoint,
    CaptureStatus,
    Customer,
    Invoice,
    PaymentMethod,
)
from models.billing.begin_card_update import begin_card_update
from models.billing.cancel_now import cancel_now
from models.billing.checkout_state import CLOSED, OF_A_CARD, TWICE, CheckoutStatus
from models.billing.expire_captures import expire_and_close
from models.billing.resolve_unknown import look_into
from models.session import staff_reading, unit_of_work
from tests.checkouts import ASKS_BANK, begin, buy, pay, put_on_sale
from tests.models.billing.subscribers import OWNER
from tests.stored import count

pytestmark = pytest.mark.usefixtures("committed", "now")


def expire(begun):
    clock.advance(timedelta(minutes=16))
    expire_and_close()
    with staff_reading() as session:
        assert session.get(CaptureEndpoint, begun.capture.id).status is CaptureStatus.EXPIRED


def say_yes(twin, begun):
    """The buyer confirms at the bank after all and comes back; gives what the page says."""
    [waiting] = [each for each in twin.payments.values() if each.redirect_url]
    twin.answer_bank(waiting.payment_id, authorised=True)
    clock.advance(timedelta(seconds=5))
    return look_into(begun.capture.id, back_from_bank=True)


def test_a_second_payment_is_said_to_be_given_back(twin):
    key = put_on_sale()
    first = begin(key)
    pay(twin, first, ASKS_BANK)
    expire(first)
    buy(twin, key)

    states = [say_yes(twin, first), look_into(first.capture.id)]

    assert [(each.status, each.message) for each in states] == [
        (CheckoutStatus.DECLINED, TWICE)
    ] * 2
    assert count(Customer) == count(Invoice) == 1


def test_a_card_of_a_purchase_that_ended_is_said_not_to_be_kept(twin):
    buy(twin, put_on_sale())
    with staff_reading() as session:
        customer_id = session.scalars(select(Customer.id)).one()
    begun = begin_card_update(customer_id, locale="en", actor=OWNER)
    pay(twin, begun, ASKS_BANK)
    expire(begun)
    with unit_of_work() as session:
        cancel_now(session, customer_id, reason="asked", actor=OWNER, now=clock.now())

    state = say_yes(twin, begun)

    assert (state.status, state.message) == (CheckoutStatus.DECLINED, OF_A_CARD[CLOSED])
    assert count(PaymentMethod) == 1
