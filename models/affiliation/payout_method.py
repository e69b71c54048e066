"""How money reaches an affiliate."""

import enum


class PayoutMethod(enum.StrEnum):
    """An affiliate chooses between the first two; the owner may pay by any."""

    WIRE = "wire"
    PAYPAL = "paypal"
    STRIPE = "stripe"
    MANUAL = "manual"
