"""The affiliate's pages: their own money in words and figures, and nobody else's."""

import csv
import io
import re
from datetime import timedelta
from fractions import Fraction
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import Platform, UserType
from models.affiliation import AffiliateProfile, Commission, PayoutMethod
from models.affiliation.claw_back import claw_back
from models.affiliation.mature import mature_due
from models.affiliation.own_figures import forget_figures
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.profile import affiliate_by_slug
from models.billing import Invoice
from models.ids import new_id
from models.oversight import SYSTEM, AuditEvent
from models.session import staff_reading, unit_of_work
from tests.factories import Make
from tests.selling import an_affiliate, sell, signed_in, twin_at_work
from tests.visitors import Visitor, committed_user

pytestmark = pytest.mark.usefixtures("committed", "redis")

PAGES = (
    "/affiliate/dashboard",
    "/affiliate/dashboard.csv",
    "/affiliate/commissions",
    "/affiliate/commissions.csv",
    "/affiliate/ledger",
    "/affiliate/ledger.csv",
    "/affiliate/links/qr.svg",
)
NASTY = '=HYPERLINK("https://evil.example")'
EURO = "€12.25"


@pytest.fixture
def twin():
    with twin_at_work() as twin:
        yield twin


@pytest.fixture
def ann(app, now, twin):
    """An affiliate with two clients, and another one with a client of her own."""
    ann, bea = an_affiliate("ann"), an_affiliate("bea")
    sell(twin, ann, ["carl@example.org", "dora@client.example"], name="Gold")
    sell(twin, bea, ["eve@example.org"], name="Silver", price=9900)
    return signed_in(app, "ann")


def commission_of(name):
    with staff_reading() as session:
        return session.scalars(
            select(Commission)
            .join(AffiliateProfile, AffiliateProfile.user_id == Commission.affiliate_id)
            .where(AffiliateProfile.affiliate_slug == name)
            .order_by(Commission.id)
        ).first()


def give_back(commission_id, **parts):
    """Refund a commission's sale so far that this takes these cents."""
    with unit_of_work() as session:
        invoice = Invoice.get(session, Commission.get(session, commission_id).invoice_id)
        share = Fraction(sum(parts.values()), 1225)
        claw_back(
            session,
            invoice=invoice,
            refund=SimpleNamespace(id=new_id(), amount=int(4900 * share)),
            refunded_in_all=int(4900 * share),
            actor=SYSTEM,
            now=clock.now(),
        )
        commission = Commission.get(session, commission_id)
        assert {part: getattr(commission, f"clawed_from_{part}") for part in parts} == parts


def lines_of(answer):
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


class TestDoors:
    @pytest.mark.parametrize("path", PAGES)
    def test_whoever_is_not_signed_in_is_sent_to_sign_in(self, app, path):
        answer = Visitor(app).get(path)

        assert (answer.status_code, answer.location) == (303, f"/login?next={path}")

    @pytest.mark.parametrize("path", [*PAGES, "/home"])
    def test_on_stam_there_is_nothing(self, app, path):
        committed_user("carl@example.org", Platform.STAM)
        client = Visitor(app, Platform.STAM)
        client.sign_in("carl@example.org")

        assert client.get(path).status_code == 404

    @pytest.mark.parametrize("path", PAGES)
    @pytest.mark.parametrize("user_type", [UserType.CLIENT, None])
    def test_who_is_no_affiliate_may_not(self, app, path, user_type):
        committed_user("zoe@example.org", user_type=user_type or UserType.AFFILIATE)
        visitor = Visitor(app)
        visitor.sign_in("zoe@example.org")
        answer = visitor.get(path)

        if user_type is None:  # an affiliate by role, without a profile yet
            assert (answer.status_code, answer.location) == (303, "/home#become")
        else:
            assert answer.status_code == 403

    @pytest.mark.parametrize("path", PAGES)
    def test_nothing_is_kept_in_a_cache(self, ann, path):
        answer = ann.get(path)

        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"


class TestDashboard:
    def test_shows_what_stands_where(self, ann):
        page = ann.get("/affiliate/dashboard").text

        assert page.count("€24.50") >= 2  # earned and locked: two commissions of 12.25
        assert "€19.60" in page  # both main parts on one day of the calendar
        assert "€4.90" in page
        assert "€81.67" in page  # MRR: two of 49.00 excluding tax
        assert "Silver" not in page

    def test_counts_clicks_checkouts_and_sales(self, ann):
        with unit_of_work() as session:
            make = Make(session)
            profile = affiliate_by_slug(session, "ann")
            for _ in range(2):
                make.click(profile)
        page = ann.get("/affiliate/dashboard").text

        funnel = re.findall(r"<li><b>(\d+)</b>", page)
        assert funnel == ["4", "2", "2"]
        assert "50%" in page
        assert "100%" in page

    def test_keeps_figures_until_a_fact_touches_them(self, ann, twin):
        before = ann.get("/affiliate/dashboard").text
        sell(twin, ann.user(), ["fay@example.org"])
        kept = ann.get("/affiliate/dashboard").text

        forget_figures(ann.user().id)

        assert "€24.50" in before
        assert "€36.75" not in kept
        assert "€36.75" in ann.get("/affiliate/dashboard").text

    def test_shows_what_is_on_its_way_beside_a_debt(self, app, ann, twin, now):
        user = ann.user()
        sell(twin, user, ["fay@example.org"], price=49000)
        clock.move_to(now + timedelta(days=91))
        mature_due()
        with unit_of_work() as session:
            AffiliateProfile.get(session, user.id).payout_paypal = "ann@example.org"
            AffiliateProfile.get(session, user.id).payout_method = PayoutMethod.PAYPAL
            ask_withdrawal(session, user.id, 14700, actor=SYSTEM, now=clock.now())
        give_back(commission_of("ann").id, available=1225)
        forget_figures(user.id)
        page = signed_in(app, "ann").get("/affiliate/dashboard").text

        debt = page.split("tile-debt")[1].split("</div>")[0]
        assert "€12.25" in debt
        assert "€147.00 is asked for and on its way" in debt

    def test_has_words_for_somebody_new(self, app, now):
        an_affiliate("ann")
        visitor = signed_in(app, "ann")

        for path in ("/affiliate/dashboard", "/affiliate/commissions", "/affiliate/ledger"):
            answer = visitor.get(path)
            assert answer.status_code == 200
            assert 'class="none"' in answer.text

    def test_csv_has_twelve_months(self, ann):
        lines = lines_of(ann.get("/affiliate/dashboard.csv"))

        assert len(lines) == 13
        assert lines[-1] == ["2026-03", "2", "24.50", "0.00", "0.00"]


class TestLinks:
    def test_are_made_of_page_campaign_and_words(self, ann):
        with unit_of_work() as session:
            make = Make(session)
            make.program(make.product("gold-club", name="Gold Club"))
        page = ann.get(
            "/affiliate/dashboard?page=p/gold-club&campaign=Été 2026&utm_source=mail&utm_medium="
        ).text

        assert (
            'value="http://stam.localhost:8000/p/gold-club?ref=ann&amp;campaign=%C3%89t%C3%A9+2026'
            '&amp;utm_source=mail"'
        ) in page

    @pytest.mark.parametrize(
        ("kind", "mimetype", "begins"),
        [("svg", "image/svg+xml", b"<?xml"), ("png", "image/png", b"\x89PNG")],
    )
    def test_have_a_qr_code_to_show_and_to_save(self, ann, kind, mimetype, begins):
        shown = ann.get(f"/affiliate/links/qr.{kind}?page=weokto&campaign=x")
        saved = ann.get(f"/affiliate/links/qr.{kind}?page=weokto&campaign=x&download=1")

        assert shown.mimetype == mimetype
        assert shown.data.startswith(begins)
        assert shown.data == saved.data
        assert "Content-Disposition" not in shown.headers
        assert f"weokto-ann.{kind}" in saved.headers["Content-Disposition"]

    @pytest.mark.parametrize(
        "query", ["page=//evil.example", "page=p/nothing", "campaign=" + "x" * 61]
    )
    def test_lead_nowhere_else(self, ann, query):
        answer = ann.get(f"/affiliate/dashboard?{query}")

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert ann.get(f"/affiliate/links/qr.svg?{query}").status_code == 422

    def test_no_other_kind_of_picture(self, ann):
        assert ann.get("/affiliate/links/qr.gif").status_code == 404


class TestCommissions:
    def test_are_ones_own_with_the_client_masked(self, ann):
        page = ann.get("/affiliate/commissions").text

        assert page.count(f">{EURO}") == 2
        assert "c•••@e•••.org" in page
        assert "d•••@c•••.example" in page
        for secret in ("carl@", "dora@", "client.example", "eve", "Silver"):
            assert secret not in page

    @pytest.mark.parametrize(
        ("query", "lines"),
        [
            ("status=PENDING_LOCK", 2),
            ("status=PAID", 0),
            ("from=2026-03-10&to=2026-03-10", 2),
            ("from=2026-03-11", 0),
            ("to=2026-03-09", 0),
        ],
    )
    def test_are_filtered_by_the_address(self, ann, query, lines):
        page = ann.get(f"/affiliate/commissions?{query}").text
        rows = lines_of(ann.get(f"/affiliate/commissions.csv?{query}"))

        assert page.count(f">{EURO}") == lines
        assert len(rows) == lines + 1

    @pytest.mark.parametrize(
        "query",
        ["status=RICH", "from=yesterday", "to=9999-12-31", "from=0000-00-00", "product=x",
         "before=x", "after=1"],
    )  # fmt: skip
    def test_say_what_is_wrong_with_a_filter(self, ann, query):
        answer = ann.get(f"/affiliate/commissions?{query}")

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        if query[:6] not in ("before", "after="):
            assert ann.get(f"/affiliate/commissions.csv?{query}").status_code == 422

    def test_go_on_by_keys(self, ann, monkeypatch):
        from models.affiliation import own_commissions

        monkeypatch.setattr(own_commissions.commissions_page, "__kwdefaults__",
                            {"before": None, "after": None, "size": 1})  # fmt: skip
        first = ann.get("/affiliate/commissions").text
        older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
        second = ann.get(older).text
        newer = re.search(r'rel="prev" href="([^"]+)"', second)[1].replace("&amp;", "&")

        assert "d•••@" in first
        assert "c•••@e" in second
        assert 'rel="next"' not in second
        assert "d•••@" in ann.get(newer).text
        assert 'rel="prev"' not in ann.get(newer).text

    def test_explain_themselves(self, ann):
        page = ann.get(f"/affiliate/commissions/{commission_of('ann').id}").text

        assert "The invoice comes to €40.83 without tax" in page
        assert "30 %, rounded half-up to the cent: €12.25" in page
        assert "The main part, €9.80, waits 45 days" in page
        assert "The extended part, €2.45, waits 90 days" in page

    def test_what_was_taken_back_unlocks_on_no_day(self, ann):
        taken = commission_of("ann").id
        give_back(taken, main=480, extended=245)
        pages = [ann.get("/affiliate/commissions"), ann.get(f"/affiliate/commissions/{taken}")]
        listed, shown = (page.text.split("<table", 1)[1].split("</table>")[0] for page in pages)
        (cells,) = [row for row in lines_of(ann.get("/affiliate/commissions.csv")) if "7.25" in row]

        assert "€5.00 · " in listed
        assert listed.count("24 Apr 2026") == 2
        assert listed.count("8 Jun 2026") == 1
        assert "€5.00" in shown
        assert "24 Apr 2026" in shown
        assert "8 Jun 2026" not in shown
        assert cells[6:12] == ["9.80", "5.00", "2026-04-24", "2.45", "0.00", ""]

    def test_somebody_elses_is_nothing(self, ann):
        theirs = commission_of("bea")

        assert ann.get(f"/affiliate/commissions/{theirs.id}").status_code == 404
        assert "24.75" not in ann.get(f"/affiliate/commissions?before={theirs.id}").text

    def test_csv_starts_no_formula(self, ann, twin):
        sell(twin, ann.user(), ["fay@example.org"], name=NASTY)
        lines = lines_of(ann.get("/affiliate/commissions.csv"))

        assert len(lines) == 4
        assert "'" + NASTY in lines[1]
        assert lines[1][5] == "12.25"


class TestLedger:
    def test_shows_each_movement_with_what_stood_after(self, ann):
        page = ann.get("/affiliate/ledger").text

        assert page.count(f"+{EURO}") == 2
        assert EURO in page
        assert "€24.50" in page
        assert "24.75" not in page

    @pytest.mark.parametrize(
        ("query", "lines"),
        [
            ("type=COMMISSION_EARNED", 2),
            ("type=WITHDRAWAL_PAID", 0),
            ("from=2026-03-10&to=2026-03-10", 2),
            ("from=2026-03-11", 0),
        ],
    )
    def test_is_filtered_by_type_and_days(self, ann, query, lines):
        assert ann.get(f"/affiliate/ledger?{query}").text.count(f"+{EURO}") == lines
        assert len(lines_of(ann.get(f"/affiliate/ledger.csv?{query}"))) == lines + 1

    @pytest.mark.parametrize(
        "query", ["type=THEFT", "from=x", "before=-1", "after=x", f"before={2**63}", "before=²"]
    )
    def test_says_what_is_wrong_with_a_filter(self, ann, query):
        answer = ann.get(f"/affiliate/ledger?{query}")

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text

    def test_goes_on_by_numbers(self, ann, monkeypatch):
        from models.ledger import own_movements

        monkeypatch.setattr(own_movements.movements_page, "__kwdefaults__",
                            {"before": None, "after": None, "size": 1})  # fmt: skip
        first = ann.get("/affiliate/ledger").text
        second = ann.get(re.search(r'rel="next" href="([^"]+)"', first)[1]).text
        back = ann.get(re.search(r'rel="prev" href="([^"]+)"', second)[1]).text

        assert "€24.50" in first
        assert "€24.50" not in second
        assert 'rel="next"' not in second
        assert "€24.50" in back


class TestJoining:
    @pytest.fixture
    def zoe(self, app, now):
        committed_user("zoe@example.org", display_name="Zoé Dupré", locale="en")
        visitor = Visitor(app)
        visitor.sign_in("zoe@example.org")
        return visitor

    def join(self, visitor, **typed):
        return visitor.post(
            "/affiliate/join", {"slug": "zoe", "accepts_terms": "yes", **typed}, form="/home"
        )

    def test_is_one_press_from_home(self, zoe):
        page = zoe.get("/home").text
        answer = self.join(zoe)

        assert 'value="zoe-dupre"' in page
        assert answer.location == "/affiliate/dashboard"
        assert zoe.get("/affiliate/dashboard").status_code == 200
        home = zoe.get("/home").text
        assert "/?ref=zoe" in home
        assert "/affiliate/join" not in home

    def test_keeps_which_terms_were_accepted(self, zoe):
        self.join(zoe)

        with staff_reading() as session:
            told = session.scalars(
                select(AuditEvent).where(AuditEvent.action == "affiliation.affiliate_joined")
            ).one()
        assert re.fullmatch(r"cgu-[0-9a-f]{16}", told.data["terms"])

    def test_a_second_press_finds_what_there_is(self, zoe):
        first = self.join(zoe)
        token = {"form": "/profile"}
        again = zoe.post("/affiliate/join", {"slug": "other", "accepts_terms": "yes"}, **token)

        assert first.location == again.location == "/affiliate/dashboard"
        assert "/?ref=zoe" in zoe.get("/home").text

    @pytest.mark.parametrize("slug", ["", "-", "Zoé!", "x" * 41, "admin", "-zoe", "<b>"])
    def test_refuses_a_slug_in_words_beside_it(self, zoe, slug):
        answer = self.join(zoe, slug=slug)

        assert answer.status_code == 422
        assert 'id="slug-problem"' in answer.text

    def test_refuses_a_slug_that_is_taken(self, zoe):
        other = an_affiliate("ann")

        assert self.join(zoe, slug="ann").status_code == 422
        assert other.email not in zoe.get("/home").text

    def test_wants_the_terms(self, zoe):
        answer = zoe.post("/affiliate/join", {"slug": "zoe"}, form="/home")

        assert answer.status_code == 422
        assert 'value="zoe"' in answer.text


class TestHome:
    def test_shows_an_affiliate_where_they_stand(self, ann):
        page = ann.get("/home").text

        assert "€24.50" in page
        assert "€81.67" in page

    @pytest.mark.parametrize(
        "path", ["/home", "/profile", "/settings", "/choose-guild", "/affiliate/ledger"]
    )
    def test_the_menu_says_where_one_is(self, ann, path):
        page = ann.get(path).text

        assert page.count('aria-current="page"') == 1
        assert f'href="{path}" aria-current="page"' in page
        assert 'popovertarget="menu"' in page

    def test_the_menu_stays_away_from_stam(self, app):
        visitor = Visitor(app, Platform.STAM)
        visitor.sign_in()

        assert "member-menu" not in visitor.get("/profile").text


class TestLinkName:
    PAGE = "/affiliate/link-name"

    def test_is_changed_once_and_the_old_one_still_counts(self, ann):
        answer = ann.post(self.PAGE, {"slug": "ann-marie"}, form=self.PAGE)

        assert (answer.status_code, answer.location) == (303, "/affiliate/dashboard#links")
        assert "ref=ann-marie" in ann.get("/affiliate/dashboard").text
        page = ann.get(self.PAGE).text
        assert "ann-marie" in page
        assert 'name="slug"' not in page
        assert ann.get("/api/affiliate/track?ref=ann").json["recorded"] is False  # it is hers

    @pytest.mark.parametrize(("slug", "status"), [("bea", 422), ("a b", 422), ("", 422)])
    def test_that_cannot_be_is_refused_in_words(self, ann, slug, status):
        answer = ann.post(self.PAGE, {"slug": slug}, form=self.PAGE)

        assert answer.status_code == status
        assert 'id="slug-problem"' in answer.text

    def test_a_second_time_is_refused(self, ann):
        ann.post(self.PAGE, {"slug": "ann-marie"}, form=self.PAGE)

        assert ann.post(self.PAGE, {"slug": "ann-lou"}).status_code == 409
