"""Headers and cookies of every page, consoles included: nothing inline runs, nothing is framed."""

import re

import pytest

from app import create_app
from models.accounts import Platform, UserType
from models.settings import use_settings
from tests.hostile.attackers import Stranger, signed_in
from tests.hostile.test_forms import pages
from tests.hostile.test_json import operations

OFF_SITE = (
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/",
    "http:evil.example",
    "/%09/evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "/x\r\nLocation: https://evil.example",
    "https://weokto.localhost@evil.example",
    "///evil.example",
    "/.//evil.example",
)
INLINE = re.compile(
    r"<[^>]+\s(?:on[a-z]+|style)\s*=|<script(?![^>]*\s(?:src|nonce|type=\"application/(?:ld\+)?json\")=?)"
    r"|<style(?![^>]*\snonce=)|(?:href|src|action)=\"?javascript:",
    re.IGNORECASE,
)


def policy(answer):
    told = answer.headers["Content-Security-Policy"]
    return {part.split()[0]: part.split()[1:] for part in told.split("; ")}


def console_pages(app):
    """Every page of the owner's console that needs no record."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/wo-") and "GET" in rule.methods and "<" not in rule.rule:
            yield rule.rule


def assert_strict(answer):
    asked = answer.request.path
    rules = policy(answer)
    for directive in ("script-src", "style-src", "default-src"):
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:"} & set(rules[directive]), asked
    assert rules["object-src"] == rules["base-uri"] == ["'none'"]
    assert rules["form-action"] == ["'self'"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in ("strict-origin-when-cross-origin", "no-referrer")
    assert "camera=()" in answer.headers["Permissions-Policy"]
    if answer.mimetype == "text/html" and answer.status_code < 300:
        found = INLINE.search(answer.text)
        assert not found, (asked, found)
        nonces = set(re.findall(r'nonce="([^"]*)"', answer.text))
        assert all(f"'nonce-{nonce}'" in rules["script-src"] for nonce in nonces), asked


class TestPolicy:
    @pytest.mark.parametrize("site", ["weokto", "stam"])
    def test_of_every_public_page(self, app, stranger, site):
        for path in pages(app):
            answer = stranger(site).get(path)
            assert_strict(answer)
            assert policy(answer)["frame-ancestors"] == ["'none'"], path

    def test_of_every_console_page(self, app, stranger):
        owner = signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)
        walked = 0
        for path in console_pages(app):
            answer = owner.get(path)
            assert answer.status_code < 500
            assert_strict(answer)
            assert policy(answer)["frame-ancestors"] == ["'none'"]
            assert policy(answer)["frame-src"] == ["'none'"]
            walked += answer.status_code == 200
        assert walked > 20

    def test_of_refusals_and_json(self, stranger):
        for method, path, _fields, _body in operations(stranger().get("/api/openapi.json").json):
            assert_strict(stranger().ask(method, path))
        assert_strict(stranger().get("/no-such-page"))

    def test_the_checkout_alone_may_be_framed_where_asked_and_frames_the_vault_alone(
        self, stranger
    ):
        page = "/checkout/academy-premium-monthly"
        assert policy(stranger().get(page))["frame-ancestors"] == ["'none'"]
        assert policy(stranger().get(f"{page}?embed=1"))["frame-ancestors"] == ["*"]
        assert len(policy(stranger().get(page))["frame-src"]) == 1
        for other in ("/login?embed=1", "/profile?embed=1", "/?embed=1"):
            assert policy(stranger().get(other))["frame-ancestors"] == ["'none'"]


class TestCookies:
    def test_are_out_of_reach_of_scripts_and_of_other_sites(self, stranger):
        visitor = stranger()
        answers = [
            visitor.get("/login"),
            visitor.post("/consent", data={"choice": "yes"}),
            visitor.post("/language", data={"lang": "en"}),
            visitor.get("/?ref=bob"),
        ]
        given = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
        assert {line.split("=")[0] for line in given} >= {
            "session",
            "consent",
            "lang",
            "weokto_aff_ref",
        }
        for line in given:
            assert "HttpOnly" in line, line
            assert "SameSite=Lax" in line, line
            assert "Domain=" not in line, line


class TestInProduction:
    @pytest.fixture
    def secure(self, shop, settings):
        """A visitor of the same application under production's settings, through its proxy."""
        app = create_app(settings.model_copy(update={"env": "production"}))
        yield Stranger(app)
        use_settings(settings)

    THROUGH_PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}

    def test_tells_browsers_to_stay_on_https(self, secure):
        for path in ("/", "/login", "/api/auth/me", "/static/css/base.css", "/no-such-page"):
            answer = secure.get(path, headers=self.THROUGH_PROXY)
            assert "max-age=31536000" in answer.headers["Strict-Transport-Security"], path

    def test_every_cookie_is_secure(self, secure):
        told = {"headers": self.THROUGH_PROXY}
        answers = [
            secure.get("/login", **told),
            secure.post("/consent", data={"choice": "yes"}, **told),
            secure.post("/language", data={"lang": "en"}, **told),
            secure.get("/?ref=bob", **told),
        ]
        for answer in answers:
            for line in answer.headers.getlist("Set-Cookie"):
                assert "Secure" in line, line


class TestRedirects:
    @pytest.mark.parametrize("to", OFF_SITE)
    def test_never_leave_the_site(self, app, stranger, to):
        client = signed_in(
            stranger("stam"), "client@example.org", Platform.STAM, user_type=UserType.CLIENT
        )
        query = {"next": to, "success_url": to, "redirect": to, "return_url": to, "url": to}
        for path in pages(app):
            assert_stays(client.get(path, query_string=query))
        for path in ("/consent", "/language", "/login"):
            assert_stays(client.post(path, data={"choice": "no", "lang": "fr", "next": to}))

    def test_nor_after_signing_in(self, stranger):
        owner = signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)
        for to in OFF_SITE:
            assert_stays(owner.get("/second-factor", query_string={"next": to}))


def assert_stays(answer):
    """A path, or the checkout's address on the other of our two sites."""
    goes_to = answer.headers.get("Location", "/")
    assert re.match(r"(?:http://(?:weokto|stam)\.localhost(?::8000)?)?/(?![/\\])", goes_to), goes_to


def test_robots_are_kept_from_private_pages_and_told_of_no_console(stranger):
    told = stranger().get("/robots.txt").text
    assert "Disallow: /api/" in told
    assert "Disallow: /checkout/" in told
    assert "wo-" not in told
    assert "admin" not in told
    sitemap = stranger().get("/sitemap.xml").text
    assert not re.search(r"/(?:wo-|admin|api|checkout|profile|settings|login)", sitemap)
