"""The sandbox's vault: who may call, what a form takes, whom it tells, what the proxy sends."""

import json
from datetime import timedelta

import pytest

from models import clock
from tests.buying import ASKS_BANK, GOOD

REAL_LOOKING = "5425233430109903"
CALLBACK = "api/payments/pci-vault/callback"


def key(buyer, **more):
    settings = buyer.sandbox.settings
    return {
        "user": settings.pcivault_key_user,
        "passphrase": settings.pcivault_key_passphrase,
        **more,
    }


def ask(buyer, method, path, **options):
    settings = buyer.sandbox.settings
    options.setdefault("auth", (settings.pcivault_user, settings.pcivault_password))
    return buyer.ask(method, f"/vault/v1{path}", **options)


class TestWhoMayCall:
    @pytest.mark.parametrize("auth", [None, ("sandbox", "wrong")])
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/whoami"),
            ("POST", "/capture"),
            ("DELETE", "/capture/x"),
            ("POST", "/proxy/post"),
            ("GET", "/vault"),
            ("POST", "/rule/"),
            ("DELETE", "/rule/"),
        ],
    )
    def test_nobody_without_the_password(self, buyer, method, path, auth):
        assert ask(buyer, method, path, auth=auth).status_code == 401

    def test_whoami(self, buyer):
        assert ask(buyer, "GET", "/whoami").json()["environment"] == "sandbox"


class TestCapture:
    def test_answers_a_relative_address(self, buyer, now):
        opened = ask(buyer, "POST", "/capture", params=key(buyer, ttl="PT15M")).json()

        assert opened["url"].startswith("/v1/capture/")
        assert opened["expires_at"] == "2026-03-10T11:15:00Z"

    @pytest.mark.parametrize("ttl", ["soon", "PT", "15"])
    def test_refuses_a_lifetime_it_cannot_read(self, buyer, ttl):
        answer = ask(buyer, "POST", "/capture", params=key(buyer, ttl=ttl))
        assert answer.status_code == 400

    def test_json_capture_needs_its_secret(self, buyer):
        capture = buyer.open_form()
        path = f"/vault/v1/capture/{capture.capture_id}"
        card = {"card_number": GOOD, "expiry": "12/40", "cvv": "123"}

        refused = buyer.ask("POST", path, json=card)
        header = {"X-PCIVault-Capture-Secret": capture.browser_secret}
        taken = buyer.ask("POST", path, json=card, headers=header)

        assert refused.status_code == 401
        assert taken.json()["reference"] == "user-1"

    def test_one_number_is_one_token(self, buyer):
        capture = buyer.open_form()
        path = f"/vault/v1/capture/{capture.capture_id}"
        header = {"X-PCIVault-Capture-Secret": capture.browser_secret}
        tokens = [
            buyer.ask(
                "POST",
                path,
                json={"card_number": number, "expiry": "12/40", "cvv": "123"},
                headers=header,
            ).json()["token"]
            for number in (GOOD, "4242 4242 4242 4242", ASKS_BANK)
        ]

        assert tokens[0] == tokens[1] != tokens[2]

    @pytest.mark.parametrize(("rules", "same"), [({}, False), ({"rules": "ours"}, True)])
    def test_spaces_change_the_token_unless_a_rule_takes_them_out(self, buyer, rules, same):
        operation = {
            "name": "replace",
            "input_field": "card_number",
            "output_field": "card_number",
            "order_position": 1,
            "arguments": {"substr": " ", "new_str": ""},
        }
        told = {"operations": [operation]}
        assert ask(buyer, "POST", "/rule/", params={"id": "ours"}, json=told).ok
        opened = ask(buyer, "POST", "/capture", params=key(buyer, **rules)).json()
        tokens = {
            buyer.ask(
                "POST",
                opened["url"].replace("/v1", "/vault/v1"),
                json={"card_number": number, "expiry": "12/40", "cvv": "123"},
                headers={"X-PCIVault-Capture-Secret": opened["secret"]},
            ).json()["token"]
            for number in (GOOD, "4242 4242 4242 4242")
        }

        assert (len(tokens) == 1) is same

    @pytest.mark.parametrize("told", [{}, {"operations": [{"name": "hash"}]}, None])
    def test_a_rule_that_is_not_played_is_refused(self, buyer, told):
        answer = ask(buyer, "POST", "/rule/", params={"id": "x"}, json=told)
        assert answer.status_code == 400

    def test_a_rule_is_taken_away(self, buyer):
        assert ask(buyer, "DELETE", "/rule/", params={"id": "strip"}).ok
        assert ask(buyer, "DELETE", "/rule/", params={"id": "strip"}).status_code == 404

    def test_listed_without_numbers(self, buyer):
        buyer.type_card(buyer.open_form())
        user = buyer.sandbox.settings.pcivault_key_user

        listed = ask(buyer, "GET", "/vault", params={"user": user})

        assert [item["reference"] for item in listed.json()[user]] == ["user-1"]
        assert GOOD not in listed.text
        assert ask(buyer, "GET", "/vault", params=key(buyer, token="x")).status_code == 403


class TestForm:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"card_number": ""}, "card_number"),
            ({"card_number": REAL_LOOKING}, "card_number"),
            ({"expiry": "13/40"}, "expiry"),
            ({"expiry": "01/20"}, "expiry"),
            ({"expiry": "soon"}, "expiry"),
            ({"cvv": "12"}, "cvv"),
        ],
    )
    def test_says_what_is_wrong_and_repeats_no_number(self, buyer, fields, field):
        page = buyer.type_card(buyer.open_form(), **{"number": GOOD, **fields})

        assert page.status_code == 422
        assert 'role="alert"' in page.text
        assert f'id="{field}" name="{field}"' in page.text
        assert REAL_LOOKING not in page.text
        assert f'value="{GOOD}"' not in page.text
        assert buyer.sandbox.shop.stays_at(0, seconds=0.05)

    def test_done_page_tells_the_parent(self, buyer):
        page = buyer.type_card(buyer.open_form())

        script = buyer.ask("GET", "/static/card_done.js")
        assert "card_done.js" in page.text
        assert "parent.postMessage" in script.text
        assert GOOD not in page.text

    def test_expires(self, buyer, now):
        capture = buyer.open_form()
        clock.advance(timedelta(minutes=15))

        assert buyer.type_card(capture).status_code == 410

    def test_may_be_used_again(self, buyer):
        capture = buyer.open_form()
        assert [buyer.type_card(capture).status_code for _ in range(2)] == [200, 200]

    def test_wrong_secret_is_gone(self, buyer):
        capture = buyer.open_form()
        path = f"/vault/v1/capture/iframe/pcd?unique_id={capture.capture_id}&secret=wrong"
        assert buyer.ask("GET", path).status_code == 410

    @pytest.mark.parametrize(("accept", "lang"), [("fr-FR", "fr"), ("en-GB", "en"), ("de", "fr")])
    def test_follows_the_browser(self, buyer, accept, lang):
        path = buyer.open_form().iframe_url.removeprefix(buyer.sandbox.url)
        page = buyer.ask("GET", path, headers={"Accept-Language": accept})
        assert f'<html lang="{lang}">' in page.text


class TestWebhook:
    def test_brings_the_card_without_its_number(self, buyer):
        buyer.type_card(buyer.open_form())

        [(where, headers, body)] = buyer.sandbox.shop.wait_for(1)

        told = json.loads(body)
        assert where == CALLBACK
        assert headers["X-Pcivault-Webhook-Secret"] == "hook-secret"
        assert told["metadata"] == {"checkout_id": "checkout-1", "try_no": 1}
        assert told["token_info"]["reference"] == "user-1"
        assert json.loads(told["token_info"]["safe_data"]) == {
            "card_holder": "J Doe",
            "last_four": "4242",
            "card_type": "visa",
            "expiry": "12/40",
        }
        assert told["token_info"]["card_metadata"]["issuer"][0]["brand"] == "VISA"
        assert GOOD.encode() not in body

    def test_is_tried_again_until_it_is_taken(self, buyer):
        buyer.sandbox.shop.statuses = [500, 404]
        buyer.type_card(buyer.open_form())

        heard = buyer.sandbox.shop.wait_for(3)

        assert len({body for _, _, body in heard}) == 1
        assert buyer.sandbox.shop.stays_at(3)

    @pytest.mark.parametrize(("what", "count"), [("drop", 0), ("duplicate", 2)])
    def test_can_be_lost_or_doubled(self, buyer, what, count):
        buyer.order_fault("vault_webhook", what)
        buyer.type_card(buyer.open_form())

        buyer.sandbox.shop.wait_for(count)
        assert buyer.sandbox.shop.stays_at(count)

    def test_can_be_late(self, buyer):
        buyer.order_fault("vault_webhook", "delay", seconds=0.3)
        buyer.type_card(buyer.open_form())

        assert buyer.sandbox.shop.stays_at(0, seconds=0.1)
        assert len(buyer.sandbox.shop.wait_for(1)) == 1


class TestProxy:
    def _body(self, buyer, **more):
        return {
            "request": {
                "method": "POST",
                "url": f"{buyer.sandbox.settings.psp_base_url}/v1/payment_methods",
                "headers": [
                    {"Content-Type": "application/x-www-form-urlencoded"},
                    {"Authorization": f"Bearer {buyer.sandbox.settings.psp_secret_key}"},
                ],
                "body": "type=card&card[number]={{card_number}}&card[exp_month]={{expiry_month}}"
                "&card[exp_year]={{expiry_year}}&metadata[plan]={{plan}}",
                "extra_data": {"plan": "gold"},
            },
            **more,
        }

    def _post(self, buyer, body, **query):
        query = key(buyer, token=buyer.token_for(GOOD), reference="user-1", **query)
        return ask(buyer, "POST", "/proxy/post", params=query, json=body)

    def test_fills_the_card_and_other_data_in(self, buyer):
        made = self._post(buyer, self._body(buyer), synchronous="true").json()

        assert made["card"]["last4"] == "4242"
        assert made["metadata"] == {"plan": "gold"}

    def test_later_answer_comes_by_webhook(self, buyer):
        webhook = {"url": f"{buyer.sandbox.shop.url}/later", "secret": "s3"}

        accepted = self._post(buyer, self._body(buyer, webhook=webhook))

        heard = buyer.sandbox.shop.wait_for(2)
        [(_, headers, body)] = [one for one in heard if one[0] == "later"]
        told = json.loads(body)
        assert accepted.status_code == 200
        assert headers["X-Pcivault-Webhook-Secret"] == "s3"
        assert told["status"] == "200"
        assert json.loads(told["body"])["object"] == "payment_method"

    def test_tries_eight_times_unless_told_otherwise(self, buyer):
        buyer.order_fault("payment_methods", "500", times=20)

        assert self._post(buyer, self._body(buyer), synchronous="true").status_code == 500
        assert buyer.calls()["payment_methods"] == 8

    def test_sends_to_this_machine_only(self, buyer):
        body = self._body(buyer)
        body["request"]["url"] = "https://psp.example/v1"

        assert self._post(buyer, body, synchronous="true").status_code == 403

    def test_wrong_reference_is_not_found(self, buyer):
        query = key(buyer, token=buyer.token_for(GOOD), reference="somebody")
        answer = ask(buyer, "POST", "/proxy/post", params=query, json=self._body(buyer))
        assert answer.status_code == 404
