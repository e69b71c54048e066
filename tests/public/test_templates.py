"""The templates that other parts fill: each renders, says where it stands, and keeps its forms."""

import re
from datetime import UTC, datetime

import pytest
from flask import g, render_template

from public.pages import communities_here
from tests.shop import open_shop

HOSTS = ("http://weokto.localhost", "http://stam.localhost")
OFFER = {
    "key": "a-key",
    "product_name": "A <product>",
    "plan_name": "Monthly",
    "today_text": "0 € today",
    "then_text": "then 49 € a month from 4 December",
    "lines": [{"label": "Trial", "amount_text": "0 €"}],
}
ATTEMPT = {
    "id": "0199",
    "capture_url": "https://vault.example/form",
    "expires_at": datetime(2026, 3, 10, 11, 15, tzinfo=UTC),
    "expires_text": "12:15",
    "status_url": "/checkout/pay/0199",
    "status_api": "/api/payments/status/0199",
    "retry_url": "/checkout/retry/0199",
    "message": "Your bank said no.",
    "redirect_url": "https://bank.example/check",
}


def rendered(app, template, host=HOSTS[0], **context):
    with app.test_request_context("/checkout/a-key", base_url=host):
        return render_template(template, **context)


class TestCheckout:
    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize(
        "state",
        ["start", "card", "processing", "action", "declined", "over", "done", "expired", "error"],
    )
    def test_shows_one_state_and_keeps_the_others_hidden(self, app, state, host):
        page = rendered(
            app,
            "public/checkout/page.html",
            host,
            state=state,
            offer=OFFER,
            needs_email=True,
            attempt=None if state == "start" else ATTEMPT,
        )

        assert page.count("<h1") == 1
        assert f'data-when="{state}">' in page or f'data-when="{state}" class="stack">' in page
        assert page.count("data-when=") == 9
        assert page.count(" hidden") >= 8
        assert "A &lt;product&gt;" in page
        assert "then 49 € a month from 4 December" in page

    def test_works_without_javascript(self, app):
        start = rendered(app, "public/checkout/page.html", state="start", offer=OFFER)
        card = rendered(
            app, "public/checkout/page.html", state="card", offer=OFFER, attempt=ATTEMPT
        )
        processing = rendered(
            app, "public/checkout/page.html", state="processing", offer=OFFER, attempt=ATTEMPT
        )

        assert 'method="post"' in start
        assert 'name="csrf_token"' in start
        assert f'src="{ATTEMPT["capture_url"]}"' in card
        assert f'href="{ATTEMPT["status_url"]}"' in card
        assert f'http-equiv="refresh" content="4;url={ATTEMPT["status_url"]}"' in processing

    def test_says_what_was_wrong_beside_its_field(self, app):
        page = rendered(
            app,
            "public/checkout/page.html",
            state="start",
            offer=OFFER,
            needs_email=True,
            email='"><script>',
            errors={"email": "This is no address.", "consent": "Tick the box."},
        )

        assert "This is no address." in page
        assert "Tick the box." in page
        assert page.count('aria-invalid="true"') == 2
        assert 'value="&#34;&gt;&lt;script&gt;"' in page

    def test_in_a_frame_has_neither_header_nor_footer(self, app):
        page = rendered(app, "public/checkout/page.html", state="start", offer=OFFER, embed=True)

        assert 'class="top"' not in page
        assert 'class="foot"' not in page
        assert "data-embed" in page

    @pytest.mark.parametrize("reason", ["manage", "off", "too_many"])
    def test_refusals_lead_somewhere(self, app, reason):
        page = rendered(app, "public/checkout/refused.html", reason=reason, manage_url="/settings")

        assert ('href="/settings"' in page) is (reason == "manage")


class TestAccountPages:
    @pytest.mark.parametrize("host", HOSTS)
    @pytest.mark.parametrize(
        ("page", "context"),
        [
            ("login", {"error": "Wait a little."}),
            ("verify_otp", {"email": "a@example.org", "error": "Wrong code."}),
            ("verify", {"token": "t"}),
            ("verify", {"error": "This link was used."}),
            ("second_factor", {"error": "Wrong code."}),
            (
                "choose_guild",
                {
                    "guilds": [
                        {"id": "g", "name": "G", "words": "", "is_current": False, "is_free": True}
                    ]
                },
            ),
            ("home", {"name": "Ana", "figures": [{"label": "Available", "text": "12 €"}]}),
            ("dashboard", {"products": [{"name": "P"}]}),
            ("profile", {"email": "a@example.org", "errors": {"bio": "Too long."}}),
        ],
    )
    def test_render_for_both_brands(self, app, page, context, host):
        text = rendered(app, f"public/account/{page}.html", host, **context)

        assert text.count("<h1") == 1
        assert 'name="robots" content="noindex"' in text
        for word in context.values():
            assert not isinstance(word, str) or word in text

    def test_every_form_proves_where_it_comes_from(self, app):
        for page in ("login", "verify_otp", "verify", "profile", "home"):
            text = rendered(app, f"public/account/{page}.html", token="t")
            forms = [form for form in text.split("<form")[1:] if 'action="/language"' not in form]
            assert all("csrf_token" in form.split("</form>")[0] for form in forms), page


class TestErrorPages:
    @pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503])
    def test_prefer_their_own_words_to_general_ones(self, app, status):
        general = rendered(
            app, f"public/errors/{status}.html", status=status, message="General.", own_words=False
        )
        refusal = rendered(
            app, f"public/errors/{status}.html", status=status, message="Because.", own_words=True
        )

        assert "General." not in general
        assert "Because." in refusal
        assert str(status) in general

    def test_an_unknown_status_says_the_general_words(self, app):
        page = rendered(
            app, "public/errors/page.html", status=418, message="A teapot.", own_words=False
        )

        assert "A teapot." in page


class TestVisitsByAnAffiliatesLink:
    @pytest.mark.parametrize("brand", ["weokto", "stam"])
    def test_every_link_to_a_product_carries_the_click(self, app, committed, brand):
        open_shop()
        with app.test_request_context("/", base_url=f"http://{brand}.localhost"):
            g.click_id = "abc123"
            page = render_template(f"public/{brand}/landing.html", communities=communities_here())

        links = re.findall(r'href="(/(?:p|checkout)/[^"]+)"', page)
        assert len(links) >= 3
        assert all(link.endswith("?click=abc123") for link in links)
        assert page.count('name="click" value="abc123"') == 3
