"""New to sell: product, plan and button from one form, together or not at all."""

import re
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from models.accounts import UserType
from models.affiliation import AffiliateProgram
from models.catalog import (
    BillingInterval,
    Community,
    PaymentButton,
    PaymentType,
    Plan,
    Product,
    ProductAccess,
)
from models.oversight import AuditEvent
from tests.admin_views.conftest import HOST, purchase

NO_KEY = "018f0000-0000-7000-8000-000000000000"
"""A key in shape that names nothing; the same in every worker's collection."""

MADE = (Product, ProductAccess, Plan, PaymentButton, AffiliateProgram)


def asked(community=None, /, **changes):
    """What a person types for a new product; ``plan_slug="x"`` changes ``plan-slug``."""
    fields = {
        "product-existing": "",
        "product-community": str(community.id) if community else "",
        "product-name": "Marketing",
        "product-slug": "marketing",
        "product-short_description": "Learn it.",
        "plan-name": "Monthly",
        "plan-slug": "marketing-monthly",
        "plan-price_amount": "49,00",
        "plan-billing_interval": "MONTHLY",
        "plan-trial_days": "",
        "plan-trial_amount": "",
        "plan-setup_fee": "",
        "plan-commission_percent": "30",
        "plan-earns": "y",
        "button-display_name": "Marketing · Monthly",
        "button-button_key": "marketing-monthly",
        "button-cta_text": "",
        "button-success_url": "",
    }
    return fields | {name.replace("_", "-", 1): value for name, value in changes.items()}


def made(read):
    """How many rows there are of each kind that the form makes."""
    return [
        read(lambda s, table=table: s.scalar(select(func.count()).select_from(table)))
        for table in MADE
    ]


@pytest.fixture
def community(keep):
    return keep(lambda make: make.community("guild"))


@pytest.fixture
def address(console):
    return f"{console}/new-sellable/"


class TestWhoMay:
    def test_the_catalogues_lists_and_the_dashboard_lead_here(self, owner, console, address):
        for path in ("products/", "plans/", "buttons/", ""):
            assert f'href="{address}"' in owner.get(f"{console}/{path}").text
        assert f'href="{address}"' not in owner.get(f"{console}/communities/").text
        assert owner.get(address).status_code == 200

    def test_a_product_manager_may(self, staff, community, read):
        manager, address = staff(UserType.PRODUCT_MANAGER), "/product-manager/new-sellable/"
        assert f'href="{address}"' in manager.get("/product-manager/products/").text
        assert 'name="plan-earns"' not in manager.get(address).text
        assert manager.post(address, asked(community)).status_code == 302
        assert made(read) == [1, 1, 1, 1, 0]  # a program is the owner's to give

    def test_an_administrator_may_not(self, staff, community, read):
        admin = staff(UserType.ADMIN)
        for answer in (
            admin.get("/product-manager/new-sellable/"),
            admin.post("/product-manager/new-sellable/", asked(community)),
        ):
            assert answer.status_code == 403
        assert admin.get("/admin/new-sellable/").status_code == 404
        assert "new-sellable" not in admin.get("/product-manager/products/").text
        assert "new-sellable" not in admin.get("/product-manager/").text
        assert made(read) == [0] * 5

    @pytest.mark.parametrize("role", [UserType.CLIENT, UserType.AFFILIATE, None])
    def test_nobody_else_may(self, staff, address, role):
        person = staff(role)
        assert person.get(address).status_code == 404
        outside = 302 if role is None else 403
        assert person.get("/product-manager/new-sellable/").status_code == outside

    def test_without_the_token_nothing_is_made(self, owner, address, community, read):
        answer = owner.browser.post(address, data=asked(community), base_url=f"http://{HOST}")
        assert answer.status_code == 400
        assert made(read) == [0] * 5


class TestMaking:
    def test_makes_all_and_shows_the_snippet(self, owner, address, community, read):
        answer = owner.post(address, asked(community))
        assert answer.status_code == 302
        page = owner.get(answer.location).text
        assert "data-payment-button=&#34;marketing-monthly&#34;" in page
        assert made(read) == [1] * 5
        product = read(lambda s: s.scalar(select(Product)))
        plan = read(lambda s: s.scalar(select(Plan)))
        button = read(lambda s: s.scalar(select(PaymentButton)))
        program = read(lambda s: s.scalar(select(AffiliateProgram)))
        assert (product.community_id, product.is_active) == (community.id, True)
        assert (plan.product_id, plan.price_amount) == (product.id, 4900)
        assert (plan.trial_days, plan.trial_amount, plan.setup_fee) == (None, 0, 0)
        assert plan.commission_percent == Decimal(30)
        assert (button.plan_id, button.payment_type) == (plan.id, PaymentType.SUBSCRIPTION)
        assert (button.cta_text, button.success_url) == ("S'inscrire", "/welcome")
        assert program.product_id == product.id

    def test_offers_to_publish_what_is_new(self, owner, address):
        page = owner.get(address).text
        assert re.search(r'<input checked [^>]*name="product-is_published"', page)

    def test_says_so_where_visitors_do_not_see_it_yet(self, owner, address, community):
        page = owner.get(owner.post(address, asked(community)).location).text
        assert 'class="flash error"' in page
        assert 'class="flash success"' not in page
        assert page.count("Le produit n’est pas publié.") == 2

    def test_says_that_it_is_ready_once_published(self, owner, address, community):
        fields = asked(community, product_is_published="y")
        page = owner.get(owner.post(address, fields).location).text
        assert 'class="flash success"' in page

    def test_the_trail_has_every_step(self, owner, address, community, read):
        owner.post(address, asked(community))
        told = read(
            lambda s: s.scalars(
                select(AuditEvent.action).where(AuditEvent.actor_id == owner.user_id)
            ).all()
        )
        assert {
            "catalog.product_created",
            "catalog.plan_created",
            "catalog.button_created",
            "affiliation.program_created",
        } <= set(told)

    def test_takes_a_trial_a_fee_and_a_rate_as_typed(self, owner, address, community, read):
        terms = {
            "plan_price_amount": "1 225.50 €",
            "plan_billing_interval": "ANNUALLY",
            "plan_trial_days": "14",
            "plan_trial_amount": "1,9",
            "plan_setup_fee": "10",
            "plan_commission_percent": "12,5 %",
        }
        assert owner.post(address, asked(community, **terms)).status_code == 302
        plan = read(lambda s: s.scalar(select(Plan)))
        assert (plan.price_amount, plan.billing_interval) == (122_550, BillingInterval.ANNUALLY)
        assert (plan.trial_days, plan.trial_amount, plan.setup_fee) == (14, 190, 1000)
        assert plan.commission_percent == Decimal("12.5")

    def test_an_empty_rate_is_the_programs(self, owner, address, community, read):
        owner.post(address, asked(community, plan_commission_percent=""))
        assert read(lambda s: s.scalar(select(Plan))).commission_percent is None

    def test_gives_no_program_unless_asked(self, owner, address, community, read):
        fields = asked(community)
        del fields["plan-earns"]
        assert owner.post(address, fields).status_code == 302
        assert made(read) == [1, 1, 1, 1, 0]

    def test_sells_a_product_there_is(self, owner, address, keep, read):
        product = keep(lambda make: make.product("there"))
        fields = asked(product_existing=str(product.id), product_name="", product_slug="")
        assert owner.post(address, fields).status_code == 302
        assert made(read) == [1] * 5
        assert read(lambda s: s.scalar(select(Plan.product_id))) == product.id
        assert read(lambda s: s.scalar(select(AffiliateProgram.product_id))) == product.id

    def test_a_program_there_is_stays_as_it_is(self, owner, address, keep, read):
        program = keep(lambda make: make.program(make.product(), default_rate=Decimal(10)))
        fields = asked(product_existing=str(program.product_id))
        assert owner.post(address, fields).status_code == 302
        assert read(lambda s: s.scalar(select(AffiliateProgram.default_rate))) == Decimal(10)

    def test_sent_twice_is_made_once(self, owner, address, community, read):
        fields = asked(community)
        assert owner.post(address, fields).status_code == 302
        again = owner.post(address, fields)
        assert again.status_code == 422
        assert wrong_fields(again) == ["product-slug"]
        assert made(read) == [1] * 5


REFUSED = [
    ({"product_name": ""}, "product-name"),
    ({"product_name": "x" * 300}, "product-name"),
    ({"product_slug": "Not A Slug"}, "product-slug"),
    ({"product_slug": "50%s"}, "product-slug"),
    ({"product_slug": ""}, "product-slug"),
    ({"product_community": ""}, "product-community"),
    ({"product_community": "not-a-key"}, "product-community"),
    ({"product_community": NO_KEY}, "product-community"),
    ({"product_existing": "not-a-key"}, "product-existing"),
    ({"product_existing": NO_KEY}, "product-existing"),
    ({"product_short_description": "x" * 501}, "product-short_description"),
    ({"plan_name": " "}, "plan-name"),
    ({"plan_slug": "taken"}, "plan-slug"),
    ({"plan_slug": ""}, "plan-slug"),
    ({"plan_price_amount": ""}, "plan-price_amount"),
    ({"plan_price_amount": "0"}, "plan-price_amount"),
    ({"plan_price_amount": "-49"}, "plan-price_amount"),
    ({"plan_price_amount": "49.005"}, "plan-price_amount"),
    ({"plan_price_amount": "1e3"}, "plan-price_amount"),
    ({"plan_price_amount": "1000001"}, "plan-price_amount"),
    ({"plan_billing_interval": "WEEKLY"}, "plan-billing_interval"),
    ({"plan_trial_days": "many"}, "plan-trial_days"),
    ({"plan_trial_days": "0"}, "plan-trial_days"),
    ({"plan_trial_days": "731"}, "plan-trial_days"),
    ({"plan_trial_days": "7", "plan_billing_interval": "ONE_TIME"}, "plan-trial_days"),
    ({"plan_trial_amount": "1"}, "plan-trial_days"),
    ({"plan_setup_fee": "free"}, "plan-setup_fee"),
    ({"plan_commission_percent": "101"}, "plan-commission_percent"),
    ({"plan_commission_percent": "-1"}, "plan-commission_percent"),
    ({"plan_commission_percent": "NaN"}, "plan-commission_percent"),
    ({"plan_commission_percent": "a third"}, "plan-commission_percent"),
    ({"button_display_name": ""}, "button-display_name"),
    ({"button_button_key": ""}, "button-button_key"),
    ({"button_button_key": "a"}, "button-button_key"),
    ({"button_button_key": "taken-key"}, "button-button_key"),
    ({"button_cta_text": "x" * 61}, "button-cta_text"),
    ({"button_success_url": "https://elsewhere.example/"}, "button-success_url"),
]


def wrong_fields(answer):
    """The fields that a page has a complaint beside."""
    return re.findall(r'class="wrong" id="([^"]+)-told"', answer.text)


class TestRefusals:
    @pytest.mark.parametrize(("changes", "field"), REFUSED, ids=str)
    def test_stands_beside_its_field_and_nothing_is_made(
        self, owner, address, community, keep, read, changes, field
    ):
        keep(lambda make: make.button("taken-key", plan=make.plan("taken")))
        before = made(read)
        answer = owner.post(address, asked(community, **changes))
        assert answer.status_code == 422
        assert wrong_fields(answer) == [field]
        assert 'role="alert"' in answer.text
        assert made(read) == before

    def test_what_was_typed_is_still_there(self, owner, address, community):
        fields = asked(community, plan_price_amount="4 9,0x", plan_commission_percent="12,5")
        page = owner.post(address, fields).text
        assert 'value="4 9,0x"' in page
        assert 'value="12,5"' in page
        assert f'selected value="{community.id}"' in page

    def test_what_is_not_for_sale_is_not_offered(self, owner, address, keep):
        def build(make):
            closed = make.community("closed", is_active=False)
            return [
                make.product(is_free=True),
                make.product(is_active=False),
                make.product(community=closed),
            ], closed

        products, closed = keep(build)
        page = owner.get(address).text
        for product in products:
            assert str(product.id) not in page
            answer = owner.post(address, asked(product_existing=str(product.id)))
            assert wrong_fields(answer) == ["product-existing"]
        assert wrong_fields(owner.post(address, asked(closed))) == ["product-community"]

    def test_a_manager_who_asks_for_a_program_gets_none(self, staff, community, read):
        manager = staff(UserType.PRODUCT_MANAGER)
        manager.post("/product-manager/new-sellable/", asked(community, plan_earns="y"))
        assert made(read)[-1] == 0

    def test_names_are_shown_as_text(self, owner, address, keep):
        keep(lambda make: make.product(name="<b>Bold</b>"))
        assert "<b>Bold</b>" not in owner.get(address).text


class TestRecurringRevenue:
    def test_a_plans_page_shows_it_to_those_who_see_finance(self, owner, staff, console, keep):
        plan_id = keep(lambda make: purchase(make, plan=make.plan()).plan_id)
        path = f"plans/details/?id={plan_id}"
        assert "40,83" in owner.get(f"{console}/{path}").text
        for person in (owner, staff(UserType.PRODUCT_MANAGER), staff(UserType.ADMIN)):
            page = person.get(f"/product-manager/{path}")
            assert page.status_code == 200
            assert "40,83" not in page.text
            assert "means-mrr" not in page.text

    def test_a_plan_that_renews_nothing_has_none(self, owner, console, keep):
        plan = keep(lambda make: make.plan(billing_interval=BillingInterval.ONE_TIME))
        page = owner.get(f"{console}/plans/details/?id={plan.id}")
        assert page.status_code == 200
        assert "means-mrr" not in page.text


def test_a_community_gone_meanwhile_is_no_crash(owner, address, community, keep, read):
    keep(lambda make: make.session.delete(make.session.get(Community, community.id)))
    assert wrong_fields(owner.post(address, asked(community))) == ["product-community"]
    assert made(read) == [0] * 5
