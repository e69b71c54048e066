"""The checkout over HTTP with the in-process twin: JSON endpoints, pages, webhooks."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation.click_id import click_id_of
from models.billing import CaptureEndpoint, Customer, Invoice, PaymentAttempt, ProviderEvent
from models.billing.in_process import Fault
from models.catalog import BillingInterval, PaymentButton
from models.ids import new_id
from models.session import staff_reading, unit_of_work
from tests.checkouts import ANSWER_LOST, ASKS_BANK, DECLINED, GOOD, put_on_sale, typed_card
from tests.stored import count

STAM = "http://stam.localhost"


@pytest.fixture
def visitor(client, twin, now):
    """Somebody on STAM with an offer to buy; English, so that words can be read here."""
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    plain_open = client.open
    client.open = lambda *args, **kwargs: plain_open(*args, **{"base_url": STAM, **kwargs})
    return client


@pytest.fixture
def key(visitor):
    return put_on_sale("premium-monthly", price_amount=4900, setup_fee=1000)


def initiate(visitor, key, **changes):
    body = {"button_key": key, "email": "bob@example.org", "consent": True, **changes}
    return visitor.post("/api/payments/initiate", json=body)


def tell(visitor, twin, card=GOOD, secret=None):
    """The vault's callback for the newest form."""
    raw, right = typed_card(twin, list(twin.captures)[-1], card)
    header = {"X-PCIVault-Webhook-Secret": secret or right}
    return visitor.post("/api/payments/pci-vault/callback", data=raw, headers=header)


def status(visitor, begun):
    return visitor.get(begun.json["status_url"]).json


class TestInitiate:
    def test_answers_what_is_paid_and_what_follows(self, visitor, key):
        answer = initiate(visitor, key)

        assert answer.status_code == 200
        told = answer.json
        assert told["amount"] == 5900
        assert told["amount_text"] == "€59"
        assert told["today_text"] == "€59 today"
        assert told["then_text"] == "then €49 a month from 10 April"
        assert [(line["amount"], line["amount_text"]) for line in told["lines"]] == [
            (4900, "€49"),
            (1000, "€10"),
        ]
        assert told["capture_url"].startswith("https://vault.invalid/")
        assert told["capture_secret"]
        assert told["expires_at"].startswith("2026-03-10T11:15:00")

    def test_in_french_where_that_is_read(self, visitor):
        key = put_on_sale("trial", price_amount=4900, trial_days=30)
        visitor.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"

        told = initiate(visitor, key).json
        assert told["amount_text"] == "0\N{NO-BREAK SPACE}€"
        assert "49\N{NO-BREAK SPACE}€" in told["then_text"]
        assert "9 avril" in told["then_text"]

    def test_of_what_is_free_is_done_at_once(self, visitor):
        key = put_on_sale("intro", price_amount=0, billing_interval=BillingInterval.LIFETIME)

        begun = initiate(visitor, key)

        assert (begun.json["capture_url"], begun.json["amount"]) == ("", 0)
        assert status(visitor, begun)["status"] == "succeeded"
        assert initiate(visitor, key).status_code == 409

    def test_keeps_the_consent_and_the_click(self, visitor, key):
        clicked = click_id_of(new_id(), new_id())
        visitor.set_cookie("weokto_aff_ref", clicked, domain="stam.localhost")
        initiate(visitor, key)
        visitor.delete_cookie("weokto_aff_ref", domain="stam.localhost")
        initiate(visitor, key, click="from-page")

        with staff_reading() as session:
            rows = session.scalars(select(CaptureEndpoint)).all()
        assert {row.affiliate_click_id for row in rows} == {clicked, "from-page"}

    @pytest.mark.parametrize("in_cookie", [0, 1])
    def test_the_last_click_wins_whichever_way_it_came(self, visitor, key, in_cookie):
        first = click_id_of(new_id(), new_id())
        clock.advance(timedelta(seconds=1))
        clicked = [first, last := click_id_of(new_id(), new_id())]
        visitor.set_cookie("weokto_aff_ref", clicked[in_cookie], domain="stam.localhost")

        initiate(visitor, key, click=clicked[1 - in_cookie])

        with staff_reading() as session:
            assert session.scalar(select(CaptureEndpoint.affiliate_click_id)) == last

    def test_what_is_no_click_does_not_hide_one(self, visitor, key):
        clicked = click_id_of(new_id(), new_id())
        visitor.set_cookie("weokto_aff_ref", clicked, domain="stam.localhost")

        initiate(visitor, key, click="from-page")

        with staff_reading() as session:
            assert session.scalar(select(CaptureEndpoint.affiliate_click_id)) == clicked

    def test_keeps_nothing_else_that_stands_in_the_clicks_cookie(self, visitor, key):
        for cookie in ("4242424242424242", '"\\000"', "x" * 3000, "\xff"):
            visitor.set_cookie("weokto_aff_ref", cookie, domain="stam.localhost")
            assert initiate(visitor, key).status_code == 200

        with staff_reading() as session:
            rows = session.scalars(select(CaptureEndpoint)).all()
        assert {row.affiliate_click_id for row in rows} == {None}
        assert all("14 days" in row.consent_text for row in rows)
        assert all(row.consent_ip == "127.0.0.1" for row in rows)

    @pytest.mark.parametrize(
        ("changes", "expected", "code"),
        [
            ({"button_key": "unknown-key"}, 404, "not_on_sale"),
            ({"email": "nobody"}, 422, "not_an_address"),
            ({"email": None}, 422, "not_an_address"),
            ({"email": "😀"}, 422, "not_an_address"),
            ({"consent": False}, 422, "consent_missing"),
            ({"email": "4242424242424242@example.org"}, 422, "card_number"),
            ({"card": "x"}, 422, "field_unknown"),
        ],
    )
    def test_refusals_say_why(self, visitor, key, changes, expected, code):
        answer = initiate(visitor, key, **changes)

        assert (answer.status_code, answer.json["error"]["code"]) == (expected, code)
        assert answer.json["error"]["message"]
        assert count(CaptureEndpoint) == 0

    def test_already_a_customer_is_sent_to_manage_it(self, visitor, twin, key):
        initiate(visitor, key)
        tell(visitor, twin)

        answer = initiate(visitor, key)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "already_customer")
        assert answer.json["error"]["url"] == "/settings"

    def test_switched_off_is_not_found(self, visitor, key):
        with unit_of_work() as session:
            session.scalars(select(PaymentButton)).one().is_active = False

        assert initiate(visitor, key).status_code == 404

    def test_ten_a_minute(self, visitor, key):
        answers = [initiate(visitor, key).status_code for _ in range(11)]

        assert answers == [200] * 10 + [429]

    def test_the_vault_away_says_nothing_was_charged(self, visitor, twin, key):
        twin.fail_next("open_capture", Fault.NOT_SENT)

        answer = initiate(visitor, key)
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "payment_unavailable")


class TestPaying:
    def test_pending_then_succeeded_with_where_to_go(self, visitor, twin, key):
        begun = initiate(visitor, key)
        assert status(visitor, begun)["status"] == "pending"

        assert tell(visitor, twin).status_code == 200
        told = status(visitor, begun)
        assert (told["status"], told["redirect_url"]) == ("succeeded", "/welcome")
        assert count(Invoice) == 1
        assert visitor.get("/api/auth/me").status_code == 401  # nobody is signed in by paying

    def test_declined_then_another_card(self, visitor, twin, key):
        begun = initiate(visitor, key)
        tell(visitor, twin, DECLINED)
        told = status(visitor, begun)
        assert (told["status"], told["retry"]) == ("declined", True)

        again = visitor.post(f"/api/payments/retry/{begun.json['id']}", json={})
        assert again.status_code == 200
        assert again.json["capture_url"] != begun.json["capture_url"]
        tell(visitor, twin)
        assert status(visitor, begun)["status"] == "succeeded"

    def test_the_bank_and_back(self, visitor, twin, key):
        begun = initiate(visitor, key)
        tell(visitor, twin, ASKS_BANK)
        told = status(visitor, begun)
        assert told["status"] == "action_required"
        [payment] = twin.payments.values()
        assert told["redirect_url"] == payment.redirect_url
        twin.answer_bank(payment.payment_id, authorised=True)
        clock.advance(timedelta(seconds=3))

        back = visitor.get(f"/checkout/return/{begun.json['id']}")
        assert (back.status_code, back.location) == (303, "/welcome")

    def test_the_psps_webhook_settles_too(self, visitor, twin, key):
        begun = initiate(visitor, key)
        tell(visitor, twin, ANSWER_LOST)
        [payment] = twin.paid
        event = {"id": "evt", "type": "payment_intent.succeeded", "payment": payment.payment_id}

        answer = visitor.post(
            "/api/payments/psp/webhook",
            data=json.dumps(event),
            headers={"Stripe-Signature": "twin"},
        )
        assert (answer.status_code, answer.json["outcome"]) == (200, "posted")
        assert status(visitor, begun)["status"] == "succeeded"

    def test_an_unsigned_webhook_is_refused(self, visitor):
        answer = visitor.post("/api/payments/psp/webhook", data=b"{}")

        assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_signature")
        assert count(ProviderEvent) == 0

    @pytest.mark.parametrize("raw", [b"", b"[]", b"nonsense", b'{"metadata":{}}'])
    def test_a_malformed_callback_is_refused(self, visitor, raw):
        assert visitor.post("/api/payments/pci-vault/callback", data=raw).status_code == 422

    def test_a_forged_callback_is_refused(self, visitor, twin, key):
        begun = initiate(visitor, key)

        assert tell(visitor, twin, secret="forged").status_code == 403
        assert status(visitor, begun)["status"] == "pending"

    def test_a_checkout_that_never_was(self, visitor):
        nowhere = "0199a3b1-0000-7000-8000-000000000000"

        assert visitor.get(f"/api/payments/status/{nowhere}").status_code == 404
        retried = visitor.post(f"/api/payments/retry/{nowhere}", json={})
        assert retried.status_code == 404
        assert visitor.get("/api/payments/status/nonsense").status_code == 404

    def test_no_card_number_anywhere_in_what_was_kept(self, visitor, twin, key):
        initiate(visitor, key)
        tell(visitor, twin)

        with staff_reading() as session:
            for entity in (CaptureEndpoint, PaymentAttempt, ProviderEvent, Customer, Invoice):
                for row in session.scalars(select(entity)):
                    assert GOOD not in repr(vars(row))


class TestPages:
    """Without JavaScript: forms, redirects, and one address that may always be reloaded."""

    def token(self, visitor, path):
        page = visitor.get(path)
        assert page.status_code == 200
        return page, re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]

    def begin(self, visitor, key, **fields):
        _, token = self.token(visitor, f"/checkout/{key}")
        typed = {"csrf_token": token, "email": "bob@example.org", "consent": "yes", **fields}
        return visitor.post(f"/checkout/{key}", data=typed)

    def test_of_what_is_free_asks_for_no_card(self, visitor):
        free = put_on_sale("intro", price_amount=0, billing_interval=BillingInterval.LIFETIME)

        begun = self.begin(visitor, free)

        assert begun.status_code == 303
        page = visitor.get(begun.location)
        assert 'data-state="done"' in page.text
        assert "vault.invalid" not in page.text
        assert count(Customer) == 1

    def test_says_what_is_paid_before_anything_is_typed(self, visitor, key):
        page, _ = self.token(visitor, f"/checkout/{key}")

        assert "€59 today" in page.text
        assert "then €49 a month from 10 April" in page.text
        assert "14 days" in page.text

    def test_there_and_through(self, visitor, twin, key):
        begun = self.begin(visitor, key)
        assert begun.status_code == 303
        page = visitor.get(begun.location)
        assert "https://vault.invalid/" in page.text
        assert "frame-src" in page.headers["Content-Security-Policy"]

        tell(visitor, twin)
        done = visitor.get(begun.location)
        assert 'data-state="done"' in done.text
        assert "/welcome" in done.text

    def test_a_declined_card_and_another(self, visitor, twin, key):
        begun = self.begin(visitor, key)
        tell(visitor, twin, DECLINED)
        page = visitor.get(begun.location)
        assert 'data-state="declined"' in page.text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]

        retry = begun.location.replace("/pay/", "/retry/")
        assert visitor.post(retry, data={"csrf_token": token}).status_code == 303
        assert 'data-state="card"' in visitor.get(begun.location).text

    def test_what_is_missing_is_said_beside_its_field(self, visitor, key):
        nothing = self.begin(visitor, key, email="nobody")
        assert nothing.status_code == 422
        assert "nobody" in nothing.text
        unticked = self.begin(visitor, key, consent="")
        assert unticked.status_code == 422
        assert count(CaptureEndpoint) == 0

    def test_one_refusal_tells_of_all_that_is_missing_and_keeps_what_was_given(self, visitor, key):
        empty = self.begin(visitor, key, email="", consent="").text
        only_ticked = self.begin(visitor, key, email="").text

        told = re.compile(r'data-error="(\w+)">')
        assert told.findall(empty) == ["email", "consent"]
        assert told.findall(only_ticked) == ["email"]
        assert "required checked>" in only_ticked
        assert "“”" not in empty

    def test_without_the_forms_token_nothing_begins(self, visitor, key):
        answer = visitor.post(f"/checkout/{key}", data={"email": "b@example.org", "consent": "yes"})

        assert answer.status_code == 400
        assert count(CaptureEndpoint) == 0

    def test_not_on_sale(self, visitor):
        page = visitor.get("/checkout/unknown-key")

        assert page.status_code == 404
        assert "data-refused" in page.text

    def test_already_a_customer(self, visitor, twin, key):
        self.begin(visitor, key)
        tell(visitor, twin)

        refused = self.begin(visitor, key)
        assert refused.status_code == 409
        assert "/settings" in refused.text

    def test_on_the_other_site_it_leads_home(self, visitor, key):
        answer = visitor.get(f"/checkout/{key}?click=c1", base_url="http://weokto.localhost")

        assert answer.status_code == 302
        assert answer.location.startswith("http://stam.localhost")
        assert answer.location.endswith(f"/checkout/{key}?click=c1")

    def test_only_the_embedded_page_may_be_framed(self, visitor, key):
        plain = visitor.get(f"/checkout/{key}").headers["Content-Security-Policy"]
        framed = visitor.get(f"/checkout/{key}?embed=1").headers["Content-Security-Policy"]

        assert "frame-ancestors 'none'" in plain
        assert "frame-ancestors *" in framed

    def test_an_expired_checkout_says_so(self, visitor, twin, key):
        begun = self.begin(visitor, key)
        clock.advance(timedelta(minutes=16))

        page = visitor.get(begun.location).text
        assert 'data-state="expired"' in page
        assert "Nothing was charged; start again." in shown(page)

    def test_expired_while_the_bank_is_asked_it_promises_nothing(self, visitor, twin, key):
        begun = self.begin(visitor, key)
        tell(visitor, twin, ASKS_BANK)
        clock.advance(timedelta(minutes=16))

        said = shown(visitor.get(begun.location).text)
        assert "If your bank confirms the payment, it still counts." in said
        assert "Nothing was charged" not in said

    def test_paid_in_two_windows_the_second_is_told_that_it_was_charged(self, visitor, twin, key):
        first, second = self.begin(visitor, key), self.begin(visitor, key)
        for form in list(twin.captures):
            raw, secret = typed_card(twin, form, ASKS_BANK)
            header = {"X-PCIVault-Webhook-Secret": secret}
            visitor.post("/api/payments/pci-vault/callback", data=raw, headers=header)
        for payment in list(twin.payments):
            twin.answer_bank(payment, authorised=True)
        clock.advance(timedelta(seconds=11))

        assert 'data-state="done"' in visitor.get(first.location).text
        page = visitor.get(second.location).text
        assert 'data-state="over"' in page
        assert "The second payment will be given back to you." in shown(page)
        assert "Nothing was charged" not in shown(page)
        assert "data-again" not in shown(page)


def shown(page):
    """The part of a checkout's page that is not hidden."""
    [part] = re.findall(r'<section data-when="\w+"(?! hidden).*?</section>', page, re.DOTALL)
    return part
