"""What is on sale: one question for pages, the snippet, the checkout and the console."""

import pytest

from models.catalog import Community, PaymentButton, Plan, Product, button_by_key
from models.catalog.on_sale import NotOnSale, Off, button_on_sale, what_is_off

WAYS_OFF = [
    (Off.BUTTON, PaymentButton, "is_active"),
    (Off.PLAN, Plan, "is_active"),
    (Off.PRODUCT, Product, "is_active"),
    (Off.UNPUBLISHED, Product, "is_published"),
    (Off.COMMUNITY, Community, "is_active"),
]


class TestOnSale:
    def test_is_what_nothing_keeps_from_it(self, session, make):
        make.button("offer")

        assert button_on_sale(session, "offer").button_key == "offer"
        assert what_is_off(button_by_key(session, "offer")) == []

    @pytest.mark.parametrize(("off", "table", "claim"), WAYS_OFF)
    def test_is_nothing_that_is_off_or_not_published(self, session, make, off, table, claim):
        button = make.button("offer")
        product = session.get(Product, button.product_id)
        keys = {
            PaymentButton: button.id,
            Plan: button.plan_id,
            Product: product.id,
            Community: product.community_id,
        }
        setattr(session.get(table, keys[table]), claim, False)
        session.flush()

        with pytest.raises(NotOnSale):
            button_on_sale(session, "offer")
        assert what_is_off(button_by_key(session, "offer")) == [off]

    def test_is_no_unknown_key(self, session):
        with pytest.raises(NotOnSale):
            button_on_sale(session, "nothing")

    def test_everything_that_is_off_is_named(self, session, make):
        plan = make.plan(product=make.product(is_published=False), is_active=False)
        make.button("offer", plan=plan)

        assert what_is_off(button_by_key(session, "offer")) == [Off.PLAN, Off.UNPUBLISHED]
