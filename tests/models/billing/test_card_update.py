"""Another card for a running purchase: the checkout's form and callback, and what is due paid."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CapturePurpose,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceStatus,
    PaymentAttempt,
    PaymentMethod,
)
from models.billing.begin_card_update import begin_card_update
from models.billing.begin_checkout import try_another_card
from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.charge_new_card import charge_new_card, charge_new_cards, oldest_untried
from models.billing.checkout_state import CheckoutStatus
from models.billing.hear_vault import hear_vault
from models.billing.in_process import Fault
from models.billing.provider import ProviderUnavailable
from models.billing.receive_card import note_card, read_vault_word, take_card
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import look_into, resolve_unknown
from models.billing.standing import Complimentary, NeverRenews, NotRunning
from models.catalog import BillingInterval
from models.session import staff_reading, unit_of_work
from tests.checkouts import (
    ASKS_BANK,
    DECLINED,
    DECLINED_LATER,
    GOOD,
    STOLEN,
    buy,
    pay,
    put_on_sale,
    typed_card,
)
from tests.factories import Make
from tests.models.billing.subscribers import OWNER, subscribe

pytestmark = pytest.mark.usefixtures("committed", "now")


class Subscriber:
    """Somebody who bought a monthly plan with some card."""

    def __init__(self, twin, card=GOOD, **plan):
        self.twin = twin
        buy(twin, put_on_sale(**plan), card=card)
        with staff_reading() as session:
            self.id = session.scalars(select(Customer.id)).one()

    def begin(self):
        return begin_card_update(self.id, locale="en", actor=OWNER)

    def give(self, card):
        """Type another card; gives the checkout's state."""
        begun = self.begin()
        pay(self.twin, begun, card)
        return look_into(begun.capture.id)

    @property
    def row(self):
        with staff_reading() as session:
            return session.get(Customer, self.id)

    @property
    def card(self):
        with staff_reading() as session:
            return session.get(
                PaymentMethod, session.get(Customer, self.id).default_payment_method_id
            )

    def all(self, entity):
        with staff_reading() as session:
            return session.scalars(select(entity).order_by(entity.id)).all()

    def fail_renewal(self):
        """Let the first renewal be declined."""
        clock.move_to(self.row.subscription_ends_at)
        renew_due()
        assert self.row.status is CustomerStatus.PAST_DUE


@pytest.fixture
def subscriber(twin):
    return Subscriber(twin)


class TestNewCard:
    def test_becomes_the_default_one_and_charges_nothing(self, subscriber):
        before = subscriber.card
        state = subscriber.give(DECLINED_LATER)
        assert (state.status, state.redirect_url) == (CheckoutStatus.SUCCEEDED, "/settings")
        assert subscriber.card.last4 == "0341"
        assert len(subscriber.twin.paid) == 1
        cards = subscriber.all(PaymentMethod)
        assert [card.is_default for card in cards] == [False, True]
        assert cards[0].id == before.id
        capture = subscriber.all(CaptureEndpoint)[-1]
        assert (capture.purpose, capture.amount, capture.vault_token) == (
            CapturePurpose.CARD,
            0,
            None,
        )

    def test_keeps_the_psps_customer(self, subscriber):
        before = subscriber.card.psp_customer_id
        subscriber.give(GOOD)
        assert subscriber.card.psp_customer_id == before

    def test_pays_the_next_renewal(self, subscriber):
        subscriber.give(GOOD)
        clock.move_to(subscriber.row.subscription_ends_at)
        renew_due()
        assert subscriber.twin.paid[-1].payment_method_id == subscriber.card.psp_payment_method_id

    def test_declined_leaves_the_former_and_may_be_followed_by_another(self, subscriber):
        before = subscriber.card.id
        begun = subscriber.begin()
        pay(subscriber.twin, begun, DECLINED)
        state = look_into(begun.capture.id)
        assert (state.status, state.retry) == (CheckoutStatus.DECLINED, True)
        assert subscriber.card.id == before
        pay(subscriber.twin, try_another_card(begun.capture.id, actor=OWNER), GOOD)
        assert look_into(begun.capture.id).status is CheckoutStatus.SUCCEEDED
        assert subscriber.card.id != before

    def test_passes_by_the_bank(self, subscriber):
        begun = subscriber.begin()
        pay(subscriber.twin, begun, ASKS_BANK)
        state = look_into(begun.capture.id)
        assert state.status is CheckoutStatus.ACTION_REQUIRED
        [waiting] = [p for p in subscriber.twin.payments.values() if p.redirect_url]
        subscriber.twin.answer_bank(waiting.payment_id, authorised=True)
        clock.advance(timedelta(seconds=5))
        assert look_into(begun.capture.id, back_from_bank=True).status is CheckoutStatus.SUCCEEDED
        assert subscriber.card.last4 == "3155"

    def test_the_callback_twice_keeps_one_card(self, subscriber):
        begun = subscriber.begin()
        raw, secret = typed_card(subscriber.twin, begun.form.capture_id, GOOD)
        assert [hear_vault(raw, secret).status for _ in range(2)] == [200, 200]
        assert len(subscriber.all(PaymentMethod)) == 2

    def test_of_a_purchase_that_ended_meanwhile_is_not_kept(self, subscriber):
        begun = subscriber.begin()
        with unit_of_work() as session:
            cancel_now(session, subscriber.id, reason="asked", actor=OWNER, now=clock.now())
        pay(subscriber.twin, begun, GOOD)
        assert look_into(begun.capture.id).status is CheckoutStatus.DECLINED
        assert len(subscriber.all(PaymentMethod)) == 1

    def test_without_the_vault_the_form_is_ended(self, subscriber):
        subscriber.twin.fail_next("open_capture", Fault.NOT_SENT)
        with pytest.raises(ProviderUnavailable):
            subscriber.begin()


class TestRefusals:
    @pytest.mark.parametrize(
        ("refusal", "values"),
        [
            (NotRunning, {"status": CustomerStatus.EXPIRED, "next_charge_at": None}),
            (Complimentary, {"is_complimentary": True, "next_charge_at": None}),
        ],
        ids=["ended", "given"],
    )
    def test_of_what_is_never_charged_again(self, twin, refusal, values):
        with unit_of_work() as session:
            customer = subscribe(Make(session), **values)
        with pytest.raises(refusal):
            begin_card_update(customer.id, locale="en", actor=OWNER)

    def test_of_what_was_bought_for_good(self, twin):
        with unit_of_work() as session:
            make = Make(session)
            plan = make.plan(billing_interval=BillingInterval.LIFETIME)
            customer = subscribe(make, plan, subscription_ends_at=None, next_charge_at=None)
        with pytest.raises(NeverRenews):
            begin_card_update(customer.id, locale="en", actor=OWNER)


class TestPastDue:
    @pytest.fixture
    def late(self, twin):
        late = Subscriber(twin, DECLINED_LATER)
        late.fail_renewal()
        return late

    def test_what_is_due_is_charged_at_once(self, late):
        late.give(GOOD)
        charge_new_card(late.id)  # the job that the new card asked for
        row = late.row
        assert (row.status, row.dunning_step, row.first_failed_at) == (
            CustomerStatus.ACTIVE,
            0,
            None,
        )
        assert [each.status for each in late.all(Invoice)] == [InvoiceStatus.PAID] * 2
        assert len(late.twin.paid) == 2

    def test_twice_charges_once(self, late):
        late.give(GOOD)
        assert charge_new_card(late.id) is AttemptOutcome.SUCCEEDED
        assert charge_new_card(late.id) is None
        assert charge_new_cards() == {"cards": 0, "errors": 0}
        assert len(late.twin.paid) == 2

    def test_the_sweep_finds_it_where_the_job_was_lost(self, late):
        late.give(GOOD)
        assert charge_new_cards() == {"cards": 1, "errors": 0}
        assert late.row.status is CustomerStatus.ACTIVE

    def test_a_card_that_is_refused_uses_up_no_retry_and_is_tried_once(self, late):
        clock.advance(timedelta(hours=1))
        before = late.row
        late.give(DECLINED_LATER)  # set up, then declined
        assert charge_new_card(late.id) is AttemptOutcome.DECLINED
        assert charge_new_cards()["cards"] == 0
        after = late.row
        assert (after.status, after.dunning_step) == (CustomerStatus.PAST_DUE, 0)
        assert after.next_charge_at == before.next_charge_at
        assert len(late.all(PaymentAttempt)) == 4  # bought, renewed, set up, tried

    def test_an_error_is_no_answer_and_it_is_tried_again_an_hour_later(self, late):
        late.give(GOOD)
        late.twin.fail_next("charge", Fault.NOT_SENT)
        assert charge_new_card(late.id) is AttemptOutcome.ERROR
        assert charge_new_card(late.id) is None
        assert charge_new_cards()["cards"] == 0
        with staff_reading() as session:
            assert session.scalar(oldest_untried()) == clock.now() + timedelta(hours=1)
        clock.advance(timedelta(hours=1))
        assert charge_new_cards() == {"cards": 1, "errors": 0}
        assert (late.row.status, len(late.twin.paid)) == (CustomerStatus.ACTIVE, 2)

    def test_errors_without_end_leave_it_to_the_next_retry(self, late):
        late.give(GOOD)
        late.twin.fail_next("charge", Fault.NOT_SENT, times=10)
        tried = []
        for _ in range(5):
            tried.append(charge_new_cards()["cards"])
            clock.advance(timedelta(hours=1))
        assert tried == [1, 1, 1, 0, 0]
        with staff_reading() as session:
            assert session.scalar(oldest_untried()) is None
        assert (late.row.status, late.row.dunning_step) == (CustomerStatus.PAST_DUE, 0)

    def test_who_cancelled_is_not_charged(self, twin):
        late = Subscriber(twin, DECLINED_LATER)
        clock.move_to(late.row.subscription_ends_at - timedelta(hours=10))
        renew_due()
        with unit_of_work() as session:
            cancel_subscription(session, late.id, actor=OWNER, now=clock.now())
        late.give(GOOD)
        assert charge_new_card(late.id) is None
        assert len(twin.paid) == 1

    def test_a_stolen_card_ends_no_subscription_when_it_is_refused_outright(self, late):
        late.give(STOLEN)
        assert late.row.status is CustomerStatus.PAST_DUE


def test_a_card_whose_job_was_lost_is_found(twin):
    subscriber = Subscriber(twin)
    begun = subscriber.begin()

    raw, secret = typed_card(twin, begun.form.capture_id, GOOD)
    word = read_vault_word(raw)
    with unit_of_work() as session:
        note_card(session, word, secret=secret, now=clock.now())
    with unit_of_work() as session:
        take_card(session, word, now=clock.now())
    clock.advance(timedelta(seconds=30))
    resolve_unknown()
    assert look_into(begun.capture.id).status is CheckoutStatus.SUCCEEDED
