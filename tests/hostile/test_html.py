"""HTML in everything that a person can name or say: shown as text on pages, consoles, mails."""

import json
import re

import pytest
from sqlalchemy import select

from admin_views.guard import OWNER
from jobs.mail_rendering import render
from jobs.oversight import dispatch
from models import clock
from models.accounts import Platform, UserType
from models.affiliation import AffiliateProfile
from models.billing import ProviderEvent
from models.oversight import JobRun, OutgoingMail, SystemLog
from models.session import staff_reading, unit_of_work
from tests.checkouts import buy
from tests.factories import Make
from tests.hostile.attackers import signed_in

RAW = "<script>alert(1)</script>"
BROKEN_OUT = "\"'><img src=x onerror=alert(2)>"
NASTY = f"{RAW}{BROKEN_OUT} 100% %(x)s"
FOUND = re.compile(r"<script>alert\(1\)|<img src=x|onerror=alert\(2\)>", re.IGNORECASE)
SHOWN = "&lt;script&gt;alert(1)"


@pytest.fixture(scope="module")
def nasty(shop, twin):
    """A shop whose every text is an attack, with a customer and an affiliate."""
    with unit_of_work() as session:
        make = Make(session)
        for platform in Platform:
            product = make.product(
                f"nasty-{platform.lower()}",
                community=make.community(platform=platform, name=NASTY),
                name=NASTY,
                short_description=NASTY,
            )
            make.program(product)
            plan = make.plan(product=product, name=NASTY)
            make.button(f"nasty-{platform.lower()}", plan=plan, display_name=NASTY)
        make.user("nasty@example.org", display_name=NASTY, bio=NASTY)
        make.affiliate(
            "nasty",
            user=make.user(
                "nasty@example.org",
                platform=Platform.WEOKTO,
                user_type=UserType.AFFILIATE,
                display_name=NASTY,
            ),
        )
    for key in ("nasty-stam", "nasty-weokto"):
        buy(twin, key, "nasty@example.org", user_agent=NASTY)
    dispatch()
    with unit_of_work() as session:
        make = Make(session)
        affiliate = session.scalars(
            select(AffiliateProfile).filter_by(affiliate_slug="nasty")
        ).one()
        make.click(
            affiliate, campaign=NASTY, source=NASTY, medium=NASTY, referrer=NASTY, utm={"x": NASTY},
            landing_path=NASTY, user_agent=NASTY,
        )  # fmt: skip
        make.add(SystemLog(level="ERROR", module=NASTY, message=NASTY, data={NASTY: NASTY}))
        make.add(JobRun(name="ledger-verify", due_at=clock.now(), error=NASTY))
        make.add(ProviderEvent(source="psp", external_id=NASTY, kind=NASTY, body={NASTY: NASTY}))


def assert_harmless(answer):
    assert answer.status_code < 500
    found = FOUND.search(answer.text) if answer.mimetype == "text/html" else None
    assert not found, (answer.request.path, answer.text[max(0, found.start() - 200) :][:400])
    return SHOWN in answer.text


PLACES = ("/", "/p/nasty-{site}", "/checkout/nasty-{site}", "/dashboard", "/home", "/profile",
          "/settings", "/settings/invoices", "/renoncer", "/resilier", "/choose-guild", "/welcome",
          "/sitemap.xml")  # fmt: skip


class TestPages:
    @pytest.mark.parametrize("site", ["weokto", "stam"])
    @pytest.mark.parametrize("known", [False, True])
    def test_show_it_as_text(self, stranger, nasty, site, known):
        visitor = stranger(site)
        if known:
            signed_in(visitor, "nasty@example.org", Platform(site.upper()))
        shown = [path for path in PLACES if assert_harmless(visitor.get(path.format(site=site)))]
        assert "/p/nasty-{site}" in shown
        assert ("/profile" in shown) is known

    def test_say_it_as_json(self, stranger, nasty):
        answer = stranger("stam").get("/api/payments/button-config?key=nasty-stam")
        assert answer.mimetype == "application/json"
        assert answer.json["display_name"] == NASTY
        assert "<script" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", answer.text)

    def test_keep_structured_data_within_its_element(self, stranger, nasty):
        page = stranger("stam").get("/p/nasty-stam").text
        for block in re.findall(
            r"<script type=\"application/ld\+json\"[^>]*>(.*?)</script>", page, re.S
        ):
            json.loads(block)

    @pytest.mark.parametrize(
        "path", ["/login", "/verify-otp", "/verify", "/checkout/{}", "/p/{}", "/{}"]
    )
    def test_never_echo_what_was_asked(self, stranger, nasty, path):
        for name in ("next", "email", "token", "click", "ref", "embed", "saved"):
            assert_harmless(stranger().get(path.format("x"), query_string={name: NASTY}))
        assert_harmless(stranger().get(path.format(NASTY)))
        visitor = stranger()
        page = visitor.get("/login").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        assert_harmless(
            visitor.post("/login", data={"email": NASTY, "next": NASTY, "csrf_token": token})
        )


class TestConsoles:
    def test_show_it_as_text(self, stranger, nasty):
        owner = signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)
        shown = 0
        for view in OWNER.views.values():
            shown += assert_harmless(owner.get(f"{view.url}/"))
            assert_harmless(owner.get(f"{view.url}/", query_string={"search": NASTY}))
            if not hasattr(view, "table"):
                continue
            for key in keys_of(view):
                for page in ("details/", "edit/"):
                    shown += assert_harmless(owner.get(f"{view.url}/{page}?id={key}"))
                for act in view.acts:
                    assert_harmless(owner.get(f"{view.url}/act/{act.name}/?id={key}"))
        assert shown > 20

    def test_exports_start_no_formula(self, stranger, nasty):
        owner = signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)
        with unit_of_work() as session:
            Make(session).product("formula", name='=HYPERLINK("https://evil.example")')
        told = owner.get(f"{OWNER.views['products'].url}/export/csv/").text
        assert "evil.example" in told
        assert not re.search(r'(?m)(?:^|[;,\t"])=HYPERLINK', told)


class TestMails:
    def test_show_it_as_text(self, nasty):
        with staff_reading() as session:
            mails = session.scalars(select(OutgoingMail)).all()
            rendered = [render(mail) for mail in mails]
        assert any(SHOWN in mail.html for mail in rendered)
        for mail in rendered:
            assert not FOUND.search(mail.html)
            assert "\n" not in mail.subject


def keys_of(view):
    """The newest few records of a view."""
    with staff_reading() as session:
        column = getattr(view.table, view.key_name)
        return session.scalars(select(column).order_by(column.desc()).limit(3)).all()
