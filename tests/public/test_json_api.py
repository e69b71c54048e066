"""JSON endpoints: what is refused before a view runs, in which words and with which status."""

import pytest
from flask import Blueprint, Flask

from models.settings import Settings
from public import errors, forms, json_api, origins, plain_text
from public.json_api import Answer, Body, endpoint

HERE = {"base_url": "http://weokto.localhost"}


class Greeting(Body):
    name: str
    times: int = 1


class Page(Body):
    page: int = 1


class Greeted(Answer):
    text: str


def small_app(settings: Settings) -> Flask:
    app = Flask("small")
    app.config.update(SECRET_KEY="a test's secret", TESTING=True)
    app.extensions["settings"] = settings
    pages = Blueprint("greetings", __name__)

    @pages.post("/api/greetings")
    @endpoint(answers=Greeted, refuses=(404,))
    def greet(json: Greeting) -> Greeted:
        """Greet somebody."""
        return Greeted(text=f"Hello {json.name}" * json.times)

    @pages.get("/api/greetings/list")
    @endpoint(answers=Greeted)
    def list_greetings(query: Page) -> Greeted:
        """The greetings so far."""
        return Greeted(text=str(query.page))

    @pages.post("/api/elsewhere")
    @endpoint(answers=Greeted, any_origin=True)
    def greet_elsewhere(json: Greeting) -> Greeted:
        """Greet from another site's page."""
        return Greeted(text=json.name)

    @pages.post("/api/callback")
    @origins.called_by_machines
    def callback() -> str:
        """A provider's word."""
        return "noted"

    from flask_babel import Babel

    Babel(app)
    plain_text.install(app)
    forms.install(app)
    origins.install(app)
    errors.install(app)
    app.register_blueprint(pages)
    app.register_blueprint(json_api.pages)
    return app


@pytest.fixture(scope="module")
def small(settings):
    return small_app(settings)


@pytest.fixture
def browser(small):
    return small.test_client()


def code_of(answer) -> str:
    assert set(answer.json) == {"error"}
    assert answer.json["error"]["message"]
    return answer.json["error"]["code"]


class TestEndpoint:
    def test_answers_with_its_model(self, browser):
        answer = browser.post("/api/greetings", json={"name": "Ada"})

        assert (answer.status_code, answer.json) == (200, {"text": "Hello Ada"})

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({}, "field_missing", "name"),
            ({"name": "Ada", "admin": True}, "field_unknown", "admin"),
            ({"name": "x" * 3000}, "field_too_long", "name"),
            ({"name": 5}, "field_invalid", "name"),
            ({"name": None}, "field_invalid", "name"),
            ({"name": "Ada", "times": "many"}, "field_invalid", "times"),
            ({"name": "\ud83d"}, "unreadable_text", "name"),
            ({"name": "a\x00b"}, "unreadable_text", "name"),
            ({"name": "4242 4242 4242 4242"}, "card_number", "name"),
            ({"name": 4242424242424242}, "card_number", "name"),
            ({"name": {"deep": ["4242424242424242"]}}, "card_number", "deep"),
            ({"4242424242424242": 1}, "card_number", ""),
            ({"name": "x" * 60_000}, "too_long", "name"),
        ],
    )
    def test_refuses_a_wrong_body_by_name(self, browser, body, code, field):
        answer = browser.post("/api/greetings", json=body)

        assert answer.status_code == 422
        assert code_of(answer) == code
        assert answer.json["error"].get("field", "") == field

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{", 400, "not_json"),
            (b"", 400, "not_json"),
            (b"\xff\xfe", 400, "not_json"),
            (b"[]", 422, "not_an_object"),
            (b"null", 422, "not_an_object"),
            (b"[" * 100_000, 422, "too_deep"),
            (b'{"name": "' + b"x" * 1_000_000 + b'"}', 413, "request_entity_too_large"),
        ],
    )
    def test_refuses_what_is_no_object(self, browser, body, status, code):
        answer = browser.post("/api/greetings", data=body, content_type="application/json")

        assert answer.status_code == status
        assert code_of(answer) == code

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
    def test_takes_json_only(self, browser, kind):
        answer = browser.post("/api/greetings", data='{"name": "Ada"}', content_type=kind)

        assert (answer.status_code, code_of(answer)) == (415, "not_json_type")

    def test_takes_an_emoji(self, browser):
        answer = browser.post("/api/greetings", json={"name": "🦊"})

        assert answer.json == {"text": "Hello 🦊"}

    @pytest.mark.parametrize(
        ("query", "status"),
        [("page=2", 200), ("", 200), ("page=two", 422), ("who=me", 422), ("page=1&page=2", 422)],
    )
    def test_checks_the_query_too(self, browser, query, status):
        assert browser.get(f"/api/greetings/list?{query}").status_code == status

    def test_refuses_a_card_number_in_the_query(self, browser):
        answer = browser.get("/api/greetings/list?page=4242424242424242")

        assert (answer.status_code, code_of(answer)) == (422, "card_number")

    def test_a_nul_in_an_address_is_nothing(self, browser):
        assert browser.get("/api/greetings/%00").status_code == 404


class TestOrigin:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Origin": "https://localhost"},
            {"Origin": "http://localhost:9999"},
            {"Origin": "http://localhost.elsewhere.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    def test_another_sites_page_is_refused(self, browser, headers):
        answer = browser.post("/api/greetings", json={"name": "Ada"}, headers=headers)

        assert (answer.status_code, code_of(answer)) == (403, "foreign_origin")

    @pytest.mark.parametrize(
        "headers", [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}]
    )
    def test_our_own_page_is_not(self, browser, headers):
        answer = browser.post("/api/greetings", json={"name": "Ada"}, headers=headers)

        assert answer.status_code == 200

    def test_an_endpoint_for_other_sites_says_so(self, browser):
        answer = browser.post(
            "/api/elsewhere", json={"name": "Ada"}, headers={"Origin": "https://elsewhere.example"}
        )

        assert answer.status_code == 200

    def test_what_machines_send_is_left_to_its_endpoint(self, browser):
        answer = browser.post(
            "/api/callback",
            data=b'{"reference": "4242424242424242"}',
            content_type="application/json",
            headers={"Origin": "https://vault.example"},
        )

        assert answer.data == b"noted"


class TestDescription:
    def test_names_every_endpoint_with_what_it_takes_and_answers(self, browser):
        description = browser.get("/api/openapi.json").json

        assert description["openapi"].startswith("3.1")
        post = description["paths"]["/api/greetings"]["post"]
        body = post["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert body == "#/components/schemas/Greeting"
        assert {"200", "400", "404", "422", "429"} <= set(post["responses"])
        assert description["components"]["schemas"]["Greeting"]["additionalProperties"] is False
        [page] = description["paths"]["/api/greetings/list"]["get"]["parameters"]
        assert (page["name"], page["in"]) == ("page", "query")
