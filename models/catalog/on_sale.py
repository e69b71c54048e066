"""What can be bought now: a button whose plan, product and community are all switched on."""

from sqlalchemy.orm import Session

from models.catalog.payment_button import PaymentButton, button_by_key
from models.errors import N_, Missing


class NotOnSale(Missing):
    code = "not_on_sale"
    message = N_("This offer does not exist, or is no longer on sale.")


def button_on_sale(session: Session, key: str) -> PaymentButton:
    """The button under a key with its plan, product and community loaded.

    Raises NotOnSale for an unknown key and for anything switched off on the way up.
    """
    button = button_by_key(session, key)
    if button is None or not (
        button.is_active
        and button.plan.is_active
        and button.product.is_active
        and button.product.community.is_active
    ):
        raise NotOnSale
    return button
