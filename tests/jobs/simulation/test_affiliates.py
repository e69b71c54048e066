"""Lock profiles, boosts, free guilds, risk: worked out by hand from document 04.

A sale of 49 € a month has a base of 4083 and earns 30 %, 1225.
"""

import pytest

from tests.jobs.simulation.conftest import BUSINESS, buy, click, rows_of

COMMUNITIES = [
    *BUSINESS["communities"],
    {"slug": "club", "name": "Club", "platform": "STAM"},
]
PRODUCTS = [
    *BUSINESS["products"],
    {**BUSINESS["products"][0], "slug": "extra", "name": "Extra"},
]


def boost(at="+0d1m", code="SPRING10", kind="percentage_increase", value="10", **more):
    return {"at": at, "do": "create_boost", "code": code, "type": kind, "value": value, **more}


def redeem(at="+0d2m", code="SPRING10"):
    return {"at": at, "do": "redeem_boost", "affiliate": "alice", "code": code}


def sales(count, at="+0d"):
    for number in range(count):
        yield click(visitor=f"v{number}", at=at)
        yield buy(email=f"buyer{number}@example.org", visitor=f"v{number}", at=f"{at}1h")


def refund(number, at):
    email = f"buyer{number}@example.org"
    return {"at": at, "do": "refund", "email": email, "product": "premium", "invoice": 1}


class TestLockProfiles:
    @pytest.mark.parametrize(
        ("level", "main", "extended", "main_days", "extended_days"),
        [
            ("AT_RISK", 980, 245, 60, 90),
            ("HIGH_RISK", 857, 368, 90, 120),
            ("EXTREME_RISK", 735, 490, 90, 180),
        ],
    )
    def test_of_risk_override_age(self, play, level, main, extended, main_days, extended_days):
        result = play(click(), buy(), affiliates=[{**BUSINESS["affiliates"][0], "risk": level}])

        (commission,) = result["commissions"]
        assert (commission["main_amount"], commission["extended_amount"]) == (main, extended)
        until = {60: "2026-05-09", 90: "2026-06-08", 120: "2026-07-08", 180: "2026-09-06"}
        assert commission["locked_until"] == f"{until[main_days]}T10:00:00Z"
        assert commission["extended_locked_until"] == f"{until[extended_days]}T10:00:00Z"

    def test_changed_for_what_is_locked_only_where_asked(self, play):
        def after(relock):
            change = {"at": "+2d", "do": "set_risk", "affiliate": "alice", "level": "HIGH_RISK"}
            result = play(click(), buy(), {**change, "relock": relock})
            (commission,) = result["commissions"]
            assert commission["main_amount"] == 980
            return commission["locked_until"], commission["extended_locked_until"]

        assert after(False) == ("2026-04-24T10:00:00Z", "2026-06-08T10:00:00Z")
        assert after(True) == ("2026-06-08T10:00:00Z", "2026-07-08T10:00:00Z")

    def test_are_never_shortened(self, play):
        result = play(
            click(),
            buy(),
            {"at": "+2d", "do": "set_risk", "affiliate": "alice", "level": "NORMAL",
             "relock": True},
            affiliates=[{**BUSINESS["affiliates"][0], "risk": "HIGH_RISK"}],
        )  # fmt: skip

        assert result["commissions"][0]["locked_until"] == "2026-06-08T10:00:00Z"


class TestBoosts:
    @pytest.mark.parametrize(
        ("kind", "value", "rate", "total", "main"),
        [
            ("percentage_increase", "10", "40", 1633, 1306),
            ("percentage_increase", "2.5", "32.5", 1327, 1061),
            ("percentage_increase", "90", "120", 4083, 3266),
            ("flat_bonus", 500, "30", 1725, 1380),
            ("flat_bonus", 10000, "30", 4083, 3266),
        ],
    )
    def test_add_to_what_is_earned_up_to_the_base(self, play, kind, value, rate, total, main):
        result = play(boost(kind=kind, value=value), redeem(), click(), buy())

        assert rows_of(result, "commissions", "rate_applied", "total_amount", "main_amount") == [
            (rate, total, main)
        ]
        assert result["refused"] == []

    def test_are_redeemed_by_whose_click_brings_the_purchase(self, play):
        result = play(boost(), click(), {**buy(), "boost": "SPRING10"})

        assert rows_of(result, "commissions", "total_amount") == [(1633,)]

    def test_that_nobody_made_do_not_stop_the_purchase(self, play):
        result = play(click(), {**buy(), "boost": "NOTHING"})

        assert [row["event"] for row in result["refused"]] == [1]
        assert rows_of(result, "commissions", "total_amount") == [(1225,)]

    def test_are_for_their_products_and_until_their_day(self, play):
        other = boost(scope="SPECIFIC", products=["extra"])
        result = play(other, redeem(), click(), buy(), products=PRODUCTS)
        assert rows_of(result, "commissions", "total_amount") == [(1225,)]

        short = boost(valid_until="+0d30m")
        result = play(short, redeem(), click(), buy())
        assert rows_of(result, "commissions", "total_amount") == [(1225,)]

        result = play(short, redeem(at="+0d31m"), click(), buy())
        assert [row["event"] for row in result["refused"]] == [1]

    @pytest.mark.parametrize(
        ("kind", "value"), [("flat_bonus", 100_000_001), ("percentage_increase", "0.000001")]
    )
    def test_that_nothing_could_hold_are_refused(self, play, kind, value):
        result = play(boost(kind=kind, value=value), click(), buy())

        assert result["refused"] == [{"event": 0, "code": "bad_boost"}]
        assert rows_of(result, "commissions", "total_amount") == [(1225,)]

    def test_are_used_as_often_as_they_may(self, play):
        result = play(
            boost(max_uses=1),
            redeem(),
            {**redeem(at="+0d3m"), "affiliate": "karim"},
            affiliates=[*BUSINESS["affiliates"], {"slug": "karim", "email": "k@example.org"}],
        )

        assert [row["event"] for row in result["refused"]] == [2]


class TestFreeGuild:
    def test_brings_later_purchases_to_whoever_brought_the_member(self, play):
        def bought_after(days):
            result = play(
                click(),
                {"at": "+1h", "do": "join_guild", "email": "bob@example.org", "guild": "academy",
                 "visitor": "v1"},
                buy(visitor=None, at=f"+{days}d"),
                until="2026-04-20T00:00:00+02:00",
            )  # fmt: skip
            assert result["refused"] == []
            return rows_of(result, "commissions", "total_amount", "from_free_product")

        assert bought_after(29) == [(1225, True)]
        assert bought_after(31) == []


class TestFreeProduct:
    def test_needs_no_card_and_brings_later_purchases(self, play):
        def bought_after(days):
            result = play(
                click(),
                buy(at="+1h", button="intro"),
                buy(visitor=None, at=f"+{days}d"),
                products=[
                    *BUSINESS["products"],
                    {"slug": "intro", "name": "Intro", "community": "academy"},
                ],
                plans=[
                    *BUSINESS["plans"],
                    {"slug": "intro", "product": "intro", "price": 0, "interval": "LIFETIME"},
                ],
                buttons=[*BUSINESS["buttons"], {"key": "intro", "plan": "intro"}],
                until="2026-04-20T00:00:00+02:00",
            )
            assert result["refused"] == []
            assert rows_of(result, "customers", "product", "status", "next_charge_at")[0] == (
                "intro",
                "ACTIVE",
                None,
            )
            assert rows_of(result, "invoices", "product") == [("premium",)] * len(
                result["invoices"]
            )
            return rows_of(result, "commissions", "total_amount", "from_free_product")

        assert bought_after(29) == [(1225, True)]
        assert bought_after(31) == []


class TestRiskAtNight:
    @pytest.mark.parametrize(
        ("sold", "refunded", "level", "rate"),
        [
            (10, 1, "NORMAL", "0.1"),
            (10, 2, "AT_RISK", "0.2"),
            (10, 3, "HIGH_RISK", "0.3"),
            (10, 4, "HIGH_RISK", "0.4"),
            (9, 4, "NORMAL", "0.4444"),
        ],
    )
    def test_follows_the_refunds_where_ten_invoices_count(self, play, sold, refunded, level, rate):
        result = play(
            *sales(sold),
            *(refund(number, f"+1d{number}h") for number in range(refunded)),
            until="2026-03-12T05:00:00+01:00",
        )

        alice = result["affiliates"]["alice"]
        assert (alice["risk_level"], alice["refund_rate"]) == (level, rate)
        assert alice["total_refunds"] == refunded

    def test_comes_at_four(self, play):
        events = (*sales(10), refund(0, "+1d"), refund(1, "+1d1h"))

        early = play(*events, until="2026-03-12T03:59:00+01:00")
        late = play(*events, until="2026-03-12T04:00:00+01:00")

        assert early["affiliates"]["alice"]["risk_level"] == "NORMAL"
        assert late["affiliates"]["alice"]["risk_level"] == "AT_RISK"


class TestSuspended:
    def test_earns_on_nothing_that_is_bought_meanwhile(self, play):
        result = play(
            click(),
            {"at": "+10m", "do": "suspend", "affiliate": "alice"},
            buy(),
            {"at": "+2h", "do": "reactivate", "affiliate": "alice"},
            click(visitor="v2", at="+3h"),
            buy(visitor="v2", email="eve@example.org", at="+4h"),
        )

        assert rows_of(result, "commissions", "email") == [("eve@example.org",)]

    def test_cannot_ask_for_money(self, play):
        result = play(
            {"at": "+1d", "do": "adjust", "affiliate": "alice", "amount": 6000, "reason": "gift"},
            {"at": "+2d", "do": "suspend", "email": "alice@example.org"},
            {"at": "+3d", "do": "withdraw", "affiliate": "alice", "amount": 5000, "as": "w1"},
        )

        assert result["refused"] == [{"event": 2, "code": "affiliate_suspended"}]


class TestFreeProducts:
    """A free product of the community binds for 30 days where the affiliate is new."""

    PRODUCTS = [
        *BUSINESS["products"],
        *(
            {"slug": slug, "name": slug.title(), "community": "academy"}
            | {"program": BUSINESS["products"][0]["program"]}
            for slug in ("guide", "course")
        ),
    ]
    PLANS = [
        *BUSINESS["plans"],
        {"slug": "guide", "product": "guide", "price": 0, "interval": "LIFETIME"},
        {"slug": "course", "product": "course", "price": 0, "interval": "LIFETIME"},
    ]
    BUTTONS = [
        *BUSINESS["buttons"],
        {"key": "guide", "plan": "guide"},
        {"key": "course", "plan": "course"},
    ]

    def earned(self, play, *events):
        result = play(
            *events,
            products=self.PRODUCTS,
            plans=self.PLANS,
            buttons=self.BUTTONS,
            until="2026-06-25T12:00:00+02:00",
        )
        assert result["refused"] == []
        return [(row["earned_at"][:10], row["from_free_product"]) for row in result["commissions"]]

    def test_joined_by_a_new_click_bind_for_their_own_days(self, play):
        assert self.earned(
            play,
            click(),
            buy(button="guide"),
            click(at="+29d"),
            buy(button="course", at="+29d1h"),
            buy(visitor=None, at="+40d"),
            {"at": "+41d", "do": "cancel", "email": "bob@example.org", "product": "premium"},
        ) == [("2026-04-19", True)]

    @pytest.mark.parametrize("visitor", [None, "v1"])
    def test_what_they_led_to_is_earned_on_when_bought_again(self, play, visitor):
        assert self.earned(
            play,
            click(),
            buy(button="guide"),
            click(at="+10d"),
            buy(visitor=visitor, at="+10d1h"),
            {"at": "+11d", "do": "cancel", "email": "bob@example.org", "product": "premium"},
            buy(visitor=None, at="+100d"),
        ) == [("2026-03-20", True), ("2026-06-18", True)]
