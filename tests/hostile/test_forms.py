"""Rubbish in every form of every public page: told in words, nothing half done, nothing run."""

import pytest

from models.accounts import Platform, UserType
from tests.hostile.attackers import assert_told, rows, signed_in
from tests.hostile.forms import posts_on
from tests.hostile.rubbish import TEXTS

A_CHECKOUT = "0192f0c4-7c3e-7000-8000-000000000000"
IN_ADDRESSES = {
    "uuid:capture_id": [A_CHECKOUT],
    "uuid:session_id": [A_CHECKOUT],
    "uuid:request_id": [A_CHECKOUT],
    "uuid:commission_id": [A_CHECKOUT],
    "uuid:withdrawal_id": [A_CHECKOUT],
    "uuid:customer_id": [A_CHECKOUT],
    "uuid:invoice_id": [A_CHECKOUT],
    "uuid:credit_note_id": [A_CHECKOUT],
    "uuid:plan_id": [A_CHECKOUT],
    "kind": ["svg", "png"],
    "button_key": ["academy-premium-monthly", "switched-off"],
    "slug": ["academy-premium", "cercle-createurs"],
    "name": ["cgv", "chart.js"],
    "job": ["ledger-verify"],
    "path:filename": ["css/base.css"],
}
TELLS_OF_WRONG_CODES = ("/second-factor", "/second-factor/enrol")
"""Where the audit trail keeps a staff member's wrong codes."""
CONSOLES = ("/admin", "/product-manager", "/wo-")


def pages(app, method="GET"):
    """The addresses of every page outside the consoles and the JSON endpoints."""
    for rule in app.url_map.iter_rules():
        if method in rule.methods and not rule.rule.startswith((*CONSOLES, "/api/")):
            yield from filled_in(rule.rule)


def filled_in(rule):
    for part, examples in IN_ADDRESSES.items():
        if f"<{part}>" in rule:
            filled = [rule.replace(f"<{part}>", example) for example in examples]
            return [address for each in filled for address in filled_in(each)]
    assert "<" not in rule, f"no example for {rule}"
    return [rule]


PEOPLE = {
    "nobody at WEOKTO": ("weokto", None, None),
    "nobody at STAM": ("stam", None, None),
    "a client": ("stam", "client@example.org", UserType.CLIENT),
    "a newcomer": ("weokto", "newcomer@example.org", UserType.CLIENT),
    "an affiliate": ("weokto", "affiliate@example.org", UserType.AFFILIATE),
    "the owner": ("weokto", "owner@weokto.localhost", UserType.OWNER),
}


@pytest.fixture(params=PEOPLE)
def person(stranger, request):
    """Somebody on one of the sites."""
    site, email, user_type = PEOPLE[request.param]
    visitor = stranger(site)
    if email is not None:
        signed_in(visitor, email, Platform(site.upper()), user_type=user_type)
    return visitor


class TestForms:
    @pytest.mark.long
    def test_every_text_in_every_field(self, app, person):
        forms = posts_on(person, pages(app))
        assert forms
        for form in forms:
            before = rows()
            for name in form.typed:
                for text in TEXTS.values():
                    answer = person.post(form.action, data={**form.fields, name: text})
                    assert_told(answer)
                    if answer.status_code < 400 or form.action in TELLS_OF_WRONG_CODES:
                        before = rows()
                    assert rows() == before, (form.action, name, text)
                    assert answer.headers.get("Location", "/").startswith("/")

    def test_without_a_token(self, app, person):
        for form in posts_on(person, pages(app)):
            if "csrf_token" not in form.fields:
                continue
            for token in ("", "x", "é" * 50):
                before = rows()
                answer = person.post(form.action, data={**form.fields, "csrf_token": token})
                assert_told(answer, refused=True)
                assert answer.status_code == 400
                assert rows() == before

    def test_with_fields_missing_twice_and_unknown(self, app, person):
        for form in posts_on(person, pages(app)):
            token = {"csrf_token": form.fields.get("csrf_token", "")}
            assert_told(person.post(form.action, data=token))
            twice = {name: [value, "two"] for name, value in form.fields.items()}
            assert_told(person.post(form.action, data={**twice, **token}))
            unknown = {"is_admin": "1", "user_type": "OWNER", "email[]": "x", "__proto__": "x"}
            assert_told(person.post(form.action, data={**form.fields, **unknown}))

    @pytest.mark.parametrize(
        ("data", "kind"),
        [
            (b"email=%ED%A0%BD&code=%FF%FE&x=%zz", "application/x-www-form-urlencoded"),
            (b"&".join(b"f%d=1" % n for n in range(3000)), "application/x-www-form-urlencoded"),
            (b"x=" + b"y" * 5_000_000, "application/x-www-form-urlencoded"),
            (b'{"email": "a@example.org"}', "application/json"),
            (b"\xff\xfe\x00", "application/octet-stream"),
            (
                b"--x\r\nContent-Disposition: form-data; name=email\r\n\r\nhalf",
                "multipart/form-data; boundary=x",
            ),
            (b"--x", "multipart/form-data"),
            (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "text/xml"),
        ],
        ids=range(8),
    )
    def test_with_bodies_of_every_shape(self, app, stranger, data, kind):
        for path in pages(app, "POST"):
            before = rows()
            answer = stranger().post(path, data=data, content_type=kind)
            assert answer.status_code < 500
            if answer.status_code >= 400:
                assert rows() == before


class TestAddresses:
    @pytest.mark.long
    def test_every_text_in_every_address(self, app, person):
        for rule in app.url_map.iter_rules():
            if "<" in rule.rule and not rule.rule.startswith(CONSOLES):
                head = rule.rule.split("<")[0]
                for text in TEXTS.values():
                    if len(text) < 5000:
                        assert_told(person.get(head + text))

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py",
            "/static//etc/passwd", "/static/css/%00", "/libraries/..%2f..%2fapp.py",
            "/legal/..%2f..%2f.env", "/p/..%2f..%2fx", "/p/%7B%7B7*7%7D%7D", "//evil.example",
            "/\\evil.example", "/.env", "/.git/config", "/wp-login.php", "/%ff%fe",
            "/checkout/..%2flogin", "/legal/cgv.md",
        ],
    )  # fmt: skip
    def test_ways_out_of_a_folder_lead_nowhere(self, stranger, path):
        for site in ("weokto", "stam"):
            answer = stranger(site).get(path)
            assert answer.status_code in (301, 302, 303, 308, 400, 404)
            assert "SECRET" not in answer.text
            assert answer.headers.get("Location", "/").startswith(("/", stranger(site).base))
            assert not answer.headers.get("Location", "/").startswith("//")

    @pytest.mark.parametrize("person", ["nobody at STAM", "the owner"], indirect=True)
    @pytest.mark.long
    def test_every_text_in_every_query(self, app, person):
        names = (
            *("next", "ref", "click", "token", "embed", "utm_source", "saved", "lang", "search"),
            *(
                "from",
                "to",
                "before",
                "after",
                "status",
                "type",
                "product",
                "page",
                "campaign",
                "amount",
            ),
        )
        for path in pages(app):
            for text in TEXTS.values():
                if len(text) < 5000:
                    assert_told(person.get(path, query_string=dict.fromkeys(names, text)))

    def test_another_method(self, app, stranger):
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith((*CONSOLES, "/api/")):
                continue
            for path in filled_in(rule.rule):
                for method in ("PUT", "DELETE", "TRACE", "BREW"):
                    answer = stranger().ask(method, path)
                    assert_told(answer, refused=True)
                    assert answer.status_code == 405

    def test_the_words_are_in_the_readers_language(self, stranger):
        asked = [
            ("GET", "/no-such-page"),
            ("POST", "/consent"),
            ("PUT", "/login"),
            ("POST", "/login"),
        ]
        for method, path in asked:
            fr, en = (stranger(lang=lang).ask(method, path).text for lang in ("fr", "en"))
            assert '<html lang="fr"' in fr
            assert '<html lang="en"' in en


class TestHeaders:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "weokto.localhost@evil.example", "", "a" * 5000, "[", "é",
         "weokto.localhost:99999999", "weokto.localhost/../x", "weokto.localhost\x00"],
    )  # fmt: skip
    def test_an_unknown_host_has_nothing(self, stranger, host):
        answer = stranger().get("/", headers={"Host": host})
        assert answer.status_code < 500
        assert "evil.example" not in answer.text

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-For": "not an address, " * 500},
            {"X-Forwarded-Proto": "javascript"},
            {"X-Original-URL": "/wo-renwo-9492xE/"},
            {"X-HTTP-Method-Override": "DELETE"},
            {"Accept-Language": "x" * 8000},
            {"Accept-Language": "fr;q=NaN, en;q=é, *;q=-1"},
            {"Accept": "é;q=x"},
            {"Cookie": "weokto_session=" + "x" * 4000},
            {"Cookie": "weokto_session=\x00\xff; lang=xx; consent=<script>; session=.eJx.bad"},
            {"Cookie": "=; ==; ;;; weokto_aff_ref=%00"},
            {"User-Agent": "\x00\xff" + "x" * 8000},
            {"Referer": "http://["},
            {"X-Request-ID": "../../../../x"},
            {"Range": "bytes=-1,0-,x"},
            {"If-None-Match": "é" * 1000},
            {"If-Modified-Since": "never"},
            {"Content-Length": "-1"},
            {"Authorization": "Basic \xff"},
            {"X-CSRF-Token": "\x00"},
        ],
    )
    def test_tricks_change_nothing(self, stranger, headers):
        for path in (
            "/",
            "/login",
            "/?ref=bob",
            "/checkout/academy-premium-monthly",
            "/api/auth/me",
            "/static/css/base.css",
        ):
            answer = stranger().get(path, headers=headers)
            assert answer.status_code < 500
            assert "evil.example" not in answer.text
            assert "evil.example" not in answer.headers.get("Location", "")
