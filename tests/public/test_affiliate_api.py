"""The JSON twins of the affiliate's pages: the same doors, the same figures, described."""

from datetime import timedelta

import pytest

from models import clock
from models.accounts import Platform, UserType
from models.affiliation.mature import mature_due
from tests.selling import an_affiliate, sell, signed_in, twin_at_work
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")

GETS = (
    "/api/affiliate/dashboard",
    "/api/affiliate/commissions",
    "/api/affiliate/ledger",
    "/api/affiliate/links",
    "/api/affiliate/link-name",
    "/api/affiliate/payouts",
    "/api/affiliate/payouts/preview?amount=5000",
)
KEY = "0192f0c4-7c3e-7000-8000-000000000001"
IBAN = "FR76 3000 6000 0112 3456 7890 189"


@pytest.fixture
def twin():
    with twin_at_work() as twin:
        yield twin


@pytest.fixture
def ann(app, now, twin):
    """An affiliate with two clients, and another one with a client of her own."""
    ann, bea = an_affiliate("ann"), an_affiliate("bea")
    sell(twin, ann, ["carl@example.org", "dora@example.org"], price=49000, name="Gold")
    sell(twin, bea, ["eve@example.org"], price=99000, name="Silver")
    return signed_in(app, "ann")


@pytest.fixture
def rich(app, ann, now):
    """The same three months later: everything is released and there is where to pay it."""
    clock.move_to(now + timedelta(days=91))
    mature_due()
    ann.sign_in("ann@example.org")
    details = {"method": "wire", "holder": "Ann Lee", "iban": IBAN}
    answer = ann.json("/api/affiliate/payouts/details", details)
    assert answer.json["iban_last4"] == "0189"
    return ann


def code_of(answer):
    return answer.status_code, answer.json["error"]["code"]


class TestDoors:
    @pytest.mark.parametrize("path", GETS)
    def test_are_the_pages_own(self, app, path):
        assert code_of(Visitor(app).get(path)) == (401, "not_signed_in")
        for platform, refusal in (
            (Platform.WEOKTO, (403, "not_allowed")),
            (Platform.STAM, (404, "not_found")),
        ):
            committed_user("carl@example.org", platform)
            visitor = Visitor(app, platform)
            visitor.sign_in("carl@example.org")
            assert code_of(visitor.get(path)) == refusal

    def test_an_affiliate_without_a_profile_is_told_where_to_get_one(self, app):
        committed_user("zoe@example.org", user_type=UserType.AFFILIATE)
        visitor = Visitor(app)
        visitor.sign_in("zoe@example.org")
        answer = visitor.get("/api/affiliate/dashboard")

        assert code_of(answer) == (409, "not_an_affiliate")
        assert answer.json["error"]["url"] == "/home#become"


class TestReading:
    def test_the_dashboard(self, ann):
        told = ann.get("/api/affiliate/dashboard").json

        assert (told["earned"], told["locked"], told["available"]) == (24500, 24500, 0)
        assert (told["clicks"], told["checkouts"], told["sales"]) == (2, 2, 2)
        assert told["unlocks"] == [
            {"on": "2026-04-24", "main": 19600, "extended": 0},
            {"on": "2026-06-08", "main": 0, "extended": 4900},
        ]
        assert told["months"][-1]["commissions"] == 2

    def test_commissions_and_one_of_them(self, ann):
        listed = ann.get("/api/affiliate/commissions?status=PENDING_LOCK&from=2026-03-10").json
        one = ann.get(f"/api/affiliate/commissions/{listed['commissions'][0]['id']}").json

        assert len(listed["commissions"]) == 2
        assert one["client"] == "d•••@e•••.org"
        assert one["rate_applied"] == "30"
        assert (one["main_left"], one["extended_left"]) == (9800, 2450)
        assert [fact["kind"] for fact in one["why"]] == [
            "base",
            "rate",
            "lock_profile",
            "main_part",
            "extended_part",
        ]
        assert "Silver" not in str(listed)

    def test_commissions_of_one_product(self, ann, twin):
        sell(twin, ann.user(), ["fay@example.org"], name="Bronze")
        listed = ann.get("/api/affiliate/commissions").json["commissions"]
        bronze = listed[0]["program_id"]

        assert [each["plan"] for each in listed] == ["Bronze", "Gold", "Gold"]
        found = ann.get(f"/api/affiliate/commissions?product={bronze}").json["commissions"]
        assert [each["plan"] for each in found] == ["Bronze"]

    def test_the_ledger(self, ann):
        told = ann.get("/api/affiliate/ledger?type=COMMISSION_EARNED").json

        assert [each["entries"] for each in told["movements"]] == [
            [{"account": "LOCKED", "amount": 12250, "balance_after": 24500}],
            [{"account": "LOCKED", "amount": 12250, "balance_after": 12250}],
        ]

    def test_a_link(self, ann):
        told = ann.get("/api/affiliate/links?page=weokto&campaign=x").json

        assert told["link"] == "http://weokto.localhost/?ref=ann&campaign=x"
        assert ann.get(told["qr_svg"].removeprefix("http://weokto.localhost")).status_code == 200
        assert {"stam", "weokto"} <= {each["key"] for each in told["pages"]}

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("commissions?status=RICH", "status"),
            ("commissions?from=yesterday", "from"),
            ("commissions?to=9999-12-31", "to"),
            ("commissions?before=1", "before"),
            ("ledger?before=-1", "before"),
            (f"ledger?after={2**63}", "after"),
            ("ledger?who=me", "who"),
            ("links?page=nowhere", "page"),
            ("payouts?status=RICH", "status"),
            ("payouts/preview", "amount"),
            ("payouts/preview?amount=0", "amount"),
        ],
    )
    def test_says_what_is_wrong_by_name(self, ann, path, field):
        answer = ann.get(f"/api/affiliate/{path}")

        assert answer.status_code == 422
        assert answer.json["error"]["field"] == field


class TestLinkName:
    PATH = "/api/affiliate/link-name"

    def test_is_changed_once(self, ann):
        assert ann.get(self.PATH).json == {
            "slug": "ann",
            "former_slug": None,
            "can_change": True,
            "link": "http://weokto.localhost/?ref=ann",
        }

        changed = ann.json(self.PATH, {"slug": "Ann-Marie"})

        assert changed.json == ann.get(self.PATH).json
        assert changed.json["link"].endswith("ref=ann-marie")
        assert (changed.json["former_slug"], changed.json["can_change"]) == ("ann", False)
        assert code_of(ann.json(self.PATH, {"slug": "ann-lou"})) == (409, "slug_changed_before")

    @pytest.mark.parametrize(("slug", "code"), [("bea", "slug_taken"), ("a b", "bad_slug")])
    def test_that_cannot_be_is_refused(self, ann, slug, code):
        answer = ann.json(self.PATH, {"slug": slug})

        assert code_of(answer) == (422, code)
        assert answer.json["error"]["field"] == "slug"


class TestJoining:
    def test_answers_the_link(self, app, now):
        committed_user("zoe@example.org")
        visitor = Visitor(app)
        visitor.sign_in("zoe@example.org")
        asked = {"slug": "zoe", "accepts_terms": True}

        refused = visitor.json("/api/affiliate/join", {**asked, "accepts_terms": False})
        first = visitor.json("/api/affiliate/join", asked)
        again = visitor.json("/api/affiliate/join", {**asked, "slug": "other"})

        assert code_of(refused) == (422, "terms_not_accepted")
        assert first.json == {"slug": "zoe", "link": "http://weokto.localhost/?ref=zoe"}
        assert again.json == first.json


class TestPayouts:
    def test_are_previewed_asked_once_and_cancelled(self, rich):
        terms = rich.get("/api/affiliate/payouts/preview?amount=10000").json
        wanted = {"amount": 10000, "request_key": KEY}
        first, again = (rich.json("/api/affiliate/payouts", wanted).json for _ in range(2))
        other = rich.json("/api/affiliate/payouts", {"amount": 5000, "request_key": KEY})
        listed = rich.get("/api/affiliate/payouts").json
        cancel = f"/api/affiliate/payouts/{first['id']}/cancel"
        gone = [rich.json(cancel, {}).json["status"] for _ in range(2)]

        assert terms == {
            "requested_amount": 10000,
            "fee_amount": 300,
            "net_amount": 9700,
            "available_after": 14500,
        }
        assert first == again
        assert code_of(other) == (409, "withdrawal_key_taken")
        assert listed["available"] == 14500
        assert [each["id"] for each in listed["withdrawals"]] == [first["id"]]
        assert gone == ["CANCELLED", "CANCELLED"]

    def test_of_somebody_else_are_nothing(self, app, rich):
        asked = rich.json("/api/affiliate/payouts", {"amount": 10000, "request_key": KEY})
        cancel = f"/api/affiliate/payouts/{asked.json['id']}/cancel"
        bea = signed_in(app, "bea")

        assert code_of(bea.json(cancel, {}))[0] == 404
        assert code_of(bea.get(cancel.removesuffix("/cancel")))[0] == 404
        assert bea.get("/api/affiliate/payouts").json["withdrawals"] == []
        taken = bea.json("/api/affiliate/payouts", {"amount": 10000, "request_key": KEY})
        assert taken.status_code == 409

    def test_refuse_what_is_too_much_or_too_little(self, rich):
        for amount, code in ((24501, "not_enough_available"), (4999, "below_minimum")):
            asked = rich.json("/api/affiliate/payouts", {"amount": amount})
            seen = rich.get(f"/api/affiliate/payouts/preview?amount={amount}")
            assert code_of(asked) == code_of(seen) == (422, code)

    def test_another_sites_page_may_not(self, rich):
        answer = rich.json(
            "/api/affiliate/payouts", {"amount": 5000}, headers={"Origin": "https://evil.example"}
        )
        assert code_of(answer) == (403, "foreign_origin")

    def test_details_are_checked(self, rich):
        asked = {"method": "wire", "holder": "Ann Lee", "iban": IBAN.replace("189", "188")}
        answer = rich.json("/api/affiliate/payouts/details", asked)

        assert code_of(answer) == (422, "bad_iban")
        assert answer.json["error"]["field"] == "iban"
