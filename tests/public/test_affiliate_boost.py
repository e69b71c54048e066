"""Boosts as the affiliate redeems them: confirmed where one would end, with their figures."""

from datetime import timedelta
from decimal import Decimal

import pytest

from models import clock
from models.accounts import Platform
from models.affiliation.boost import BoostType
from models.affiliation.edit_boost import create_boost
from models.oversight.actor import SYSTEM
from models.session import unit_of_work
from tests.selling import an_affiliate, sell, signed_in, twin_at_work
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")


def make_boost(code, value="10", boost_type=BoostType.PERCENTAGE_INCREASE, **values):
    with unit_of_work() as session:
        return create_boost(
            session,
            boost_type=boost_type,
            boost_value=Decimal(value),
            code=code,
            actor=SYSTEM,
            now=clock.now(),
            **values,
        )


@pytest.fixture
def ann(app, now):
    an_affiliate("ann")
    make_boost("TEN-MORE", valid_until=now + timedelta(days=30))
    make_boost("FIVE-EUROS", "500", BoostType.FLAT_BONUS)
    return signed_in(app, "ann")


def redeem(visitor, code, **typed):
    return visitor.post("/affiliate/boost", {"code": code, **typed}, form="/affiliate/boost")


class TestPage:
    def test_has_words_before_any(self, ann):
        page = ann.get("/affiliate/boost").text

        assert 'class="none"' in page
        assert "TEN-MORE" not in page

    def test_shows_the_one_in_force_with_its_figures(self, app, ann):
        answer = redeem(ann, " ten-more ")
        with twin_at_work() as twin:
            sell(twin, ann.user(), ["carl@example.org"])
        page = ann.get("/affiliate/boost").text

        assert answer.location == "/affiliate/boost"
        assert "TEN-MORE" in page
        assert "10 points on the rate" in page
        assert "€4.08" in page  # ten points of 40.83
        assert page.count("€4.08") == 2

    def test_asks_before_one_ends_for_another(self, ann):
        redeem(ann, "TEN-MORE")

        asked = redeem(ann, "five-euros")
        still = ann.get("/affiliate/boost").text
        done = redeem(ann, "FIVE-EUROS", confirmed="yes")
        page = ann.get("/affiliate/boost").text

        assert asked.status_code == 409
        assert 'name="confirmed"' in asked.text
        assert "TEN-MORE" in asked.text
        assert "FIVE-EUROS" not in still
        assert done.location == "/affiliate/boost"
        assert "€5.00 on each commission" in page
        assert page.index("FIVE-EUROS") < page.index("TEN-MORE")

    def test_a_second_press_changes_nothing(self, ann):
        first, second = redeem(ann, "TEN-MORE"), redeem(ann, "TEN-MORE")

        assert first.location == second.location == "/affiliate/boost"
        assert ann.get("/affiliate/boost").text.count("<tr><td") == 1

    @pytest.mark.parametrize(
        ("code", "status"),
        [("", 404), ("NOTHING", 404), ("<b>", 404), ("x" * 900, 404), ("LATER", 409)],
    )
    def test_says_why_a_code_does_not_do(self, ann, code, status):
        make_boost("LATER", valid_from=clock.now() + timedelta(days=1))

        answer = redeem(ann, code)

        assert answer.status_code == status
        assert 'id="code-problem"' in answer.text

    def test_one_past_its_end_is_no_longer_in_force(self, ann, now):
        redeem(ann, "TEN-MORE")
        clock.move_to(now + timedelta(days=31))
        ann.sign_in("ann@example.org")

        page = ann.get("/affiliate/boost").text

        assert 'class="none"' in page
        assert "Over" in page

    def test_shows_nobody_elses(self, app, ann):
        redeem(ann, "TEN-MORE")
        an_affiliate("bea")

        assert "TEN-MORE" not in signed_in(app, "bea").get("/affiliate/boost").text

    def test_is_for_affiliates(self, app, ann):
        visitor = Visitor(app)
        assert visitor.get("/affiliate/boost").location == "/login?next=/affiliate/boost"
        for platform, status in ((Platform.WEOKTO, 403), (Platform.STAM, 404)):
            committed_user("carl@example.org", platform)
            client = Visitor(app, platform)
            client.sign_in("carl@example.org")
            assert client.get("/affiliate/boost").status_code == status


class TestEndpoints:
    def test_redeem_and_list(self, ann):
        first = ann.json("/api/affiliate/boost", {"code": "TEN-MORE"})
        asked = ann.json("/api/affiliate/boost", {"code": "FIVE-EUROS"})
        done = ann.json("/api/affiliate/boost", {"code": "FIVE-EUROS", "confirmed": True})

        assert first.json["boosts"][0]["value"] == "10"
        assert asked.json["error"]["code"] == "boost_replaces_another"
        assert [each["status"] for each in done.json["boosts"]] == ["ACTIVE", "DEACTIVATED"]
        assert ann.get("/api/affiliate/boost").json == done.json

    def test_refuse_what_is_unknown(self, ann):
        answer = ann.json("/api/affiliate/boost", {"code": "NOTHING"})

        assert (answer.status_code, answer.json["error"]["code"]) == (404, "unknown_boost")
