"""From the vault's callback to the PSP's last word: what each does, once and again."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CaptureStatus,
    Customer,
    EventOutcome,
    Invoice,
    PaymentAttempt,
    ProviderEvent,
)
from models.billing.begin_checkout import try_another_card
from models.billing.complete_checkout import complete_checkout
from models.billing.expire_captures import expire_and_close
from models.billing.hear_psp import hear_psp
from models.billing.hear_vault import hear_vault
from models.billing.in_process import Fault
from models.billing.provider import BadSignature, Payment, PaymentOutcome, ProviderUnavailable
from models.billing.receive_card import UnreadableCallback
from models.billing.record_answer import record_answer
from models.billing.resolve_unknown import look_into, resolve_unknown
from models.billing.retry_card import StillUnderWay
from models.billing.start_checkout import CheckoutOver
from models.errors import IllegalTransition, Missing
from models.ids import new_id
from models.oversight import NOBODY, SYSTEM
from models.session import staff_reading, unit_of_work
from models.settings import use_settings
from tests.checkouts import (
    ANSWER_LOST,
    ASKS_BANK,
    DECLINED,
    GOOD,
    NO_FUNDS,
    STOLEN,
    begin,
    buy,
    pay,
    put_on_sale,
    typed_card,
)
from tests.stored import count

pytestmark = pytest.mark.usefixtures("committed", "now")


def read(entity):
    with staff_reading() as session:
        return session.scalars(select(entity).order_by(entity.id)).all()


def later(**delay):
    clock.advance(timedelta(**delay))


@pytest.fixture
def begun(twin):
    return begin(put_on_sale())


def webhook(payment, event_id="evt_1", kind="payment_intent.succeeded"):
    return json.dumps({"id": event_id, "type": kind, "payment": payment.payment_id}).encode()


class TestVaultCallback:
    def test_a_card_is_charged_once_however_often_it_is_told(self, twin, begun):
        raw, secret = typed_card(twin, begun.form.capture_id, GOOD)

        answers = [hear_vault(raw, secret).status for _ in range(5)]

        assert answers == [200] * 5
        assert len(twin.paid) == count(Invoice) == count(Customer) == 1
        [event] = read(ProviderEvent)
        assert (event.outcome, event.repeats) == (EventOutcome.POSTED, 4)

    @pytest.mark.parametrize(("secret", "status"), [(None, 401), ("", 401), ("wrong", 403)])
    def test_a_wrong_secret_changes_nothing_and_is_kept(self, twin, begun, secret, status):
        raw, _ = typed_card(twin, begun.form.capture_id, GOOD)

        assert [hear_vault(raw, secret).status for _ in range(2)] == [status] * 2
        [event] = read(ProviderEvent)
        assert (event.outcome, event.repeats) == (EventOutcome.IGNORED, 1)
        assert read(CaptureEndpoint)[0].card_received_at is None

    def test_a_checkout_that_never_was(self, twin, begun):
        raw, secret = typed_card(twin, begun.form.capture_id, GOOD)
        other = raw.replace(str(begun.capture.id).encode(), str(new_id()).encode())

        assert hear_vault(other, secret).status == 410
        assert read(ProviderEvent)[0].reason == "unknown_checkout"

    def test_an_expired_checkout_answers_gone_and_charges_nothing(self, twin, begun):
        raw, secret = typed_card(twin, begun.form.capture_id, GOOD)
        later(minutes=15)

        assert hear_vault(raw, secret).status == 410
        assert twin.paid == []
        assert look_into(begun.capture.id).status == "expired"

    def test_an_older_try_changes_nothing(self, twin, begun):
        old, old_secret = typed_card(twin, begun.form.capture_id, GOOD)
        pay(twin, begun, DECLINED)
        again = try_another_card(begun.capture.id, actor=NOBODY)

        assert hear_vault(old, old_secret).status == 200
        assert twin.paid == []
        pay(twin, again, GOOD)
        assert len(twin.paid) == 1

    @pytest.mark.parametrize(
        "raw", [b"", b"{}", b"[1]", b"\xff", b'{"metadata": 1, "token_info": {}}', b"null"]
    )
    def test_what_is_no_callback_is_refused(self, twin, raw):
        with pytest.raises(UnreadableCallback):
            hear_vault(raw, "secret")

    def test_neither_token_nor_number_is_kept_in_the_event(self, twin, begun):
        raw, secret = typed_card(twin, begun.form.capture_id, GOOD)
        told = json.loads(raw)
        told["token_info"]["stored_at"] = "4242 4242 4242 4242"
        hear_vault(json.dumps(told).encode(), secret)

        [event] = read(ProviderEvent)
        assert "4242 4242" not in json.dumps(event.body)
        assert told["token_info"]["token"] not in json.dumps(event.body)

    def test_a_lost_job_is_found_by_the_sweep(self, twin, begun):
        self.take_without_charging(twin, begun)
        later(seconds=10)

        assert resolve_unknown()["found"] == 1
        assert len(twin.paid) == 1

    def test_a_late_job_is_done_by_the_page_that_asks(self, twin, begun):
        self.take_without_charging(twin, begun)
        assert look_into(begun.capture.id).status == "processing"
        later(seconds=6)

        assert look_into(begun.capture.id).status == "succeeded"

    def take_without_charging(self, twin, begun):
        from models.session import send_with

        send_with(lambda job, args: None)
        pay(twin, begun)
        send_with(None)
        assert twin.paid == []


class TestDeclines:
    @pytest.mark.parametrize(
        ("card", "code", "words"),
        [
            (DECLINED, "generic_decline", "Your bank declined"),
            (NO_FUNDS, "insufficient_funds", "not enough money"),
            (STOLEN, "stolen_card", "cannot be used"),
        ],
    )
    def test_a_declined_card_says_why_and_another_may_be_tried(
        self, twin, begun, card, code, words
    ):
        pay(twin, begun, card)

        state = look_into(begun.capture.id)
        assert (state.status, state.retry) == ("declined", True)
        assert words in state.message
        assert read(PaymentAttempt)[0].decline_code == code
        pay(twin, try_another_card(begun.capture.id, actor=NOBODY), GOOD)
        assert look_into(begun.capture.id).status == "succeeded"
        attempts = read(PaymentAttempt)
        assert {attempt.attempt_no: attempt.outcome for attempt in attempts} == {
            1: AttemptOutcome.DECLINED,
            2: AttemptOutcome.SUCCEEDED,
        }
        assert read(Invoice)[0].number == "WS-2026-000001"

    def test_no_other_card_once_the_checkout_expired(self, twin, begun):
        pay(twin, begun, DECLINED)
        later(minutes=15)

        with pytest.raises(CheckoutOver):
            try_another_card(begun.capture.id, actor=NOBODY)

    def test_no_other_card_after_success_or_for_nothing(self, twin, begun):
        pay(twin, begun)

        with pytest.raises(CheckoutOver):
            try_another_card(begun.capture.id, actor=NOBODY)
        with pytest.raises(Missing):
            try_another_card(new_id(), actor=NOBODY)

    def test_another_form_while_none_was_filled_keeps_the_try(self, twin, begun):
        again = try_another_card(begun.capture.id, actor=NOBODY)

        assert again.capture.try_no == 1
        pay(twin, again)
        assert len(twin.paid) == 1

    def test_a_card_the_psp_refuses_to_keep(self, twin, begun):
        twin.fail_next("register_card", Fault.LOST_BEFORE)
        pay(twin, begun)

        state = look_into(begun.capture.id)
        assert (state.status, state.retry) == ("declined", True)
        assert "Nothing was charged" in state.message
        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.ERROR


class TestThreeDSecure:
    def pending(self, twin, begun):
        pay(twin, begun, ASKS_BANK)
        state = look_into(begun.capture.id)
        assert state.status == "action_required"
        assert state.redirect_url.startswith("https://bank.invalid/")
        return next(iter(twin.payments.values()))

    @pytest.mark.parametrize(("authorised", "ends"), [(True, "succeeded"), (False, "declined")])
    def test_there_and_back(self, twin, begun, authorised, ends):
        payment = self.pending(twin, begun)
        twin.answer_bank(payment.payment_id, authorised=authorised)
        later(seconds=2)

        assert look_into(begun.capture.id, back_from_bank=True).status == ends
        assert count(Invoice) == len(twin.paid) == int(authorised)

    def test_another_card_waits_for_the_banks_answer(self, twin, begun):
        self.pending(twin, begun)

        with pytest.raises(StillUnderWay):
            try_another_card(begun.capture.id, actor=NOBODY)

    def test_the_bank_says_yes_after_the_checkout_expired(self, twin, begun):
        payment = self.pending(twin, begun)
        later(minutes=20)
        assert expire_and_close()["expired"] == 1
        assert look_into(begun.capture.id).status == "expired"
        twin.answer_bank(payment.payment_id, authorised=True)
        later(seconds=30)

        assert resolve_unknown()["resolved"] == 1
        assert look_into(begun.capture.id).status == "succeeded"
        assert read(CaptureEndpoint)[0].status is CaptureStatus.COMPLETED

    def test_a_question_nobody_answers_is_given_up_after_a_day(self, twin, begun):
        self.pending(twin, begun)
        later(hours=25)
        expire_and_close()
        resolve_unknown()

        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.ERROR


class TestUnknownOutcome:
    def test_charged_without_an_answer_is_found_by_asking(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)
        assert look_into(begun.capture.id).status == "processing"
        with pytest.raises(StillUnderWay):
            try_another_card(begun.capture.id, actor=NOBODY)
        later(seconds=10)

        assert look_into(begun.capture.id).status == "succeeded"
        assert len(twin.paid) == count(Invoice) == 1

    def test_found_after_the_checkout_should_have_expired(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)
        later(minutes=30)
        assert expire_and_close()["expired"] == 0

        assert resolve_unknown()["resolved"] == 1
        assert count(Invoice) == 1

    def test_never_arrived_is_believed_after_the_safe_delay_only(self, twin, begun):
        twin.fail_next("charge", Fault.LOST_BEFORE)
        pay(twin, begun)
        later(minutes=2)
        resolve_unknown()
        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.PENDING
        later(minutes=1)
        resolve_unknown()

        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.ERROR
        state = look_into(begun.capture.id)
        assert (state.status, state.retry) == ("declined", True)

    def test_the_safe_delay_outlasts_three_calls_as_long_as_the_settings_allow(
        self, twin, begun, settings
    ):
        use_settings(settings.model_copy(update={"psp_timeout_seconds": 80}))
        twin.fail_next("charge", Fault.LOST_BEFORE)
        pay(twin, begun)
        later(seconds=3 * 85)
        resolve_unknown()
        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.PENDING
        later(seconds=90)
        resolve_unknown()

        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.ERROR

    def test_one_that_crashes_stops_nobody(self, twin, begun, monkeypatch):
        pay(twin, begun, ANSWER_LOST)
        other = begin("offer", "zoe@example.org")
        pay(twin, other, ANSWER_LOST)
        first = read(PaymentAttempt)[0]
        look_up = twin.look_up

        def crash(attempt_key, **more):
            if attempt_key == first.idempotency_key:
                raise ZeroDivisionError
            return look_up(attempt_key, **more)

        monkeypatch.setattr(twin, "look_up", crash)
        later(seconds=10)

        assert resolve_unknown() == {"asked": 2, "resolved": 1, "found": 0, "errors": 1}
        assert len(twin.paid) == 2
        assert count(Invoice) == 1

    def test_a_psp_that_cannot_be_asked_leaves_it_open(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)
        later(minutes=5)
        twin.fail_next("look_up", Fault.LOST_BEFORE)
        resolve_unknown()

        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.PENDING
        assert look_into(begun.capture.id).status == "error"

    def test_a_page_that_asks_every_second_asks_the_psp_every_ten(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)
        later(seconds=10)
        twin.fail_next("look_up", Fault.LOST_BEFORE, times=99)
        for _ in range(10):
            look_into(begun.capture.id)
            later(milliseconds=500)

        assert count(ProviderEvent) == 2  # the card, and one look-up

    def test_the_webhook_may_come_first(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)
        [payment] = twin.paid

        assert hear_psp(webhook(payment), "twin") is EventOutcome.POSTED
        assert look_into(begun.capture.id).status == "succeeded"


class TestPspWebhook:
    def test_after_the_answer_it_is_a_duplicate(self, twin, begun):
        pay(twin, begun)

        raw = webhook(twin.paid[0])
        assert [hear_psp(raw, "twin") for _ in range(3)] == [EventOutcome.DUPLICATE] * 3
        [told] = [event for event in read(ProviderEvent) if event.source == "psp"]
        assert told.repeats == 2
        assert count(Invoice) == 1

    def test_without_a_right_signature_nothing_is_kept(self, twin, begun):
        with pytest.raises(BadSignature):
            hear_psp(b"{}", "forged")
        assert count(ProviderEvent) == 0

    def test_a_payment_nobody_knows_stays_open(self, twin, begun):
        twin.payments["pi_x"] = Payment(PaymentOutcome.SUCCEEDED, "other", "pi_x", 100, "EUR")

        assert hear_psp(webhook(twin.payments["pi_x"]), "twin") is EventOutcome.OPEN
        assert read(ProviderEvent)[0].reason == "unknown_payment"

    def test_a_half_made_snapshot_is_ignored(self, twin, begun):
        pay(twin, begun, ANSWER_LOST)

        created = webhook(twin.paid[0], kind="payment_intent.created")
        assert hear_psp(created, "twin") is EventOutcome.IGNORED
        assert count(Invoice) == 0

    def test_an_old_failure_after_the_success_changes_nothing(self, twin, begun):
        pay(twin, begun)
        payment = twin.paid[0]
        twin.payments[payment.payment_id] = replace(payment, outcome=PaymentOutcome.DECLINED)

        raw = webhook(payment, kind="payment_intent.payment_failed")
        assert hear_psp(raw, "twin") is EventOutcome.DUPLICATE
        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.SUCCEEDED


class TestWhatDoesNotFit:
    """Words that a person has to look at; nothing is settled by them."""

    def strange(self, twin, begun, **changes):
        pay(twin, begun, ANSWER_LOST)
        payment = replace(twin.paid[0], **changes)
        with unit_of_work() as session:
            attempt = session.scalars(select(PaymentAttempt)).one()
            return record_answer(session, attempt.id, payment, actor=SYSTEM, now=clock.now())

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [({"amount": 1}, "another_amount"), ({"currency": "USD"}, "another_currency")],
    )
    def test_another_amount_or_currency(self, twin, begun, changes, reason):
        assert self.strange(twin, begun, **changes).to_explain == reason
        assert count(Invoice) == 0
        assert read(PaymentAttempt)[0].outcome is AttemptOutcome.PENDING

    def give_up(self, twin, begun):
        twin.fail_next("charge", Fault.LOST_AFTER)
        pay(twin, begun)
        with unit_of_work() as session:
            attempt = session.scalars(select(PaymentAttempt)).one()
            attempt.become(AttemptOutcome.ERROR)

    @pytest.mark.parametrize("minutes", [1, 30])
    def test_money_for_an_attempt_that_was_given_up_buys_all_the_same(self, twin, begun, minutes):
        self.give_up(twin, begun)
        later(minutes=minutes)
        expire_and_close()

        assert hear_psp(webhook(twin.paid[0]), "twin") is EventOutcome.POSTED
        assert hear_psp(webhook(twin.paid[0], "evt_2"), "twin") is EventOutcome.DUPLICATE
        assert look_into(begun.capture.id).status == "succeeded"
        assert count(Invoice) == count(Customer) == 1

    def test_money_for_an_attempt_that_another_card_followed_is_shown(self, twin, begun):
        self.give_up(twin, begun)
        try_another_card(begun.capture.id, actor=NOBODY)

        assert hear_psp(webhook(twin.paid[0]), "twin") is EventOutcome.OPEN
        assert "paid_after_error" in [event.reason for event in read(ProviderEvent)]
        assert count(Invoice) == 0

    def test_moves_that_are_not_in_the_table(self):
        attempt = PaymentAttempt(outcome=AttemptOutcome.SUCCEEDED)
        for outcome in AttemptOutcome:
            with pytest.raises(IllegalTransition):
                attempt.become(outcome)


class TestVaultAway:
    def test_no_form_ends_the_checkout_and_says_so(self, twin):
        key = put_on_sale()
        twin.fail_next("open_capture", Fault.NOT_SENT)

        with pytest.raises(ProviderUnavailable):
            begin(key)
        [capture] = read(CaptureEndpoint)
        assert capture.status is CaptureStatus.FAILED

    def test_switched_off_meanwhile_can_be_finished(self, twin, begun):
        with unit_of_work() as session:
            capture = CaptureEndpoint.get(session, begun.capture.id)
            session.refresh(capture, ["button"])
            capture.button.is_active = False
        pay(twin, begun)

        assert count(Invoice) == 1


class TestExpireCaptures:
    def test_expires_what_is_due_once_and_closes_its_form(self, twin, begun):
        assert expire_and_close()["expired"] == 0
        later(minutes=15)

        assert expire_and_close()["expired"] == 1
        assert expire_and_close()["expired"] == 0
        [capture] = read(CaptureEndpoint)
        assert (capture.status, capture.capture_url) == (CaptureStatus.EXPIRED, None)
        assert twin.captures == {}

    def test_a_card_that_was_never_charged_in_time_is_not_charged_after(self, twin, begun):
        TestVaultCallback().take_without_charging(twin, begun)
        later(minutes=15)
        expire_and_close()
        complete_checkout(begun.capture.id)
        resolve_unknown()

        assert twin.paid == []
        assert look_into(begun.capture.id).status == "expired"

    def test_buying_in_two_windows_charges_once(self, twin):
        key = put_on_sale()
        first, second = begin(key), begin(key)
        pay(twin, first)
        pay(twin, second)

        assert len(twin.paid) == count(Invoice) == 1
        state = look_into(second.capture.id)
        assert (state.status, state.retry) == ("declined", False)
        assert "already have" in state.message

    def test_an_unknown_charge_in_one_window_holds_back_the_other(self, twin):
        key = put_on_sale()
        first, second = begin(key), begin(key)
        pay(twin, first, ANSWER_LOST)
        pay(twin, second)
        assert len(twin.paid) == 1
        later(seconds=30)
        resolve_unknown()
        resolve_unknown()

        assert len(twin.paid) == count(Invoice) == 1
        assert look_into(second.capture.id).status == "declined"


def test_buy_is_a_whole_purchase(twin):
    buy(twin, put_on_sale())

    assert count(Customer) == 1
