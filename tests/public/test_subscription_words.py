"""Where a purchase stands, said in words: each state, what fails, and what may be done."""

from datetime import timedelta

import pytest

from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CapturePurpose,
    CaptureStatus,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    PaymentAttempt,
    PaymentMethod,
)
from models.billing.end_subscription import ENDED
from models.billing.own_purchases import own_purchases
from models.billing.quote import quote_of
from models.catalog import BillingInterval
from public.subscription_words import shown_purchase

DAY = timedelta(days=1)


@pytest.fixture
def english(app):
    with app.test_request_context("/settings", headers={"Accept-Language": "en"}):
        yield


@pytest.fixture
def shown(make, now, english):
    """Makes a customer of 49 € a month as the test says, and gives it in words."""

    def make_shown(*, plan=None, after=None, **values):
        plan = plan or make.plan(product=make.product(name="Club"), name="Monthly")
        user = make.user()
        customer = Customer(
            user_id=user.id,
            product_id=plan.product_id,
            current_plan_id=plan.id,
            **{
                "status": CustomerStatus.ACTIVE,
                "terms": quote_of(plan.product, plan).to_json(),
                **values,
            },
        )
        make.add(customer)
        if after:
            after(customer)
            make.session.flush()
        make.session.expire_all()
        [purchase] = own_purchases(make.session, user.id)
        return shown_purchase(purchase, now=now)

    return make_shown


def ordered(make, customer, at):
    button = make.button()
    make.add(
        CaptureEndpoint(
            button_id=button.id,
            plan_id=button.plan_id,
            user_id=customer.user_id,
            purpose=CapturePurpose.PURCHASE,
            status=CaptureStatus.COMPLETED,
            customer_id=customer.id,
            completed_at=at,
            amount=0,
            quote={},
            consent_text="",
            consented_at=at,
            expires_at=at,
        )
    )


class TestSentences:
    def test_a_renewing_one_says_next_charge(self, shown, now):
        it = shown(next_charge_at=now + 31 * DAY, subscription_ends_at=now + 31 * DAY)

        assert it.sentences == ("Next charge: €49 on 10 April.",)
        assert it.price_text == "€49 a month"
        assert (it.may_cancel, it.may_switch, it.may_undo) == (True, True, False)

    def test_a_trial_says_its_end_and_what_follows(self, shown, now):
        it = shown(
            status=CustomerStatus.TRIAL, trial_ends_at=now + 7 * DAY, next_charge_at=now + 7 * DAY
        )

        assert it.sentences == ("Trial until 17 March.", "Next charge: €49 on 17 March.")

    def test_a_cancelled_one_says_until_when(self, shown, now):
        it = shown(
            cancel_at_period_end=True,
            cancelled_at=now - DAY,
            subscription_ends_at=now + 10 * DAY,
        )

        assert it.sentences == (
            "You cancelled on 9 March.",
            "Access lasts until 20 March and nothing more is charged.",
        )
        assert (it.may_cancel, it.may_undo, it.may_switch) == (False, True, False)

    def test_it_cannot_be_taken_back_once_over(self, shown, now):
        it = shown(cancel_at_period_end=True, subscription_ends_at=now)

        assert not it.may_undo

    def test_one_for_life_says_so(self, shown, make):
        plan = make.plan(billing_interval=BillingInterval.LIFETIME)

        it = shown(plan=plan)

        assert it.sentences == ("Paid once and yours for good: nothing more is charged.",)
        assert not any((it.may_cancel, it.may_switch, it.may_update_card))

    def test_an_offered_one_says_until_when(self, shown, now):
        it = shown(is_complimentary=True, subscription_ends_at=now + 10 * DAY)

        assert it.status_text == "Offered"
        assert it.sentences == ("Access is offered until 20 March.", "Nothing is charged.")
        assert not it.may_cancel

    def test_the_last_cycle_says_that_nothing_follows(self, shown, now):
        it = shown(subscription_ends_at=now + 10 * DAY)

        assert it.sentences == ("Access lasts until 20 March and nothing more is charged.",)

    def test_a_waiting_plan_is_told_with_its_price(self, shown, make, now):
        plan = make.plan(product=make.product(name="Club"), name="Monthly")
        cheaper = make.plan(product=plan.product, name="Light", price_amount=1900)

        it = shown(
            plan=plan,
            next_plan_id=cheaper.id,
            next_terms=quote_of(cheaper.product, cheaper).to_json(),
            next_charge_at=now + 10 * DAY,
            subscription_ends_at=now + 10 * DAY,
        )

        assert it.sentences == (
            "Next charge: €19 on 20 March.",
            "From 20 March you go over to “Light”, €19 a month.",
        )

    @pytest.mark.parametrize("status", [CustomerStatus.CANCELLED, CustomerStatus.EXPIRED])
    def test_an_ended_one_says_when_and_can_be_bought_again(self, shown, now, status):
        it = shown(status=status, subscription_ends_at=now - DAY)

        assert it.sentences == ("Ended on 9 March.",)
        assert it.sales_path.startswith("/p/")
        assert not any((it.may_cancel, it.may_undo, it.may_switch, it.may_update_card))

    def test_one_ended_before_its_period_says_so(self, shown, make, now):
        it = shown(
            status=CustomerStatus.CANCELLED,
            subscription_ends_at=now + 10 * DAY,
            extra={ENDED: (now - DAY).isoformat()},
        )

        assert it.sentences == ("Ended on 9 March.",)

    def test_without_terms_it_still_stands(self, shown, now):
        it = shown(terms={}, next_charge_at=now + DAY)

        assert it.plan_name == "Monthly"


class TestPastDue:
    def owed(self, make, now):
        def write(customer):
            invoice = make.add(
                Invoice(
                    customer_id=customer.id,
                    plan_id=customer.current_plan_id,
                    kind=InvoiceKind.RENEWAL,
                    status=InvoiceStatus.PENDING,
                    period_start=now,
                    amount_excluding_tax=4083,
                    tax_amount=817,
                    tax_rate="0.2",
                    amount_including_tax=4900,
                    due_at=now,
                )
            )
            for number, code in enumerate(["card_declined", "insufficient_funds"], 1):
                make.add(
                    PaymentAttempt(
                        invoice_id=invoice.id,
                        attempt_no=number,
                        idempotency_key=f"inv_{invoice.id}_{number}",
                        amount=4900,
                        outcome=AttemptOutcome.DECLINED,
                        decline_code=code,
                    )
                )

        return write

    def test_says_what_failed_why_and_what_happens_when(self, shown, make, now):
        it = shown(
            after=self.owed(make, now),
            status=CustomerStatus.PAST_DUE,
            first_failed_at=now,
            next_charge_at=now + 2 * DAY,
            subscription_ends_at=now,
        )

        assert it.alert == (
            "A payment of €49 did not go through.",
            "There is not enough money on this card's account. Try another card.",
            "Your access stays open until 17 March.",
            "We try again on 12 March.",
            "If nothing has been paid by 31 March, the subscription ends.",
        )
        assert it.sentences == ()
        assert it.is_past_due
        assert it.may_update_card
        assert it.may_cancel
        assert not it.may_switch

    def test_says_that_access_is_paused(self, shown, make, now):
        it = shown(
            after=self.owed(make, now),
            status=CustomerStatus.PAST_DUE,
            first_failed_at=now - 8 * DAY,
            access_paused_at=now - DAY,
            next_charge_at=now + 6 * DAY,
        )

        assert "Access is paused until the payment goes through." in it.alert
        assert not any("stays open" in sentence for sentence in it.alert)


class TestCard:
    def test_is_shown_by_brand_last_digits_and_expiry(self, shown, make, now):
        def give(customer):
            method = make.add(
                PaymentMethod(
                    customer_id=customer.id,
                    vault_token="t",
                    vault_reference="r",
                    psp_customer_id="c",
                    psp_payment_method_id="p",
                    brand="visa",
                    last4="4242",
                    exp_month=4,
                    exp_year=2030,
                )
            )
            customer.default_payment_method_id = method.id

        it = shown(after=give, next_charge_at=now + DAY)

        assert (it.card.text, it.card.expiry_text) == ("Visa •••• 4242", "04/2030")


class TestWithdrawing:
    def test_is_possible_until_the_last_local_day(self, shown, make, now):
        it = shown(after=lambda customer: ordered(make, customer, now - 14 * DAY))

        assert it.withdraw_until_text == "10 March"

    def test_is_over_the_day_after(self, shown, make, now):
        it = shown(after=lambda customer: ordered(make, customer, now - 15 * DAY))

        assert it.withdraw_until_text == ""

    def test_is_told_once_done(self, shown, make, now):
        it = shown(
            after=lambda customer: ordered(make, customer, now - DAY),
            extra={"renounced_at": now.isoformat()},
        )

        assert it.sentences == (
            "You withdrew from this contract on 10 March.",
            "Nothing more is charged; access lasts until you are refunded.",
        )
        assert (it.status_text, it.withdraw_until_text) == ("Withdrawal received", "")

    def test_of_an_earlier_order_says_nothing_about_this_one(self, shown, make, now):
        it = shown(
            after=lambda customer: ordered(make, customer, now - DAY),
            extra={"renounced_at": (now - 3 * DAY).isoformat()},
        )

        assert it.withdraw_until_text == "23 March"
