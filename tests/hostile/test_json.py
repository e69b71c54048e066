"""Rubbish at every JSON endpoint: refused in words with the right status, nothing half done."""

import json
import re
from collections import defaultdict
from itertools import count

import pytest

from models.accounts import Platform
from tests.hostile.attackers import an_address, assert_told, rows, signed_in
from tests.hostile.rubbish import TEXTS, VALUES, nested

A_CHECKOUT = "0192f0c4-7c3e-7000-8000-000000000000"
FITTING = {
    "code": "123456",
    "button_key": "academy-premium-monthly",
    "key": "academy-premium-monthly",
    "ref": "bob",
    "consent": True,
    "slug": "some-name",
    "accepts_terms": True,
    "amount": 5000,
    "method": "wire",
}
BY_HAND = [("POST", "/api/payments/button-seen")]
_people = count(1)
MACHINES = ["/api/payments/pci-vault/callback", "/api/payments/psp/webhook"]
BODIES = {
    "nothing": b"",
    "half": b'{"email": ',
    "not UTF-8": b'{"email": "\xff\xfe\xed\xa0\x80"}',
    "a list": b"[]",
    "null": b"null",
    "a number": b"1e999",
    "not JSON's numbers": b'{"try_no": NaN, "x": Infinity}',
    "deep": nested(50_000).encode(),
    "deep but short": nested(30_000).encode(),
    "deep inside": f'{{"email": {nested(900)}}}'.encode(),
    "a huge number": b'{"email": ' + b"9" * 5000 + b"}",
    "a megabyte": b'{"email": "' + b"x" * 1_000_000 + b'"}',
    "five megabytes": b'{"email": "' + b"x" * 5_000_000 + b'"}',
    "the same key twice": b'{"email": "a@example.org", "email": 5, "key": 1, "key": []}',
    "many keys": json.dumps({f"k{n}": n for n in range(5000)}).encode(),
    "prototype": b'{"__proto__": {"admin": true}, "constructor": 1}',
}


@pytest.fixture(scope="module")
def description(app):
    return app.test_client().get("/api/openapi.json", base_url="http://weokto.localhost").json


def operations(description):
    """Every described endpoint: method, path with a checkout in it, and its schema's fields."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            fields = {
                each["name"]: each for each in operation["parameters"] if each["in"] == "query"
            }
            body = operation.get("requestBody")
            if body:
                reference = body["content"]["application/json"]["schema"]["$ref"]
                schema = description["components"]["schemas"][reference.rsplit("/", 1)[1]]
                fields = schema.get("properties", {})
            address = re.sub(r"\{\w+_id\}", A_CHECKOUT, path)
            yield method.upper(), address, fields, bool(body)


def fitting(fields):
    """Values that would pass; another person each time, whose sign-in mails are not limited."""
    values = {**FITTING, "email": f"person-{next(_people)}@example.org"}
    return {name: values[name] for name in fields if name in values}


class TestFields:
    @pytest.mark.long
    @pytest.mark.parametrize("known", [False, True], ids=["nobody", "an affiliate"])
    def test_every_value_in_every_field(self, stranger, description, known):
        visitor = stranger()
        if known:
            signed_in(visitor, "affiliate@example.org", Platform.WEOKTO)
        for method, path, fields, has_body in operations(description):
            before = rows()
            for name in fields:
                for value in VALUES.values():
                    given = {**fitting(fields), name: value}
                    if has_body:
                        answer = visitor.ask(method, path, json=given)
                    elif isinstance(value, str) and value != "\ud83d":
                        answer = visitor.ask(method, path, query_string=given)
                    else:
                        continue
                    assert_told(answer)
                    if answer.status_code >= 400:
                        assert rows() == before, (path, name, value)
                    else:
                        before = rows()

    def test_missing_and_unknown_fields_are_named(self, stranger, description):
        visitor = stranger()
        for method, path, fields, has_body in operations(description):
            if not fields:
                continue
            send = "json" if has_body else "query_string"
            for name in fitting(fields):
                given = {key: value for key, value in fitting(fields).items() if key != name}
                answer = visitor.ask(method, path, **{send: given})
                assert_told(answer)
                assert answer.status_code == 422
                assert answer.json["error"]["field"] == name
            answer = visitor.ask(method, path, **{send: {**fitting(fields), "is_admin": "true"}})
            assert_told(answer, refused=True)
            assert (answer.status_code, answer.json["error"]["code"]) == (422, "field_unknown")

    def test_the_words_are_in_the_readers_language(self, stranger, description):
        for method, path, _fields, has_body in operations(description):
            if has_body:
                told = [
                    stranger(lang=lang).ask(method, path, json={"nonsense": 1}).json["error"]
                    for lang in ("fr", "en")
                ]
                assert told[0]["code"] == told[1]["code"]
                assert told[0]["message"] != told[1]["message"]

    def test_in_every_path(self, stranger, description):
        for method, path, _fields, _body in operations(description):
            for text in TEXTS.values():
                if A_CHECKOUT in path and len(text) < 5000:
                    answer = stranger().ask(method, path.replace(A_CHECKOUT, text), json={})
                    assert_told(answer, refused=True)


class TestBodies:
    @pytest.mark.parametrize("kind", BODIES)
    def test_of_every_shape_at_every_endpoint(self, stranger, description, kind):
        targets = [(m, p) for m, p, _fields, body in operations(description) if body] + BY_HAND
        for method, path in targets:
            before = rows()
            answer = stranger().ask(
                method, path, data=BODIES[kind], content_type="application/json"
            )
            assert_told(answer, refused=True)
            assert answer.status_code in (400, 413, 422)
            assert rows() == before

    @pytest.mark.parametrize(
        "kind",
        ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"],
    )
    def test_of_another_kind(self, stranger, description, kind):
        for method, path, fields, body in operations(description):
            if body:
                data = json.dumps(fitting(fields))
                answer = stranger().ask(method, path, data=data, content_type=kind)
                assert_told(answer, refused=True)
                assert answer.status_code == 415

    @pytest.mark.parametrize("path", MACHINES)
    @pytest.mark.parametrize("kind", BODIES)
    def test_at_the_providers_endpoints(self, stranger, path, kind):
        before = rows()
        for headers in ({}, {"X-PCIVault-Webhook-Secret": "x", "Stripe-Signature": "t=1,v1=00"}):
            answer = stranger().post(path, data=BODIES[kind], headers=headers)
            assert_told(answer, refused=True)
            assert answer.status_code in (400, 413, 422)
        assert rows() == before


class TestAtTheProvidersEndpoints:
    def word(self, **changes):
        info = {"token": "a" * 64, "reference": "r", "safe_data": "{}", **changes.pop("info", {})}
        told = {"checkout_id": A_CHECKOUT, "try_no": 1, **changes.pop("told", {})}
        return json.dumps({"metadata": told, "token_info": info, **changes})

    @pytest.mark.parametrize(
        "where",
        [
            "told.checkout_id",
            "told.try_no",
            "info.token",
            "info.reference",
            "info.safe_data",
            "info.stored_at",
        ],
    )
    def test_every_value_in_every_field(self, stranger, where):
        part, name = where.split(".")
        for value in VALUES.values():
            answer = stranger().post(
                "/api/payments/pci-vault/callback",
                data=self.word(**{part: {name: value}}),
                headers={"X-PCIVault-Webhook-Secret": "guessed"},
            )
            assert_told(answer, refused=None)
            assert answer.status_code in (410, 413, 422)

    @pytest.mark.parametrize(
        "header", [None, "", "t=", "t=x,v1=", "t=9" + "9" * 400 + ",v1=00", "v1=00,t=1", "é", ","]
    )
    def test_every_signature(self, stranger, header):
        headers = {} if header is None else {"Stripe-Signature": header}
        answer = stranger().post("/api/payments/psp/webhook", data=b"{}", headers=headers)
        assert_told(answer, refused=True)
        assert answer.status_code == 400


class TestWhatIsOff:
    @pytest.mark.parametrize(
        "key",
        [
            "switched-off",
            "plan-off",
            "community-off",
            "never-was",
            "ACADEMY-PREMIUM-MONTHLY",
            "../x",
        ],
    )
    def test_is_not_sold(self, stranger, key):
        before = rows()
        body = {"button_key": key, "email": "a@example.org", "consent": True}
        answer = stranger("stam").post("/api/payments/initiate", json=body)
        assert_told(answer, refused=True)
        assert answer.status_code == 404
        assert rows() == before
        answer = stranger("stam").get("/api/payments/button-config", query_string={"key": key})
        assert_told(answer, refused=True)

    def test_a_suspended_person_buys_nothing(self, stranger):
        before = rows()
        body = {
            "button_key": "academy-premium-monthly",
            "email": "suspended@example.org",
            "consent": True,
        }
        answer = stranger().post("/api/payments/initiate", json=body)
        assert_told(answer, refused=True)
        assert rows() == before


class TestMethodsAndOrigins:
    def test_another_method_is_told_which_ones_there_are(self, stranger, app):
        taken = defaultdict(set)
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/"):
                path = re.sub(r"<uuid:\w+>", A_CHECKOUT, rule.rule).replace("<job>", "x")
                taken[path] |= rule.methods
        for path, methods in taken.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
                answer = stranger().ask(method, path)
                assert_told(answer, refused=True)
                assert answer.status_code == 405
                assert set(answer.allow) >= methods - {"HEAD", "OPTIONS"}

    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", "", "http://[", "http://weokto.localhost@evil", "é"],
    )
    def test_another_origin(self, stranger, description, origin):
        for method, path, fields, has_body in operations(description):
            if method == "POST":
                before = rows()
                answer = stranger().ask(
                    method,
                    path,
                    json=fitting(fields) if has_body else None,
                    headers={"Origin": origin},
                )
                assert_told(answer, refused=True)
                assert (answer.status_code, answer.json["error"]["code"]) == (403, "foreign_origin")
                assert rows() == before

    def test_cron_wants_its_secret(self, stranger):
        for given in (
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic eDp5",
            "Bearer \xe9",
            "Bearer " + "x" * 9000,
        ):
            answer = stranger().get("/api/cron/ledger-verify", headers={"Authorization": given})
            assert_told(answer, refused=True)
            assert answer.status_code == 401


def test_refused_callbacks_are_limited(stranger, redis):
    word, limited = TestAtTheProvidersEndpoints().word(), []
    address = {"REMOTE_ADDR": an_address()}
    for _ in range(302):
        told = stranger().post(MACHINES[0], data=word, environ_overrides=address)
        limited.append(told.status_code)
    assert limited[:300] == [410] * 300
    assert limited[-1] == 429


def test_the_pace_is_limited_with_words_and_a_wait(stranger, redis):
    address = {"REMOTE_ADDR": an_address()}
    body = {"button_key": "never-was", "email": "a@example.org", "consent": True}
    answers = [
        stranger().post("/api/payments/initiate", json=body, environ_overrides=address)
        for _ in range(11)
    ]
    assert_told(answers[-1], refused=True)
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
