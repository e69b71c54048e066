"""Boost codes: made, changed, redeemed once and again, the last use, and their end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from models.affiliation import BoostCode, BoostRedemption, BoostScope, BoostType, RedemptionStatus
from models.affiliation.boost import active_redemption, products_of
from models.affiliation.edit_boost import (
    BadBoost,
    BoostInUse,
    BoostTaken,
    create_boost,
    deactivate_boost,
    edit_boost,
)
from models.affiliation.redeem_boost import (
    BoostNotYet,
    BoostOver,
    BoostReplacesAnother,
    BoostUsedUp,
    UnknownBoost,
    expire_boosts,
    redeem_boost,
)
from models.errors import Missing
from models.oversight import SYSTEM, OutboxEvent
from models.session import unit_of_work
from tests.factories import Make

DAY = timedelta(days=1)
POINTS = {"boost_type": BoostType.PERCENTAGE_INCREASE, "boost_value": Decimal(5)}
CENTS = {"boost_type": BoostType.FLAT_BONUS, "boost_value": Decimal(500)}


def create(session, now, **values):
    return create_boost(session, actor=SYSTEM, now=now, **(POINTS | values))


def redeem(session, affiliate, boost, now, **values):
    return redeem_boost(session, affiliate.user_id, boost.code, actor=SYSTEM, now=now, **values)


class TestCreate:
    def test_draws_a_code_and_takes_everything(self, session, now):
        boost = create(session, now)

        assert boost.code.startswith("BOOST-")
        assert len(boost.code) == 12
        assert (boost.scope, boost.valid_from, boost.is_active) == (BoostScope.GLOBAL, now, True)

    def test_takes_a_chosen_code_in_capitals_and_products(self, session, shop, now):
        boost = create(session, now, code=" spring-26 ", product_ids=[shop.product.id])

        assert (boost.code, boost.scope) == ("SPRING-26", BoostScope.SPECIFIC)
        assert products_of(session, boost.id) == [shop.product.id]

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"code": "x"}, "code"),
            ({"code": "été"}, "code"),
            ({"boost_value": Decimal(0)}, "boost_value"),
            ({"boost_value": Decimal("100.1")}, "boost_value"),
            ({**CENTS, "boost_value": Decimal("0.5")}, "boost_value"),
            ({"max_uses": 0}, "max_uses"),
            ({"scope": BoostScope.SPECIFIC}, "products"),
        ],
    )
    def test_refuses(self, session, now, values, field):
        with pytest.raises(BadBoost) as refusal:
            create(session, now, **values)
        assert refusal.value.field == field

    def test_ends_after_it_begins_and_is_there_once(self, session, now):
        with pytest.raises(BadBoost):
            create(session, now, valid_until=now)
        create(session, now, code="ONCE")
        with pytest.raises(BoostTaken):
            create(session, now, code="once")


class TestEdit:
    def test_anything_while_unused(self, session, shop, now):
        boost = create(session, now)

        edit_boost(
            session,
            boost.id,
            {"boost_value": Decimal(7), "scope": BoostScope.SPECIFIC, "max_uses": 3},
            product_ids=[shop.product.id],
            actor=SYSTEM,
        )

        assert (boost.boost_value, boost.max_uses) == (7, 3)
        assert products_of(session, boost.id) == [shop.product.id]

    def test_once_used_what_it_gives_stays(self, session, make, now):
        boost = create(session, now)
        kept = redeem(session, make.affiliate(), boost, now)

        with pytest.raises(BoostInUse):
            edit_boost(session, boost.id, {"boost_value": Decimal(7)}, actor=SYSTEM)
        session.refresh(boost)
        product = make.product()
        with pytest.raises(BoostInUse):
            edit_boost(
                session,
                boost.id,
                {"scope": BoostScope.SPECIFIC},
                actor=SYSTEM,
                product_ids=[product.id],
            )
        session.refresh(boost)
        edit_boost(session, boost.id, {"valid_until": now + DAY}, actor=SYSTEM)
        assert kept.expires_at is None
        assert self.edits(session) == 1

    def test_once_used_it_stays_for_its_products(self, session, make, now):
        first, other = make.product(), make.product()
        boost = create(session, now, product_ids=[first.id])
        edit_boost(session, boost.id, {}, actor=SYSTEM, product_ids=[other.id])
        redeem(session, make.affiliate(), boost, now)

        for wanted in ([first.id], [first.id, other.id]):
            with pytest.raises(BoostInUse):
                edit_boost(session, boost.id, {}, actor=SYSTEM, product_ids=wanted)
        edit_boost(session, boost.id, {"max_uses": 9}, actor=SYSTEM, product_ids=[other.id])

        assert list(products_of(session, boost.id)) == [other.id]
        assert self.edits(session) == 2

    def edits(self, session):
        told = select(func.count()).where(OutboxEvent.kind == "affiliation.boost_edited")
        return session.scalar(told)

    def test_what_is_over_by_itself_is_not_ended_again(self, session, make, now):
        boost = create(session, now, valid_until=now + DAY)
        redemption = redeem(session, make.affiliate(), boost, now)

        deactivate_boost(session, boost.id, actor=SYSTEM, now=now + DAY, end_uses=True)

        assert (redemption.status, redemption.ended_at) == (RedemptionStatus.ACTIVE, None)

    def test_deactivated_nobody_redeems_it_and_uses_go_on_unless_ended(self, session, make, now):
        boost, affiliate = create(session, now), make.affiliate()
        redemption = redeem(session, affiliate, boost, now)

        deactivate_boost(session, boost.id, actor=SYSTEM, now=now)
        assert redemption.status is RedemptionStatus.ACTIVE
        with pytest.raises(BoostOver):
            redeem(session, make.affiliate(), boost, now)
        for _ in range(2):
            deactivate_boost(session, boost.id, actor=SYSTEM, now=now, end_uses=True)
        assert redemption.status is RedemptionStatus.DEACTIVATED


class TestRedeem:
    def test_twice_uses_once(self, session, make, now):
        boost, affiliate = create(session, now, valid_until=now + DAY), make.affiliate()

        first, second = (redeem(session, affiliate, boost, now) for _ in range(2))

        assert first is second
        assert (boost.current_uses, first.expires_at) == (1, now + DAY)

    def test_as_it_is_typed(self, session, make, now):
        create(session, now, code="SPRING")
        affiliate = make.affiliate()

        redeemed = redeem_boost(session, affiliate.user_id, " spring ", actor=SYSTEM, now=now)

        assert redeemed.status is RedemptionStatus.ACTIVE

    def test_another_one_wants_to_be_confirmed_and_ends_the_first(self, session, make, now):
        former, other, affiliate = create(session, now), create(session, now), make.affiliate()
        first = redeem(session, affiliate, former, now)

        with pytest.raises(BoostReplacesAnother):
            redeem(session, affiliate, other, now)
        assert active_redemption(session, affiliate.user_id) is first
        second = redeem(session, affiliate, other, now + DAY, confirmed=True)

        assert (first.status, first.ended_at) == (RedemptionStatus.DEACTIVATED, now + DAY)
        assert active_redemption(session, affiliate.user_id) is second
        assert (former.current_uses, other.current_uses) == (1, 1)

    def test_one_past_its_end_needs_no_confirmation(self, session, make, now):
        former, affiliate = create(session, now, valid_until=now + DAY), make.affiliate()
        first = redeem(session, affiliate, former, now)

        redeem(session, affiliate, create(session, now), now + DAY)

        assert first.status is RedemptionStatus.EXPIRED

    def test_refusals(self, session, make, now):
        affiliate = make.affiliate()
        used_up = create(session, now, max_uses=1)
        redeem(session, make.affiliate(), used_up, now)
        for boost, refusal in (
            (create(session, now, valid_from=now + DAY), BoostNotYet),
            (create(session, now - 2 * DAY, valid_until=now), BoostOver),
            (used_up, BoostUsedUp),
        ):
            with pytest.raises(refusal):
                redeem(session, affiliate, boost, now)
        with pytest.raises(UnknownBoost):
            redeem_boost(session, affiliate.user_id, "NOBODY", actor=SYSTEM, now=now)
        with pytest.raises(Missing):
            redeem_boost(session, make.staff().id, create(session, now).code, actor=SYSTEM, now=now)

    def test_sixteen_at_once_use_the_last_one_once(self, committed, now):
        with unit_of_work() as session:
            make = Make(session)
            boost = create(session, now, max_uses=3)
            affiliates = [make.affiliate() for _ in range(16)]

        def use(affiliate):
            try:
                with unit_of_work() as session:
                    return redeem(session, affiliate, boost, now).id
            except BoostUsedUp:
                return None

        with ThreadPoolExecutor(16) as pool:
            done = list(pool.map(use, affiliates))
        assert len([each for each in done if each]) == 3
        with unit_of_work() as session:
            assert BoostCode.get(session, boost.id).current_uses == 3
            assert session.scalar(select(func.count()).select_from(BoostRedemption)) == 3

    def test_two_codes_at_once_leave_one_in_force(self, committed, now):
        with unit_of_work() as session:
            affiliate = Make(session).affiliate()
            boosts = [create(session, now) for _ in range(8)]

        def use(boost):
            with unit_of_work() as session:
                redeem(session, affiliate, boost, now, confirmed=True)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, boosts))
        with unit_of_work() as session:
            by_status = dict(
                session.execute(
                    select(BoostRedemption.status, func.count()).group_by(BoostRedemption.status)
                ).all()
            )
        assert by_status == {RedemptionStatus.ACTIVE: 1, RedemptionStatus.DEACTIVATED: 7}


def test_tidying_ends_what_is_over_once(session, make, now):
    over = redeem(session, make.affiliate(), create(session, now, valid_until=now + DAY), now)
    lasting = redeem(session, make.affiliate(), create(session, now), now)

    assert expire_boosts(session, now=now + DAY - timedelta(microseconds=1)) == 0
    assert expire_boosts(session, now=now + 2 * DAY) == 1
    assert expire_boosts(session, now=now + 2 * DAY) == 0

    assert (over.status, over.ended_at) == (RedemptionStatus.EXPIRED, now + DAY)
    assert lasting.status is RedemptionStatus.ACTIVE
