"""Fraud flags: what is seen, what is not, seen again, and put away."""

from datetime import timedelta

import pytest

from models.accounts import UserType
from models.affiliation import FlagKind, FraudFlag
from models.affiliation.raise_flags import dismiss_flag, raise_flags
from models.billing import CaptureStatus
from models.billing.refund_invoice import refund_invoice
from tests.models.affiliation.sales import STAFF, Sale, Shop

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def bought(session, shop, make, now):
    """A completed checkout of a new customer whom an affiliate brought."""

    def buy(affiliate, **values):
        customer = shop.brought_by(affiliate, replaced_at=values.pop("replaced_at", None))
        user = values.pop("user", None)
        return make.capture(
            customer_id=customer.id,
            status=CaptureStatus.COMPLETED,
            completed_at=now,
            **({"user": user} if user else {}),
            **values,
        )

    return buy


def kinds(session, now):
    raise_flags(session, now=now)
    return {flag.kind: flag for flag in session.query(FraudFlag)}


class TestSigns:
    def test_three_purchases_from_one_address(self, session, make, bought, now):
        affiliate = make.affiliate()
        for _ in range(2):
            bought(affiliate, consent_ip="203.0.113.7")
        bought(make.affiliate(), consent_ip="203.0.113.7")
        assert kinds(session, now) == {}

        bought(affiliate, consent_ip="203.0.113.7")
        flag = kinds(session, now)[FlagKind.SAME_IP]
        assert flag.affiliate_id == affiliate.user_id
        assert (flag.evidence["ip"], flag.evidence["purchases"]) == ("203.0.113.7", 3)

    def test_three_purchases_with_one_card_without_its_number(self, session, make, bought, now):
        affiliate = make.affiliate()
        for _ in range(3):
            bought(affiliate, card_fingerprint="f" * 20, last4="4242")

        flag = kinds(session, now)[FlagKind.SAME_CARD]
        assert flag.evidence["card"] == "•••• 4242"
        assert "f" * 20 not in str(flag.evidence)

    @pytest.mark.parametrize("shared", ["consent_ip", "card_fingerprint"])
    @pytest.mark.parametrize(("replaced", "is_odd"), [(timedelta(), False), (SECOND, True)])
    def test_purchases_after_another_affiliates_click_are_not_theirs(
        self, session, make, bought, now, shared, replaced, is_odd
    ):
        affiliate = make.affiliate()
        for _ in range(3):
            bought(affiliate, replaced_at=now + replaced, **{shared: "203.0.113.7"})

        assert bool(kinds(session, now)) is is_odd

    @pytest.mark.parametrize(
        ("email", "is_odd"),
        [
            ("alice+2@example.org", True),
            ("a.l.ice@Example.org", True),
            ("alice@example.org", False),  # an own purchase, which earns nothing anyway
            ("alicia@example.org", False),
            ("alice@example.com", False),
        ],
    )
    def test_an_address_like_their_own(self, session, shop, make, now, email, is_odd):
        from models.accounts import Platform

        user = make.user(
            "alice@example.org", platform=Platform.WEOKTO, user_type=UserType.AFFILIATE
        )
        shop.brought_by(make.affiliate(user=user), shop.customer(make.user(email)))

        assert (FlagKind.OWN_EMAIL in kinds(session, now)) is is_odd

    def test_two_purchases_of_an_address_like_their_own_are_one_flag(
        self, session, shop, make, now
    ):
        from models.accounts import Platform

        user = make.user(
            "alice@example.org", platform=Platform.WEOKTO, user_type=UserType.AFFILIATE
        )
        affiliate, buyer = make.affiliate(user=user), make.user("alice+2@example.org")
        other = Shop(make, now)
        bought = [each.brought_by(affiliate, each.customer(buyer)) for each in (shop, other)]

        flag = kinds(session, now)[FlagKind.OWN_EMAIL]
        assert flag.evidence["customers"] == [str(customer.id) for customer in bought]

    @pytest.mark.parametrize(
        ("clicks", "buys", "is_odd"), [(99, False, False), (100, False, True), (100, True, False)]
    )
    def test_a_burst_of_clicks_without_a_purchase(
        self, session, shop, make, now, clicks, buys, is_odd
    ):
        affiliate = make.affiliate()
        hour = now - 2 * DAY
        for _ in range(clicks):
            make.click(affiliate, created_at=hour)
        if buys:
            shop.brought_by(affiliate, bound_at=hour + HOUR)

        assert (FlagKind.CLICK_BURST in kinds(session, now)) is is_odd

    def test_refunds_of_three_customers_on_a_day(self, session, shop, make, now):
        affiliate = make.affiliate()
        for number in range(3):
            assert FlagKind.REFUND_CLUSTER not in kinds(session, now), number
            sale = Sale(session, shop, affiliate, now)
            refund_invoice(session, sale.invoice.id, reason="r", actor=STAFF, now=now)

        assert kinds(session, now)[FlagKind.REFUND_CLUSTER].evidence["refunds"] == 3


class TestFlags:
    def test_seen_again_is_the_same_flag_and_stays_put_away(
        self, session, make, bought, now, staff
    ):
        affiliate = make.affiliate()
        for _ in range(3):
            bought(affiliate, consent_ip="203.0.113.7")
        assert raise_flags(session, now=now) == 1
        assert raise_flags(session, now=now + DAY) == 0
        flag = session.query(FraudFlag).one()
        session.refresh(flag)
        assert (flag.first_seen_at, flag.last_seen_at) == (now, now + DAY)

        for _ in range(2):
            dismiss_flag(session, flag.id, reason="a school", actor=staff, now=now + DAY)
        assert raise_flags(session, now=now + 2 * DAY) == 0
        session.refresh(flag)
        assert (flag.dismissed_by, flag.dismissed_at) == (staff.user_id, now + DAY)

    def test_never_act(self, session, make, bought, now):
        affiliate = make.affiliate()
        for _ in range(3):
            bought(affiliate, consent_ip="203.0.113.7")
        raise_flags(session, now=now)

        session.refresh(affiliate)
        assert affiliate.risk_level.value == "NORMAL"


def test_nothing_odd_raises_nothing(session, now):
    assert raise_flags(session, now=now) == 0
