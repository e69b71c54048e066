"""Forms: made, changed, refused in words, never without the token, never over somebody unseen."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import UserType
from models.affiliation import AffiliateProgram
from models.catalog import PaymentButton, Plan, Product, ProductAccess
from models.oversight import AuditEvent
from tests.admin_views.conftest import purchase

OPENED = re.compile(r'name="opened_at" value="([^"]+)"')


def product_fields(community, /, **changes):
    return {
        "community": str(community.id),
        "name": "Premium",
        "slug": "premium",
        "short_description": "",
        "is_active": "y",
        **changes,
    }


class TestCreate:
    def test_calls_the_rule_and_tells_the_trail(self, owner, console, keep, read):
        community = keep(lambda make: make.community())
        answer = owner.post(f"{console}/products/new/", product_fields(community))
        assert answer.status_code == 302
        product = read(lambda s: s.scalar(select(Product)))
        assert product.name == "Premium"
        assert read(lambda s: s.scalar(select(ProductAccess.product_id))) == product.id
        told = read(
            lambda s: s.scalar(select(AuditEvent).where(AuditEvent.subject_id == str(product.id)))
        )
        assert told.action == "catalog.product_created"
        assert told.actor_id == owner.user_id
        assert told.session_id == owner.session_id

    def test_without_the_token_nothing_is_written(self, owner, console, keep, read):
        community = keep(lambda make: make.community())
        answer = owner.browser.post(
            f"{console}/products/new/",
            data=product_fields(community),
            base_url="http://weokto.localhost",
        )
        assert answer.status_code == 400
        assert read(lambda s: s.scalar(select(Product))) is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"slug": "Not A Slug"},
            {"name": ""},
            {"name": "x" * 300},
            {"community": "not-a-key"},
            {"community": ""},
        ],
    )
    def test_a_refusal_is_told_and_nothing_is_written(self, owner, console, keep, read, changes):
        community = keep(lambda make: make.community())
        answer = owner.post(f"{console}/products/new/", product_fields(community, **changes))
        assert answer.status_code == 422
        assert 'class="wrong"' in answer.text
        assert read(lambda s: s.scalar(select(Product))) is None

    def test_a_taken_slug_with_a_percent_sign_is_a_refusal(self, owner, console, keep):
        community = keep(lambda make: make.community())
        answer = owner.post(f"{console}/products/new/", product_fields(community, slug="50%s"))
        assert answer.status_code == 422
        assert "50%s" in answer.text

    def test_a_line_break_is_kept_as_one_character(self, owner, console, keep, read):
        community = keep(lambda make: make.community())
        fields = product_fields(community, short_description="One\r\ntwo")
        assert owner.post(f"{console}/products/new/", fields).status_code == 302
        assert read(lambda s: s.scalar(select(Product.short_description))) == "One\ntwo"

    def test_euros_are_kept_as_cents(self, owner, console, keep, read):
        product = keep(lambda make: make.product())
        fields = {
            "product": str(product.id),
            "name": "Monthly",
            "slug": "monthly",
            "price_amount": "1 225,5 €",
            "billing_interval": "MONTHLY",
            "is_active": "y",
        }
        assert owner.post(f"{console}/plans/new/", fields).status_code == 302
        assert read(lambda s: s.scalar(select(Plan.price_amount))) == 122_550
        for wrong in ("12.345", "-5", "1e3", "ten"):
            fields.update(slug="other", price_amount=wrong)
            assert owner.post(f"{console}/plans/new/", fields).status_code == 422

    def test_opens_a_further_community(self, owner, console, keep, read):
        product, other = keep(lambda make: (make.product(), make.community(name="Other")))
        fields = {
            "product": str(product.id),
            "target": str(other.id),
            "name": "",
            "description": "",
        }
        answer = owner.post(f"{console}/access/new/", fields)
        assert answer.status_code == 302, answer.text
        opened = read(
            lambda s: s.scalar(select(ProductAccess).where(ProductAccess.target_id == other.id))
        )
        assert (opened.product_id, opened.name) == (product.id, "Other")
        assert "Other" in owner.get(f"{console}/access/details/?id={opened.id}").text

    def test_a_fixed_rate_is_typed_in_euros(self, owner, console, keep, read):
        product = keep(lambda make: make.product())
        fields = {
            "product": str(product.id),
            "is_active": "y",
            "default_rate_type": "fixed",
            "default_rate": "15,50",
            "cookie_duration_days": "30",
        }
        assert owner.post(f"{console}/programs/new/", fields).status_code == 302
        program = read(lambda s: s.scalar(select(AffiliateProgram)))
        assert program.default_rate == 1550
        page = owner.get(f"{console}/programs/edit/?id={program.id}").text
        assert 'name="default_rate" type="text" value="15,5"' in page

    def test_a_new_plan_offers_the_usual_commission(self, owner, console):
        page = owner.get(f"{console}/plans/new/").text
        assert 'name="commission_percent" type="text" value="30"' in page

    def test_a_product_manager_creates_too(self, staff, keep, read):
        community = keep(lambda make: make.community())
        manager = staff(UserType.PRODUCT_MANAGER)
        answer = manager.post("/product-manager/products/new/", product_fields(community))
        assert answer.status_code == 302


class TestEdit:
    def fields(self, opened_at, **changes):
        return {"opened_at": opened_at, "name": "New", "slug": "p", "is_active": "y", **changes}

    def open(self, browser, address):
        return OPENED.search(browser.get(address).text).group(1)

    def test_saves(self, owner, console, keep, read):
        product = keep(lambda make: make.product("p"))
        address = f"{console}/products/edit/?id={product.id}"
        answer = owner.post(address, self.fields(self.open(owner, address)))
        assert answer.status_code == 302
        assert read(lambda s: s.scalar(select(Product.name))) == "New"

    def test_the_second_of_two_is_told_what_changed(self, owner, staff, console, keep, read):
        product = keep(lambda make: make.product("p"))
        other = staff(UserType.OWNER)
        address = f"{console}/products/edit/?id={product.id}"
        mine, theirs = self.open(owner, address), self.open(other, address)
        clock.move_to(clock.now() + timedelta(seconds=5))
        other.post(address, self.fields(theirs, name="Theirs"))
        answer = owner.post(address, self.fields(mine, name="Mine"))
        assert answer.status_code == 422
        assert "Theirs" in answer.text
        assert read(lambda s: s.scalar(select(Product.name))) == "Theirs"
        fresh = OPENED.search(answer.text).group(1)
        assert owner.post(address, self.fields(fresh, name="Mine")).status_code == 302
        assert read(lambda s: s.scalar(select(Product.name))) == "Mine"

    @pytest.mark.parametrize("opened_at", ["", "nonsense", "2020-01-01T00:00:00+00:00"])
    def test_a_form_without_its_mark_overwrites_nothing(self, owner, console, keep, opened_at):
        product = keep(lambda make: make.product("p"))
        address = f"{console}/products/edit/?id={product.id}"
        assert owner.post(address, self.fields(opened_at)).status_code == 422

    def test_a_sold_plan_keeps_its_price_and_says_why(self, owner, console, keep, read):
        plan = keep(lambda make: make.plan("p", price_amount=4900, sold_at=clock.now()))
        address = f"{console}/plans/edit/?id={plan.id}"
        page = owner.get(address).text
        assert 'name="price_amount"' not in page
        assert "49,00" in page, "what cannot change is shown all the same"
        mark = self.open(owner, address)
        answer = owner.post(address, self.fields(mark, price_amount="1"))
        assert answer.status_code == 302
        assert read(lambda s: s.scalar(select(Plan.price_amount))) == 4900
        copy = {"slug": "p-2", "name": "Dearer", "price_amount": "59"}
        address = f"{console}/plans/act/duplicate/?id={plan.id}"
        assert 'value="49,00"' in owner.get(address).text
        answer = owner.post(address, copy)
        assert answer.status_code == 302
        made = read(lambda s: s.scalar(select(Plan.id).where(Plan.slug == "p-2")))
        assert str(made) in answer.location
        prices = select(Plan.price_amount).order_by(Plan.price_amount)
        assert read(lambda s: s.scalars(prices).all()) == [4900, 5900]

    def test_an_unknown_record_is_404(self, owner, console):
        for key in ("01900000-0000-7000-8000-000000000000", "x", ""):
            assert owner.get(f"{console}/products/edit/?id={key}").status_code == 404
            assert owner.get(f"{console}/products/details/?id={key}").status_code == 404


class TestDelete:
    def test_what_was_sold_has_no_button_and_says_why(self, owner, console, keep):
        plan = keep(lambda make: make.plan(sold_at=clock.now()))
        community_id = keep(lambda make: make.session.get(Product, plan.product_id).community_id)
        for slug, key in (
            ("plans", plan.id),
            ("products", plan.product_id),
            ("communities", community_id),
        ):
            page = owner.get(f"{console}/{slug}/details/?id={key}").text
            assert f"{slug}/delete/" not in page
            assert 'class="note"' in page

    def test_deletes_the_unused(self, owner, console, keep, read):
        product = keep(lambda make: make.product())
        answer = owner.post(f"{console}/products/delete/", {"id": str(product.id)})
        assert answer.status_code == 302
        assert read(lambda s: s.scalar(select(Product))) is None

    def test_what_was_sold_stays_and_says_so(self, owner, console, keep, read):
        product = keep(lambda make: make.plan(sold_at=clock.now()).product)
        owner.post(f"{console}/products/delete/", {"id": str(product.id)})
        assert read(lambda s: s.scalar(select(Product))) is not None
        assert 'class="flash error"' in owner.get(f"{console}/products/").text


class TestInline:
    def test_one_cell_is_saved_by_the_rule(self, owner, console, keep, read):
        button = keep(lambda make: make.button(cta_text="Go"))
        sent = {"name": "cta_text", "key": str(button.id), "was": "Go", "value": "<b>Buy</b>"}
        answer = owner.post(f"{console}/buttons/ajax/update/", sent)
        assert answer.status_code == 200
        assert answer.text == "&lt;b&gt;Buy&lt;/b&gt;"

    def test_a_column_that_is_not_offered_cannot_be_written(self, owner, console, keep):
        button = keep(lambda make: make.button())
        sent = {"name": "button_key", "key": str(button.id), "value": "other-key"}
        assert owner.post(f"{console}/buttons/ajax/update/", sent).status_code == 422

    def test_a_refusal_comes_back_in_words(self, owner, console, keep):
        button = keep(lambda make: make.button(cta_text="Go"))
        sent = {"name": "cta_text", "key": str(button.id), "was": "Go", "value": "x" * 500}
        answer = owner.post(f"{console}/buttons/ajax/update/", sent)
        assert answer.status_code == 422
        assert answer.text

    def test_the_second_of_two_is_told_and_overwrites_nothing(self, owner, console, keep, read):
        button = keep(lambda make: make.button(cta_text="Go"))
        address = f"{console}/buttons/ajax/update/"
        sent = {"name": "cta_text", "key": str(button.id), "was": "Go"}
        assert owner.post(address, {**sent, "value": "Theirs"}).status_code == 200
        answer = owner.post(address, {**sent, "value": "Mine"})
        assert answer.status_code == 409
        assert "Theirs" in answer.text
        assert read(lambda s: s.scalar(select(PaymentButton.cta_text))) == "Theirs"
        assert owner.post(address, {**sent, "value": "Theirs"}).status_code == 200

    def test_a_text_of_two_lines_is_changed_as_the_browser_shows_it(
        self, owner, console, keep, read
    ):
        """Browsers post a break as two characters and give back one in a script."""
        product = keep(lambda make: make.product(short_description="One\r\ntwo"))
        sent = {"name": "short_description", "key": str(product.id), "was": "One\ntwo"}
        address = f"{console}/products/ajax/update/"
        answer = owner.post(address, {**sent, "value": "One\r\ntwo\r\nthree"})
        assert answer.status_code == 200, answer.text
        assert read(lambda s: s.scalar(select(Product.short_description))) == "One\ntwo\nthree"
        assert owner.post(address, {**sent, "value": "Mine"}).status_code == 409

    def test_a_cell_of_two_lines_is_typed_over_as_such(self, owner, console, keep):
        keep(lambda make: (make.button(display_name="One\r\ntwo"), make.button()))
        page = owner.get(f"{console}/buttons/").text
        assert 'data-value="One\ntwo" data-long>' in page
        assert page.count("data-long") == 1

    def test_a_list_without_such_cells_takes_none(self, owner, console, keep):
        keep(purchase)
        assert owner.post(f"{console}/invoices/ajax/update/", {}).status_code == 403
