"""What an invoice's page says of the sale."""

from admin_views.sales import mentions_told

SELLER = {"name": "WEOKTO SAS", "address": "1 rue de la Paix", "siren": "123456789"}


class TestMentions:
    def test_seller_and_buyer_stand_in_words(self, app):
        mentions = {"seller": SELLER, "buyer": {"name": "", "email": "a@b.org"}, "vat": "20"}
        with app.test_request_context(headers={"Accept-Language": "en"}):
            said = mentions_told(mentions, {})

        assert said == ("Sold by WEOKTO SAS, 1 rue de la Paix, SIREN 123456789 · to a@b.org")

    def test_why_there_is_no_tax_is_kept(self, app):
        mentions = {"seller": SELLER, "buyer": {"name": "Ada"}, "vat": "art. 293 B du CGI"}
        with app.test_request_context(headers={"Accept-Language": "fr"}):
            said = mentions_told(mentions, {})

        assert said.endswith("à Ada · art. 293 B du CGI")

    def test_an_invoice_without_any_says_nothing(self):
        assert mentions_told({}, {}) == ""
