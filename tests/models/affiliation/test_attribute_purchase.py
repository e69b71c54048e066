"""Attribution: which click counts, who wins, what stands, and own purchases."""

from datetime import timedelta

import pytest

from models import clock
from models.accounts import Platform
from models.affiliation import Attribution, standing_attribution
from models.affiliation.attribute_purchase import attribute_purchase
from models.affiliation.click_id import click_id_of, read_click_id
from models.billing import PaymentMethod
from models.ids import new_id
from models.oversight import SYSTEM

DAY = timedelta(days=1)


def click_on(affiliate, at):
    """The id of a click that waits in Redis, or was lost with it: it has no row."""
    with clock.standing_at(at):
        return click_id_of(new_id(), affiliate.user_id)


def bind(session, customer, now, click_id=None, card=None):
    return attribute_purchase(
        session, customer, click_id=click_id, card_fingerprint=card, actor=SYSTEM, now=now
    )


class TestAttributePurchase:
    def test_a_good_click_binds(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.customer()
        click = make.click(affiliate, created_at=now - DAY)

        bound = bind(session, customer, now, click.click_id)

        assert bound.affiliate_id == affiliate.user_id
        assert bound.tracking_event_id == click.id
        assert (bound.customer_id, bound.bound_at) == (customer.id, now)
        assert bound.self_referral is False

    def test_a_click_counts_before_its_row_is_stored(self, session, shop, make, now):
        affiliate = make.affiliate()

        bound = bind(session, shop.customer(), now, click_on(affiliate, now))

        assert bound.affiliate_id == affiliate.user_id

    @pytest.mark.parametrize(("age", "counts"), [(30 * DAY, False), (30 * DAY - DAY / 86400, True)])
    def test_for_as_long_as_the_programs_cookie(self, session, shop, make, now, age, counts):
        click = make.click(make.affiliate(), created_at=now - age)

        assert (bind(session, shop.customer(), now, click.click_id) is not None) is counts

    def test_not_where_the_affiliate_is_suspended(self, session, shop, make, now):
        affiliate = make.affiliate()
        affiliate.user.is_suspended = True

        assert bind(session, shop.customer(), now, click_on(affiliate, now)) is None

    def test_not_where_the_affiliate_is_gone_so_that_the_former_one_stands(
        self, session, shop, make, now
    ):
        former, gone = make.affiliate(), make.affiliate()
        customer = shop.customer()
        bind(session, customer, now, click_on(former, now))
        gone.user.closed_at = now

        bound = bind(session, customer, now + DAY, click_on(gone, now + DAY))

        assert bound.affiliate_id == former.user_id

    def test_not_where_the_program_is_inactive(self, session, shop, make, now):
        shop.program.is_active = False

        assert bind(session, shop.customer(), now, click_on(make.affiliate(), now)) is None

    @pytest.mark.parametrize("click_id", [None, "", "nothing", "00" * 42, "zz" * 42])
    def test_not_for_an_id_that_we_did_not_make(self, session, shop, now, click_id):
        assert bind(session, shop.customer(), now, click_id) is None

    def test_the_last_click_wins_and_history_is_kept(self, session, shop, make, now):
        first, last = make.affiliate(), make.affiliate()
        customer = shop.customer()
        bind(session, customer, now, click_on(first, now))
        newer = click_on(last, now + DAY)

        bound = bind(session, customer, now + 2 * DAY, newer)

        assert bound.affiliate_id == last.user_id
        old = session.query(Attribution).filter_by(affiliate_id=first.user_id).one()
        assert old.replaced_at == now + 2 * DAY
        assert old.replaced_by_event_id == read_click_id(newer).event_id
        assert standing_attribution(session, customer.user_id, shop.product.id) is bound

    def test_without_a_good_click_the_former_one_stands(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.customer()
        former = bind(session, customer, now, click_on(affiliate, now))

        assert bind(session, customer, now + 400 * DAY) is former

    def test_unless_it_has_expired(self, session, shop, make, now):
        customer = shop.brought_by(make.affiliate(), expires_at=now)

        assert bind(session, customer, now - DAY) is not None
        assert bind(session, customer, now) is None

    def test_the_same_click_twice_binds_once(self, session, shop, make, now):
        customer = shop.customer()
        click = click_on(make.affiliate(), now)

        assert bind(session, customer, now, click) is bind(session, customer, now, click)


class TestOwnPurchase:
    def test_the_same_user(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.customer(affiliate.user)

        bound = bind(session, customer, now, click_on(affiliate, now))

        assert (bound.self_referral, bound.self_referral_evidence) == (True, "same_user")

    def test_the_same_address_on_the_other_platform(self, session, shop, make, now):
        affiliate = make.affiliate()
        twin = make.user(affiliate.user.email.upper(), platform=Platform.STAM)

        bound = bind(session, shop.customer(twin), now, click_on(affiliate, now))

        assert bound.self_referral_evidence == "same_email"

    def test_a_card_that_the_affiliate_paid_with(self, session, shop, make, now):
        affiliate = make.affiliate()
        own = shop.customer(make.user(affiliate.user.email, platform=Platform.STAM))
        for customer, fingerprint in ((own, "card-1"), (shop.customer(), "card-2")):
            make.add(
                PaymentMethod(
                    customer_id=customer.id,
                    vault_token="t",
                    vault_reference="r",
                    psp_customer_id="c",
                    psp_payment_method_id="m",
                    card_fingerprint=fingerprint,
                )
            )
        click = click_on(affiliate, now)

        assert bind(session, shop.customer(), now, click, "card-1").self_referral is True
        assert bind(session, shop.customer(), now, click, "card-2").self_referral is False
        assert bind(session, shop.customer(), now, click, None).self_referral is False


class TestClickId:
    def test_reads_back_what_it_says(self, make, now):
        affiliate = make.affiliate()

        said = read_click_id(click_on(affiliate, now))

        assert (said.affiliate_id, said.at) == (affiliate.user_id, now)

    def test_cannot_be_made_by_others(self, make, now):
        click_id = click_on(make.affiliate(), now)
        for place in (0, 40, 83):
            other = "0" if click_id[place] != "0" else "1"
            assert read_click_id(click_id[:place] + other + click_id[place + 1 :]) is None
