"""Billing: checkouts, customers, invoices, and every word exchanged with the payment side."""

from models.billing import on_closing
from models.billing.access_grant import AccessGrant
from models.billing.capture_endpoint import CaptureEndpoint, CapturePurpose, CaptureStatus
from models.billing.credit_note import CreditNote
from models.billing.customer import RUNNING, Customer, CustomerStatus, customer_of
from models.billing.invoice import (
    Invoice,
    InvoiceCounter,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
)
from models.billing.payment_attempt import AttemptOutcome, PaymentAttempt
from models.billing.payment_method import PaymentMethod
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.billing.refund import Refund, RefundStatus
from models.billing.subscription_notice import NoticeKind, SubscriptionNotice

__all__ = [
    "RUNNING",
    "AccessGrant",
    "AttemptOutcome",
    "CaptureEndpoint",
    "CapturePurpose",
    "CaptureStatus",
    "CreditNote",
    "Customer",
    "CustomerStatus",
    "EventOutcome",
    "Invoice",
    "InvoiceCounter",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceStatus",
    "NoticeKind",
    "PaymentAttempt",
    "PaymentMethod",
    "ProviderEvent",
    "Refund",
    "RefundStatus",
    "SubscriptionNotice",
    "customer_of",
    "on_closing",
]
