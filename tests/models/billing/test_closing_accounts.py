"""The end of an account beside its payments: nobody is charged after they are gone."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from time import sleep

import pytest
from sqlalchemy import select, update

from models import clock
from models.accounts import DataRequestStatus, Platform, User, user_by_email
from models.accounts.delete_account import ask_deletion, delete_account
from models.accounts.signals import account_closing
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CaptureStatus,
    Customer,
    Invoice,
    PaymentAttempt,
    PaymentMethod,
    ProviderEvent,
)
from models.billing.buyer import BUYER_GONE
from models.billing.checkout_state import GONE
from models.billing.complete_checkout import complete_checkout
from models.billing.expire_captures import expire_and_close
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.on_closing import CheckoutUnderWay
from models.billing.receive_card import note_card, read_vault_word, take_card
from models.billing.resolve_unknown import look_into
from models.catalog import BillingInterval
from models.errors import DomainError
from models.oversight import SYSTEM, Actor
from models.session import staff_reading, unit_of_work
from tests.admin_views.conftest import purchase
from tests.checkouts import (
    ANSWER_LOST,
    ASKS_BANK,
    DECLINED,
    GOOD,
    begin,
    pay,
    put_on_sale,
    typed_card,
)
from tests.factories import Make
from tests.stored import count, one

pytestmark = pytest.mark.usefixtures("committed", "now")

BOB = "bob@example.org"


def ask():
    """Bob asks for the end of his account; gives the request's key."""
    with unit_of_work() as session:
        bob = user_by_email(session, Platform.STAM, BOB)
        actor = Actor(role=bob.user_type, user_id=bob.id)
        return ask_deletion(session, bob.id, actor=actor, now=clock.now()).id


def delete(request_id):
    with unit_of_work() as session:
        return delete_account(session, request_id, actor=SYSTEM, now=clock.now()).status


def is_gone():
    with staff_reading() as session:
        return session.scalars(select(User.closed_at)).one() is not None


@pytest.fixture
def asked():
    """Bob's request, whose seven days are over."""
    with unit_of_work() as session:
        Make(session).user(BOB)
    request_id = ask()
    clock.advance(timedelta(days=7))
    return request_id


class TestHold:
    def test_while_a_checkout_is_open(self, twin, asked):
        begin(put_on_sale())

        with pytest.raises(CheckoutUnderWay):
            delete(asked)

        clock.advance(timedelta(minutes=15))
        assert delete(asked) is DataRequestStatus.DONE

    def test_refuses_the_asking_too(self, twin):
        begin(put_on_sale())

        with pytest.raises(CheckoutUnderWay):
            ask()

    @pytest.mark.parametrize("card", [ANSWER_LOST, ASKS_BANK])
    def test_while_a_charge_may_still_succeed(self, twin, asked, card):
        pay(twin, begin(put_on_sale()), card)
        clock.advance(timedelta(minutes=20))
        expire_and_close()

        with pytest.raises(CheckoutUnderWay):
            delete(asked)

    def test_not_after_a_decline_whose_checkout_is_over(self, twin, asked):
        pay(twin, begin(put_on_sale()), DECLINED)
        clock.advance(timedelta(minutes=15))

        assert delete(asked) is DataRequestStatus.DONE

    def test_of_an_invoices_charge(self, twin, asked):
        with unit_of_work() as session:
            make = Make(session)
            bob = user_by_email(session, Platform.STAM, BOB)
            invoice = purchase(make, plan=make.plan(), user=bob)
            session.add(
                PaymentAttempt(
                    invoice_id=invoice.id, attempt_no=1, idempotency_key="inv_x_1", amount=100
                )
            )

        with pytest.raises(CheckoutUnderWay):
            delete(asked)


class TestClose:
    @pytest.mark.parametrize("card", [GOOD, DECLINED])
    def test_forgets_how_cards_are_charged(self, twin, asked, card):
        pay(twin, begin(put_on_sale(billing_interval=BillingInterval.LIFETIME)), card)
        clock.advance(timedelta(minutes=15))
        with unit_of_work() as session:
            for table in (CaptureEndpoint, PaymentMethod):
                session.execute(update(table).values(card_fingerprint="print"))

        delete(asked)

        capture = one(CaptureEndpoint)
        for name in ("vault_token", "vault_reference", "psp_customer_id"):
            assert getattr(capture, name) is None
        assert (capture.psp_payment_method_id, capture.capture_url) == (None, None)
        assert (capture.consent_ip is None) is (card is DECLINED)
        assert (capture.card_fingerprint is None) is (card is DECLINED)
        assert capture.last4 == card[-4:]
        if card is GOOD:
            kept = one(PaymentMethod)
            assert kept.vault_token == kept.vault_reference == kept.psp_customer_id == ""
            assert (kept.psp_payment_method_id, kept.card_fingerprint) == ("", None)
            assert (kept.last4, kept.is_default) == ("4242", False)
            assert one(Customer).default_payment_method_id is None


class TestGoneMeanwhile:
    def test_a_card_that_comes_after_is_not_charged(self, twin):
        begun = begin(put_on_sale())
        raw, secret = typed_card(twin, begun.form.capture_id, GOOD)
        with unit_of_work() as session:
            note_card(session, read_vault_word(raw), secret=secret, now=clock.now())
        with unit_of_work() as session:
            take_card(session, read_vault_word(raw), now=clock.now())
        with unit_of_work() as session:
            user = user_by_email(session, Platform.STAM, BOB)
            user.closed_at = clock.now()

        complete_checkout(begun.capture.id)

        capture = one(CaptureEndpoint)
        assert (capture.status, capture.last_decline_code) == (CaptureStatus.FAILED, BUYER_GONE)
        assert capture.vault_token is None
        assert twin.captures == {}
        assert twin.paid == []
        assert count(PaymentAttempt) == count(Customer) == 0

    def test_money_that_comes_for_what_was_given_up_buys_nothing(self, twin, asked):
        begun = begin(put_on_sale())
        twin.fail_next("charge", Fault.LOST_AFTER)
        pay(twin, begun)
        with unit_of_work() as session:
            session.scalars(select(PaymentAttempt)).one().become(AttemptOutcome.ERROR)
        clock.advance(timedelta(minutes=15))
        expire_and_close()
        delete(asked)

        body = {"type": "payment_intent.succeeded", "payment": twin.paid[0].payment_id}
        hear_psp(json.dumps({"id": "evt_1", **body}).encode(), "twin")

        assert count(Customer) == count(Invoice) == 0
        assert look_into(begun.capture.id).message == GONE
        with staff_reading() as session:
            reasons = session.scalars(select(ProviderEvent.reason)).all()
        assert "paid_after_account_deleted" in reasons


class TestAtOnce:
    @contextmanager
    def while_closing(self, act):
        """Start an act of somebody else's while the account is being emptied."""
        with ThreadPoolExecutor(1) as threads:

            def start(_sender, **_more):
                self.asked = threads.submit(act)
                sleep(0.5)

            with account_closing.connected_to(start):
                yield

    def test_a_checkout_that_began_while_the_account_ended_charges_nothing(self, twin, asked):
        key = put_on_sale()

        with self.while_closing(lambda: pay(twin, begin(key))):
            delete(asked)

        self.asked.result()
        assert is_gone()
        assert twin.paid == []
        assert count(Customer) == 0

    def test_a_card_and_the_end_are_one_after_the_other(self, twin):
        key = put_on_sale()
        for number in range(6):
            email = f"p{number}@example.org"
            with unit_of_work() as session:
                user = Make(session).user(email)
                actor = Actor(role=user.user_type, user_id=user.id)
                request = ask_deletion(session, user.id, actor=actor, now=clock.now()).id
            clock.advance(timedelta(days=7))

            def end(request=request):
                try:
                    return delete(request) is DataRequestStatus.DONE
                except DomainError:
                    return False

            with ThreadPoolExecutor(2) as threads:
                ended = threads.submit(end)
                threads.submit(lambda email=email: pay(twin, begin(key, email))).result()
            with staff_reading() as session:
                running = session.scalars(
                    select(Customer).join(Customer.user).where(User.id == user.id)
                ).all()
            assert bool(running) is not ended.result()
