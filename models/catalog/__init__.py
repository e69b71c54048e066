"""The catalogue: communities, what is sold in them, at which prices, under which buttons."""

from models.catalog.community import Community, community_by_slug
from models.catalog.payment_button import (
    ButtonSighting,
    PaymentButton,
    PaymentType,
    button_by_key,
)
from models.catalog.plan import BillingInterval, Plan, plan_by_slug
from models.catalog.product import Product, product_by_slug
from models.catalog.product_access import AccessType, ProductAccess, accesses_of
from models.catalog.webhook_delivery import WebhookDelivery, WebhookStatus

__all__ = [
    "AccessType",
    "BillingInterval",
    "ButtonSighting",
    "Community",
    "PaymentButton",
    "PaymentType",
    "Plan",
    "Product",
    "ProductAccess",
    "WebhookDelivery",
    "WebhookStatus",
    "accesses_of",
    "button_by_key",
    "community_by_slug",
    "plan_by_slug",
    "product_by_slug",
]
