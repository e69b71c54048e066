"""The refunds' views: what waits for a decision, what the provider does not take, credit notes."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import Integer, and_, literal_column
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.documents import DocumentMixin
from admin_views.filters import Choice, OneOf, Reference, between
from admin_views.formats import NOTHING, Code, DayOf, Format, Linked, Money, OneLine, Percent, Told
from admin_views.listing import Lookup, Row
from admin_views.records import Panel, Related
from admin_views.refund_acts import APPROVE, BY_HAND, REJECT, RETRY
from admin_views.selections import bought, bought_in, earned_by
from models.accounts import User
from models.accounts.permissions import Permission as P
from models.affiliation import Commission
from models.billing import CreditNote, Refund, RefundStatus
from models.billing.invoice_pdf import credit_note_pdf
from models.billing.refund import QUEUE_ORDER
from models.errors import N_

FAILING = and_(Refund.status == RefundStatus.APPROVED, Refund.last_error.is_not(None))


class Trouble(Format):
    """What the provider said last, in red: it stands only while the refund is not given back."""

    def html(self, value: Any, row: Any) -> Markup | str:
        return Markup('<span class="badge bad">{}</span>').format(value) if value else NOTHING


class RefundView(AdminView):
    table, slug, title = Refund, "refunds", N_("Refunds")
    permissions = {"read": P.REFUNDS_READ}
    amounts = P.CUSTOMERS_AMOUNTS
    intro = N_("What waits for your decision comes first, then what is being sent.")
    computed = {
        "queue": lambda of: literal_column(QUEUE_ORDER.replace("status", "refunds.status"), Integer)
    }
    column_default_sort = ("queue", True)
    lookups = {
        "commission": Lookup(Commission, "invoice_id", "invoice_id"),
        "requester": Lookup(User, "requested_by"),
    }
    column_list = (
        "requested_at",
        "status",
        "last_error",
        "customer.user.email",
        "customer.product.name",
        "invoice.number",
        "amount",
        "commission.affiliate.affiliate_slug",
        "commission.total_amount",
    )
    column_details_list = (
        "status",
        "customer.user.email",
        "customer.product.name",
        "invoice.number",
        "invoice.amount_including_tax",
        "invoice.paid_at",
        "amount",
        "reason",
        "requester.email",
        "requested_at",
        "approved_at",
        "rejected_at",
        "rejection_reason",
        "processed_at",
        "commission.affiliate.affiliate_slug",
        "commission.total_amount",
        "commission.clawed_back_amount",
        "psp_refund_id",
        "last_error",
        "tries",
        "refusals",
        "sent_at",
        "next_try_at",
        "extra",
    )
    column_labels = {
        "customer.product.name": N_("Product"),
        "invoice.amount_including_tax": N_("Amount paid"),
        "commission.total_amount": N_("Commission"),
        "last_error": N_("The provider's trouble"),
        "requester.email": N_("Asked by"),
        "extra": N_("Given back by hand"),
    }
    formats = {
        "requested_at": Linked("refunds", "id"),
        "customer.user.email": Linked("customers", "customer_id"),
        "customer.product.name": OneLine(),
        "invoice.number": Linked("invoices", "invoice_id", OneLine()),
        "amount": Money(),
        "invoice.amount_including_tax": Money(),
        "invoice.paid_at": DayOf(),
        "requester.email": Linked("users", "requested_by"),
        "commission.affiliate.affiliate_slug": Linked(
            "affiliates", "commission.affiliate_id", Code()
        ),
        "commission.total_amount": Money(),
        "commission.clawed_back_amount": Money(),
        "last_error": Trouble(),
        "extra": Told(lambda extra, row: str((extra or {}).get("by_hand", ""))),
    }
    column_searchable_list = ("invoice.number", "customer.user.email", "psp_refund_id")
    search_hint = N_("Client's email, invoice number or provider's refund")
    column_sortable_list = (("requested_at", "id"), "amount")
    column_filters = (
        Choice("status", N_("Status"), Refund.status, RefundStatus),
        OneOf(
            "failing",
            N_("Not taken by the provider"),
            {"yes": (N_("Only what fails"), FAILING)},
        ),
        Reference("product", N_("Product"), "products", lambda k: bought(Refund.customer_id, k)),
        Reference(
            "community", N_("Community"), "communities", lambda k: bought_in(Refund.customer_id, k)
        ),
        Reference("customer", N_("Customer"), "customers", lambda k: Refund.customer_id == k),
        Reference("invoice", N_("Invoice"), "invoices", lambda k: Refund.invoice_id == k),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: earned_by(Refund.invoice_id, k)
        ),
        *between("requested", Refund.requested_at, N_("Asked"), made=Refund.id),
        *between("processed", Refund.processed_at, N_("Given back on")),
    )
    related = (Related("credit-notes", "refund", N_("Credit note")),)
    acts = (APPROVE, REJECT, RETRY, BY_HAND)
    empty = N_("Clients ask from their settings; you give back from an invoice's page.")


def corrected(mentions: dict[str, Any] | None, row: Row) -> str:
    """Which invoice a credit note says that it corrects."""
    return str((mentions or {}).get("invoice") or "")


class CreditNoteView(DocumentMixin, AdminView):
    table, slug, title = CreditNote, "credit-notes", N_("Credit notes")
    permissions = {"read": P.INVOICES_READ}
    verbs = {**AdminView.verbs, "document_view": "read"}
    amounts = P.CUSTOMERS_AMOUNTS
    document = staticmethod(credit_note_pdf)
    column_list = (
        "number",
        "customer.user.email",
        "customer.product.name",
        "invoice.number",
        "amount_including_tax",
        "issued_at",
    )
    column_details_list = (
        "number",
        "customer.user.email",
        "customer.product.name",
        "invoice.number",
        "amount_excluding_tax",
        "tax_rate",
        "tax_amount",
        "amount_including_tax",
        "issued_at",
        "mentions",
    )
    column_labels = {"customer.product.name": N_("Product"), "mentions": N_("Corrects invoice")}
    formats = {
        "number": OneLine(),
        "customer.user.email": Linked("customers", "customer_id"),
        "invoice.number": Linked("invoices", "invoice_id", OneLine()),
        "amount_excluding_tax": Money(),
        "tax_amount": Money(),
        "amount_including_tax": Money(),
        "tax_rate": Percent(fraction=True),
        "issued_at": DayOf(),
        "mentions": Told(corrected),
    }
    column_searchable_list = ("number", "invoice.number", "customer.user.email")
    search_hint = N_("Number, invoice number or client's email")
    column_sortable_list = (("issued_at", "id"), "amount_including_tax")
    column_filters = (
        Reference(
            "product", N_("Product"), "products", lambda k: bought(CreditNote.customer_id, k)
        ),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: bought_in(CreditNote.customer_id, k),
        ),
        Reference(
            "affiliate",
            N_("Affiliate"),
            "affiliates",
            lambda k: earned_by(CreditNote.invoice_id, k),
        ),
        Reference("customer", N_("Customer"), "customers", lambda k: CreditNote.customer_id == k),
        Reference("invoice", N_("Invoice"), "invoices", lambda k: CreditNote.invoice_id == k),
        Reference("refund", N_("Refund"), "refunds", lambda k: CreditNote.refund_id == k),
        *between("issued", CreditNote.issued_at, N_("Issued"), made=CreditNote.id),
    )
    empty = N_("A credit note is issued for each refund once the money has gone back.")

    def panels(self, session: Session, row: Row) -> list[Panel]:
        return [self.document_panel(row["id"])]
