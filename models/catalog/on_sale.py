"""What is on sale: a button that is switched on, as are its plan, product and community."""

import enum
from typing import Any

from sqlalchemy.orm import Session

from models.base import Base
from models.catalog.community import Community
from models.catalog.payment_button import PaymentButton, button_by_key
from models.catalog.plan import Plan
from models.catalog.product import Product
from models.errors import N_, Missing


class NotOnSale(Missing):
    code = "not_on_sale"
    message = N_("This offer does not exist, or is no longer on sale.")


class Off(enum.StrEnum):
    """What keeps a button from being shown and sold."""

    BUTTON = "button"
    PLAN = "plan"
    PRODUCT = "product"
    UNPUBLISHED = "unpublished"
    COMMUNITY = "community"


ON_SALE = {
    Off.BUTTON: PaymentButton.is_active,
    Off.PLAN: Plan.is_active,
    Off.PRODUCT: Product.is_active,
    Off.UNPUBLISHED: Product.is_published,
    Off.COMMUNITY: Community.is_active,
}
"""What must all be true for visitors to see a button and for its checkout to open: the one
question that pages, the snippet, the checkout and the console ask."""


def what_is_off(button: PaymentButton) -> list[Off]:
    """What keeps a button, loaded as ``button_by_key`` does, from being on sale; empty: nothing."""
    rows: dict[Any, Base] = {
        PaymentButton: button,
        Plan: button.plan,
        Product: button.product,
        Community: button.product.community,
    }
    return [off for off, claim in ON_SALE.items() if not getattr(rows[claim.class_], claim.key)]


def button_on_sale(session: Session, key: str) -> PaymentButton:
    """The button under a key with its plan, product and community loaded.

    Raises NotOnSale for an unknown key, for anything switched off on the way up and for what
    is not published yet.
    """
    button = button_by_key(session, key)
    if button is None or what_is_off(button):
        raise NotOnSale
    return button
