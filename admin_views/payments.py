"""Payments: every charge asked for, the checkouts they hang off, and the provider's words."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.documents import download, file_of
from admin_views.filters import Choice, Is, OneOf, Reference, between
from admin_views.formats import Badge, Linked, Money, OneLine
from admin_views.listing import Lookup, Row
from admin_views.reading import reading
from admin_views.records import Panel, Related
from admin_views.selections import plans_in
from admin_views.writing import in_words
from models.accounts import User
from models.accounts.permissions import Permission as P
from models.billing import (
    AttemptOutcome,
    CaptureEndpoint,
    CaptureStatus,
    Customer,
    EventOutcome,
    Invoice,
    PaymentAttempt,
    ProviderEvent,
)
from models.billing.evidence_file import evidence_file
from models.catalog import Plan
from models.errors import N_, DomainError


def _client(attempt: Any) -> Any:
    """Whose card an attempt charges: the checkout's buyer, or the invoice's customer."""
    buyer = (
        select(User.email)
        .join(CaptureEndpoint, CaptureEndpoint.user_id == User.id)
        .where(CaptureEndpoint.id == attempt.capture_id)
    )
    customer = (
        select(User.email)
        .join(Customer, Customer.user_id == User.id)
        .join(Invoice, Invoice.customer_id == Customer.id)
        .where(Invoice.id == attempt.invoice_id)
    )
    return func.coalesce(buyer.scalar_subquery(), customer.scalar_subquery())


class AttemptView(AdminView):
    table, slug, title = PaymentAttempt, "attempts", N_("Payments")
    permissions = {"read": P.PAYMENTS_READ}
    amounts = P.CUSTOMERS_AMOUNTS
    column_list = (
        "started_at",
        "outcome",
        "amount",
        "invoice.number",
        "client",
        "decline_code",
        "psp_payment_id",
    )
    column_details_list = (
        "started_at",
        "outcome",
        "amount",
        "attempt_no",
        "invoice.number",
        "client",
        "capture.user.email",
        "uses_retry",
        "decline_code",
        "message",
        "psp_payment_id",
        "idempotency_key",
        "asked_at",
        "finished_at",
    )
    column_labels = {
        "client": N_("Client"),
        "capture.user.email": N_("Checkout"),
        "invoice_id": N_("Invoice's key"),
    }
    computed = {"client": _client}
    lookups = {
        "invoice": Lookup(Invoice, "invoice_id"),
        "capture": Lookup(CaptureEndpoint, "capture_id"),
    }
    formats = {
        "amount": Money(),
        "invoice.number": Linked("invoices", "invoice_id", OneLine()),
        "capture.user.email": Linked("checkouts", "capture_id"),
    }
    column_searchable_list = ("psp_payment_id", "invoice.number", "capture.user.email")
    search_hint = N_("Provider's payment, invoice number or email")
    column_filters = (
        Choice("outcome", N_("Outcome"), PaymentAttempt.outcome, AttemptOutcome),
        Reference("invoice", N_("Invoice"), "invoices", lambda k: PaymentAttempt.invoice_id == k),
        Reference(
            "checkout", N_("Checkout"), "checkouts", lambda k: PaymentAttempt.capture_id == k
        ),
        *between("started", PaymentAttempt.started_at, N_("Started"), made=PaymentAttempt.id),
    )
    empty = N_("Every charge asked of the provider stands here, written before it is sent.")


class CheckoutView(AdminView):
    table, slug, title = CaptureEndpoint, "checkouts", N_("Checkouts")
    permissions = {"read": P.PAYMENTS_READ, "evidence": P.CUSTOMERS_AMOUNTS}
    verbs = {**AdminView.verbs, "evidence_view": "evidence"}
    amounts = P.CUSTOMERS_AMOUNTS
    column_list = (
        "created_at",
        "user.email",
        "purpose",
        "button.button_key",
        "status",
        "amount",
        "last_decline_code",
        "completed_at",
    )
    column_details_list = (
        "created_at",
        "user.email",
        "purpose",
        "button.button_key",
        "status",
        "amount",
        "try_no",
        "brand",
        "last4",
        "last_decline_code",
        "affiliate_click_id",
        "consent_text",
        "consented_at",
        "consent_ip",
        "user_agent",
        "expires_at",
        "completed_at",
        "quote",
    )
    formats = {
        "amount": Money(),
        "user.email": Linked("users", "user_id"),
        "button.button_key": Linked("buttons", "button_id"),
    }
    column_searchable_list = ("user.email", "button.button_key")
    search_hint = N_("Email or button key")
    column_filters = (
        Choice("status", N_("Status"), CaptureEndpoint.status, CaptureStatus),
        Reference("button", N_("Button"), "buttons", lambda k: CaptureEndpoint.button_id == k),
        Reference(
            "product",
            N_("Product"),
            "products",
            lambda k: CaptureEndpoint.plan_id.in_(select(Plan.id).where(Plan.product_id == k)),
        ),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: CaptureEndpoint.plan_id.in_(plans_in(k)),
        ),
        *between("created", CaptureEndpoint.created_at, N_("Begun"), made=CaptureEndpoint.id),
    )
    related = (Related("attempts", "checkout", N_("Payments")),)
    empty = N_("A checkout begins when somebody presses a payment button.")

    def panels(self, session: Session, row: Row) -> list[Panel]:
        if not self.allows("evidence"):
            return []
        link = download(
            N_("Save the order's evidence (ZIP)"),
            self.address_of("evidence_view", id=str(row["id"])),
        )
        return [Panel(N_("Evidence"), [N_("File")], [[link]])]

    @expose("/evidence/")
    def evidence_view(self) -> ResponseReturnValue:
        """All that proves one order, as one file."""
        key = self.key_of(request.args.get("id", ""))
        self.record(key)
        try:
            made = evidence_file(reading(), key)
        except DomainError as refusal:
            return in_words(refusal), refusal.status, {"Content-Type": "text/plain; charset=utf-8"}
        return file_of(made, f"order-{key}.zip", "application/zip")


class ProviderEventView(AdminView):
    table, slug, title = ProviderEvent, "provider-events", N_("Provider's words")
    permissions = {"read": P.PAYMENTS_READ}
    intro = N_("Every callback and webhook, kept before it was acted upon. What is open needs you.")
    column_list = ("received_at", "source", "kind", "external_id", "outcome", "reason", "repeats")
    column_details_list = (*column_list, "handled_at", "body")
    formats = {"outcome": Badge(EventOutcome)}
    column_searchable_list = ("external_id", "kind")
    search_hint = N_("Provider's key or kind")
    column_filters = (
        OneOf(
            "open",
            N_("To explain"),
            {
                "yes": (N_("Only what is open"), ProviderEvent.outcome == EventOutcome.OPEN),
                "no": (N_("Only what is settled"), ProviderEvent.outcome != EventOutcome.OPEN),
            },
        ),
        Choice("outcome", N_("Outcome"), ProviderEvent.outcome, EventOutcome),
        Is("source", N_("Source"), ProviderEvent.source),
        *between("received", ProviderEvent.received_at, N_("Received"), made=ProviderEvent.id),
    )
    empty = N_("Nothing has come from the vault or the payment provider yet.")
