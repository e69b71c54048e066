"""Starting a checkout: who may, on what terms, with which refusals."""

from datetime import timedelta

import pytest

from models.accounts import Platform
from models.accounts.email import NotAnAddress
from models.accounts.use_magic_link import Suspended
from models.billing import CaptureStatus, Customer, CustomerStatus
from models.billing.quote import Quote, quote_of
from models.billing.start_checkout import AlreadyCustomer, ConsentMissing, start_checkout
from models.catalog import BillingInterval
from models.catalog.on_sale import NotOnSale
from models.oversight import NOBODY, history_of
from tests.checkouts import asked_for


@pytest.fixture
def button(make):
    return make.button("offer")


@pytest.fixture
def start(session, now):
    def start(**changes):
        return start_checkout(session, asked_for("offer", **changes), actor=NOBODY, now=now)

    return start


class TestStartCheckout:
    def test_keeps_the_quote_the_consent_and_fifteen_minutes(self, button, start, now):
        capture = start(click_id="c1", user_agent="x" * 900)

        assert capture.status is CaptureStatus.PENDING
        assert capture.expires_at == now + timedelta(minutes=15)
        assert capture.quote == quote_of(button.product, button.plan).to_json()
        assert (capture.consent_text, capture.consented_at) == ("I ask for immediate access.", now)
        assert (capture.consent_ip, capture.affiliate_click_id) == ("203.0.113.7", "c1")
        assert len(capture.user_agent) == 500
        assert button.used_at == now

    def test_makes_the_person_on_the_buttons_platform(self, button, start):
        capture = start(email="New@Example.org")

        assert capture.user.platform is Platform.STAM
        assert capture.user.email_verified_at is None

    def test_twice_is_two_checkouts_of_one_person(self, button, start):
        first, second = start(), start()

        assert first.id != second.id
        assert first.user_id == second.user_id

    def test_somebody_signed_in_needs_no_address(self, button, make, start):
        user = make.user()

        assert start(email=None, user_id=user.id).user_id == user.id

    def test_somebody_signed_in_on_the_other_platform_buys_by_address(self, button, make, start):
        elsewhere = make.user(platform=Platform.WEOKTO)

        assert start(user_id=elsewhere.id).user.email == "bob@example.org"
        with pytest.raises(NotAnAddress):
            start(user_id=elsewhere.id, email=None)

    def test_is_told_in_the_audit_trail_without_secrets(self, session, button, start):
        capture = start()

        [row] = history_of(session, "capture_endpoints", str(capture.id))
        assert row.action == "billing.checkout_begun"


class TestRefusals:
    @pytest.mark.parametrize("what", ["button", "plan", "product", "community"])
    def test_what_is_switched_off_is_not_on_sale(self, session, button, start, what):
        things = {
            "button": button,
            "plan": button.plan,
            "product": button.product,
            "community": button.product.community,
        }
        things[what].is_active = False
        session.flush()

        with pytest.raises(NotOnSale):
            start()

    def test_an_unknown_key_is_not_on_sale(self, start):
        with pytest.raises(NotOnSale):
            start()

    def test_no_consent(self, button, start):
        with pytest.raises(ConsentMissing) as refusal:
            start(consent_text=None)
        assert refusal.value.field == "consent"

    @pytest.mark.parametrize("email", [None, "", "nobody", "a@b", "x" * 300 + "@example.org"])
    def test_no_address(self, button, start, email):
        with pytest.raises(NotAnAddress):
            start(email=email)

    def test_a_suspended_person(self, button, make, start):
        make.user("bob@example.org", is_suspended=True)

        with pytest.raises(Suspended):
            start()

    @pytest.mark.parametrize(
        "status", [CustomerStatus.ACTIVE, CustomerStatus.TRIAL, CustomerStatus.PAST_DUE]
    )
    def test_a_running_customer(self, button, make, start, status):
        user = make.user("bob@example.org")
        make.add(
            Customer(
                user_id=user.id,
                product_id=button.product_id,
                current_plan_id=button.plan_id,
                status=status,
            )
        )

        with pytest.raises(AlreadyCustomer) as refusal:
            start()
        assert refusal.value.url == "/settings"

    @pytest.mark.parametrize("status", [CustomerStatus.CANCELLED, CustomerStatus.EXPIRED])
    def test_a_former_customer_may_buy_again(self, button, make, start, status):
        user = make.user("bob@example.org")
        make.add(
            Customer(
                user_id=user.id,
                product_id=button.product_id,
                current_plan_id=button.plan_id,
                status=status,
            )
        )

        assert start().user_id == user.id


class TestQuote:
    """Lines, amounts and what follows, for every kind of plan."""

    @pytest.mark.parametrize(
        ("plan", "amount", "kind", "lines", "renews"),
        [
            ({"price_amount": 4900}, 4900, "FIRST", 1, True),
            ({"price_amount": 4900, "setup_fee": 1000}, 5900, "FIRST", 2, True),
            ({"price_amount": 4900, "trial_days": 7}, 0, None, 0, True),
            ({"price_amount": 4900, "trial_days": 7, "trial_amount": 100}, 100, "TRIAL", 1, True),
            ({"price_amount": 4900, "trial_days": 7, "setup_fee": 900}, 900, "TRIAL", 1, True),
            ({"price_amount": 4900, "trial_amount": 100}, 4900, "FIRST", 1, True),
            ({"price_amount": 4900, "max_billing_cycles": 1}, 4900, "FIRST", 1, False),
            (
                {"price_amount": 9900, "billing_interval": BillingInterval.LIFETIME},
                9900,
                "FIRST",
                1,
                False,
            ),
        ],
    )
    def test_what_is_paid_today(self, make, plan, amount, kind, lines, renews):
        made = make.plan(**plan)

        quote = quote_of(made.product, made)

        assert (quote.amount, quote.kind, len(quote.lines)) == (amount, kind, lines)
        assert quote.renews is renews
        assert quote.needs_card
        assert Quote.from_json(quote.to_json()) == quote
