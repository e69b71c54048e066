"""The sandbox's outbox: it takes mails as Resend does and shows them."""

import base64

import pytest

MAIL = {
    "from": "STAM <bonjour@stam.localhost>",
    "to": ["Alice@Example.org"],
    "subject": "Votre reçu",
    "html": '<p>Bonjour <a href="http://stam.localhost:8000/x">entrer</a></p><script>1</script>',
    "text": "Bonjour http://stam.localhost:8000/x",
    "attachments": [{"filename": "recu.pdf", "content": base64.b64encode(b"%PDF").decode()}],
}


def send(buyer, mail=MAIL, path="/resend/emails", **headers):
    headers = {"Authorization": "Bearer re_sandbox", "User-Agent": "tests", **headers}
    headers = {name: value for name, value in headers.items() if value is not None}
    return buyer.ask("POST", path, json=mail, headers=headers)


def mails(buyer, to=""):
    return buyer.ask("GET", "/outbox.json", params={"to": to}).json()["mails"]


class TestSend:
    def test_keeps_the_mail(self, buyer):
        mail_id = send(buyer).json()["id"]

        [kept] = mails(buyer, to="alice@example.org")
        assert kept["id"] == mail_id
        assert kept["attachments"] == [{"filename": "recu.pdf", "size": 4}]
        assert mails(buyer, to="bob@example.org") == []

    def test_same_key_sends_once(self, buyer):
        first, again = (send(buyer, **{"Idempotency-Key": "k"}) for _ in range(2))

        assert first.json() == again.json()
        assert len(mails(buyer)) == 1

    def test_same_key_with_other_mail_is_a_conflict(self, buyer):
        send(buyer, **{"Idempotency-Key": "k"})
        other = send(buyer, {**MAIL, "subject": "Autre"}, **{"Idempotency-Key": "k"})

        assert other.status_code == 409
        assert other.json()["name"] == "invalid_idempotent_request"

    @pytest.mark.parametrize(
        ("headers", "status", "name"),
        [
            ({"Authorization": None}, 401, "missing_api_key"),
            ({"User-Agent": ""}, 403, "validation_error"),
            ({"Idempotency-Key": "k" * 257}, 400, "invalid_idempotency_key"),
        ],
    )
    def test_caller_is_checked(self, buyer, headers, status, name):
        answer = send(buyer, **headers)
        assert (answer.status_code, answer.json()["name"]) == (status, name)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"subject": ""}, "missing_required_field"),
            ({"html": "", "text": ""}, "missing_required_field"),
            ({"from": "nobody"}, "invalid_from_address"),
            ({"to": "nobody"}, "invalid_parameter"),
            ({"attachments": [{"filename": "a", "content": "é"}]}, "invalid_attachment"),
        ],
    )
    def test_mail_is_checked(self, buyer, change, name):
        answer = send(buyer, {**MAIL, **change})
        assert (answer.status_code, answer.json()["name"]) == (422, name)

    def test_batch(self, buyer):
        sent = send(buyer, [MAIL, MAIL], path="/resend/emails/batch").json()["data"]
        assert {mail["id"] for mail in mails(buyer)} == {mail["id"] for mail in sent}

    def test_fault(self, buyer):
        buyer.order_fault("emails", "429")
        assert [send(buyer).status_code for _ in range(2)] == [429, 200]


class TestPages:
    def test_newest_first(self, buyer):
        for subject in ("Un", "Deux"):
            send(buyer, {**MAIL, "subject": subject})

        page = buyer.ask("GET", "/outbox").text

        assert page.index("Deux") < page.index(">Un<")

    def test_mail_opens_with_links_and_text(self, buyer):
        mail_id = send(buyer).json()["id"]

        page = buyer.ask("GET", f"/outbox/{mail_id}").text
        html = buyer.ask("GET", f"/outbox/{mail_id}/html")
        file = buyer.ask("GET", f"/outbox/{mail_id}/files/0")

        assert '<a href="http://stam.localhost:8000/x"' in page
        assert 'href="http://stam.localhost:8000/x"' in html.text
        assert "script-src 'none'" in html.headers["Content-Security-Policy"]
        assert file.content == b"%PDF"

    @pytest.mark.parametrize("path", ["/outbox/x", "/outbox/x/html", "/outbox/x/files/0"])
    def test_unknown_mail_is_not_found(self, buyer, path):
        assert buyer.ask("GET", path).status_code == 404
