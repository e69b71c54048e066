"""Joining: membership, one guild at a time, whose visitor came, and what that earns after."""

from datetime import timedelta

import pytest

from models.accounts import Platform
from models.affiliation import RiskLevel
from models.affiliation.attribute_purchase import attribute_purchase
from models.affiliation.attribution import end_joinings, standing_for
from models.affiliation.earn_commission import earn_commission
from models.affiliation.join_guild import (
    Banned,
    ChangedLately,
    CommunityClosed,
    OtherPlatform,
    join_guild,
)
from models.billing import Customer, CustomerStatus
from models.oversight import SYSTEM

DAY = timedelta(days=1)
US = timedelta(microseconds=1)


def join(session, user, community, now, click=None):
    return join_guild(
        session,
        user.id,
        community.id,
        click_id=click.click_id if click else None,
        actor=SYSTEM,
        now=now,
    )


def buy(session, shop, user, now, click=None, price=4900):
    """A paid purchase with its invoice; answers the commission, or the reason for none."""
    customer = shop.customer(user)
    attribute_purchase(
        session,
        customer,
        click_id=click.click_id if click else None,
        card_fingerprint=None,
        actor=SYSTEM,
        now=now,
    )
    session.flush()
    invoice = shop.invoice(customer, price=price, paid_at=now)
    earned = earn_commission(session, invoice.id, actor=SYSTEM, now=now)
    return earned or invoice.no_commission_reason


class TestMembership:
    def test_twice_joins_once(self, session, make, now):
        user, guild = make.user(), make.community()

        first, second = (join(session, user, guild, now) for _ in range(2))

        assert first is second
        assert (first.is_active, first.customer_id) == (True, None)

    def test_one_guild_at_a_time_and_once_in_30_days(self, session, make, now):
        affiliate = make.affiliate()
        guilds = [make.community(platform=Platform.WEOKTO) for _ in range(3)]
        first = join(session, affiliate.user, guilds[0], now)

        join(session, affiliate.user, guilds[1], now + DAY)
        assert not first.is_active
        assert affiliate.current_guild_id == guilds[1].id
        with pytest.raises(ChangedLately):
            join(session, affiliate.user, guilds[2], now + 31 * DAY - US)
        join(session, affiliate.user, guilds[2], now + 31 * DAY)
        assert affiliate.current_guild_id == guilds[2].id
        assert affiliate.last_guild_change_at == now + 31 * DAY

    def test_refusals(self, session, make, now):
        user = make.user()
        with pytest.raises(OtherPlatform):
            join(session, user, make.community(platform=Platform.WEOKTO), now)
        with pytest.raises(CommunityClosed):
            join(session, user, make.community(is_active=False), now)
        member = join(session, user, community := make.community(), now)
        member.banned_at = now
        with pytest.raises(Banned):
            join(session, user, community, now)


class TestAttribution:
    @pytest.mark.parametrize(
        ("age", "level", "days"),
        [
            (None, RiskLevel.NORMAL, 30),
            (30, RiskLevel.NORMAL, 30),
            (31, RiskLevel.NORMAL, 40),
            (61, RiskLevel.NORMAL, 50),
            (91, RiskLevel.NORMAL, 60),
            (400, RiskLevel.AT_RISK, 30),
            (400, RiskLevel.HIGH_RISK, 30),
            (400, RiskLevel.EXTREME_RISK, 30),
        ],
    )
    @pytest.mark.parametrize("late", [False, True])
    def test_earns_within_its_days(self, session, shop, make, now, age, level, days, late):
        affiliate = make.affiliate(
            first_commission_at=None if age is None else now - age * DAY, risk_level=level
        )
        user = make.user()
        join(session, user, shop.product.community, now, make.click(affiliate, created_at=now))

        at = now + days * DAY - (timedelta() if late else US)
        earned = buy(session, shop, user, at)

        if late:
            assert earned == "not_attributed"
        else:
            assert earned.affiliate_id == affiliate.user_id
            assert earned.explanation["from_free_product"] is True

    def test_a_click_that_is_no_longer_good_binds_nobody(self, session, shop, make, now):
        click = make.click(make.affiliate(), created_at=now - 30 * DAY)
        user = make.user()
        join(session, user, shop.product.community, now, click)

        assert buy(session, shop, user, now) == "not_attributed"

    def test_the_same_cookie_at_the_purchase_is_still_from_the_joining(
        self, session, shop, make, now
    ):
        click, user = make.click(make.affiliate(), created_at=now), make.user()
        join(session, user, shop.product.community, now, click)

        earned = buy(session, shop, user, now + DAY, click)

        assert earned.explanation["from_free_product"] is True

    def test_another_affiliates_later_click_wins(self, session, shop, make, now):
        user, other = make.user(), make.affiliate()
        join(
            session, user, shop.product.community, now, make.click(make.affiliate(), created_at=now)
        )

        earned = buy(session, shop, user, now + DAY, make.click(other, created_at=now + DAY))

        assert earned.affiliate_id == other.user_id
        assert earned.explanation["from_free_product"] is False

    def test_renewals_earn_after_its_days(self, session, shop, make, now):
        user = make.user()
        join(
            session, user, shop.product.community, now, make.click(make.affiliate(), created_at=now)
        )
        first = buy(session, shop, user, now + DAY)
        customer_id = first.customer_id

        customer = Customer.get(session, customer_id)
        later = now + 61 * DAY
        assert end_joinings(session, now=later) == 1
        renewal = shop.invoice(customer, paid_at=later)
        earned = earn_commission(session, renewal.id, actor=SYSTEM, now=later)

        assert earned.explanation["from_free_product"] is True

    def test_a_free_product_binds_for_the_communitys_other_products(self, session, shop, make, now):
        free = make.plan(product=make.product(community=shop.product.community), price_amount=0)
        user, affiliate = make.user(), make.affiliate()
        customer = make.add(
            Customer(
                user_id=user.id,
                product_id=free.product_id,
                current_plan_id=free.id,
                status=CustomerStatus.ACTIVE,
            )
        )
        bound = attribute_purchase(
            session,
            customer,
            click_id=make.click(affiliate, created_at=now).click_id,
            card_fingerprint=None,
            actor=SYSTEM,
            now=now,
        )
        session.flush()
        assert bound.is_free_product_attribution
        assert (bound.expires_at, bound.converted_at) == (now + 30 * DAY, None)

        earned = buy(session, shop, user, now + 29 * DAY)
        assert earned.affiliate_id == affiliate.user_id
        assert earned.explanation["from_free_product"] is True

    def test_a_joining_by_who_is_gone_leaves_the_purchase_to_who_came_before(
        self, session, shop, make, now
    ):
        former, gone = make.affiliate(), make.affiliate()
        user = make.user()
        shop.brought_by(former, customer=shop.customer(user, status=CustomerStatus.EXPIRED))
        join(session, user, shop.product.community, now, make.click(gone, created_at=now))
        gone.user.closed_at = now
        session.flush()

        bound, joined = standing_for(
            session, user.id, shop.product.id, shop.product.community_id, now=now
        )

        assert (bound.affiliate_id, joined) == (former.user_id, None)

    def test_an_own_joining_earns_nothing(self, session, shop, make, now):
        affiliate = make.affiliate()
        user = make.user(affiliate.user.email)
        join(session, user, shop.product.community, now, make.click(affiliate, created_at=now))

        assert buy(session, shop, user, now + DAY) == "self_referral"

    def test_tidying_ends_what_nobody_followed(self, session, shop, make, now):
        user, click = make.user(), make.click(make.affiliate(), created_at=now)
        join(session, user, shop.product.community, now, click)

        assert end_joinings(session, now=now + 30 * DAY - US) == 0
        assert end_joinings(session, now=now + 30 * DAY) == 1
        assert end_joinings(session, now=now + 30 * DAY) == 0
