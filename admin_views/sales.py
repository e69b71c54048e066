"""The sales' views: customers with their story, invoices, payments, checkouts, provider's words."""

from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.customer_acts import CUSTOMER_ACTS
from admin_views.documents import DocumentMixin
from admin_views.filters import Choice, Flag, Reference, between
from admin_views.formats import DayOf, Linked, Money, OneLine, Percent, Told, euros
from admin_views.guard import translated
from admin_views.listing import Lookup, Row
from admin_views.records import Panel, Related
from admin_views.refund_acts import GIVE_BACK
from admin_views.selections import bought, bought_in, brought_by, earned_by, products_of
from admin_views.subscriptions import NoticeMissed, Terms, notices_of
from admin_views.timeline import customer_timeline
from models.accounts.permissions import Permission as P
from models.affiliation.no_commission import WORDS as NO_COMMISSION
from models.billing import (
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    PaymentMethod,
)
from models.billing.invoice_pdf import invoice_pdf
from models.catalog import Plan
from models.errors import N_


def mentions_told(mentions: dict[str, Any] | None, row: Row) -> str:
    """What an invoice says of its seller and its buyer, as on the day it was issued."""
    if not mentions:
        return ""
    seller, buyer = mentions.get("seller", {}), mentions.get("buyer", {})
    siren, vat = seller.get("siren"), str(mentions.get("vat", ""))
    sold_by = [seller.get("name"), seller.get("address"), f"SIREN {siren}" if siren else ""]
    sold_by += [seller.get("vat_number"), seller.get("email")]
    parts = [
        gettext("Sold by %(who)s", who=", ".join(filter(None, sold_by))),
        gettext("to %(who)s", who=", ".join(filter(None, (buyer.get("name"), buyer.get("email"))))),
        "" if vat[:1].isdigit() else vat,
    ]
    return " · ".join(filter(None, parts))


def why_no_commission(reason: str | None, row: Row) -> str:
    """Why nobody earned on an invoice, in words; nothing where somebody did."""
    known = {each.value: words for each, words in NO_COMMISSION.items()}
    return gettext(known.get(reason, reason)) if reason else ""


class CustomerView(AdminView):
    table, slug, title = Customer, "customers", N_("Customers")
    permissions = {"read": P.CUSTOMERS_READ}
    amounts = P.CUSTOMERS_AMOUNTS
    column_list = (
        "user.email",
        "product.name",
        "current_plan.name",
        "status",
        "subscription_ends_at",
        "next_charge_at",
        "created_at",
    )
    column_details_list = (
        "user.email",
        "user.display_name",
        "product.name",
        "current_plan.name",
        "terms",
        "status",
        "trial_ends_at",
        "billing_anchor_at",
        "subscription_ends_at",
        "next_charge_at",
        "billing_cycles_done",
        "cancel_at_period_end",
        "cancelled_at",
        "next_plan.name",
        "next_terms",
        "is_complimentary",
        "first_failed_at",
        "dunning_step",
        "access_paused_at",
        "card.brand",
        "card.last4",
        "created_at",
        "updated_at",
    )
    column_labels = {
        "user.email": N_("Client"),
        "card.brand": N_("Card"),
        "card.last4": N_("Card's last digits"),
        "next_plan.name": N_("Next plan"),
    }
    lookups = {
        "card": Lookup(PaymentMethod, "default_payment_method_id"),
        "next_plan": Lookup(Plan, "next_plan_id"),
    }
    formats = {
        "user.email": Linked("customers", "id"),
        "user.display_name": Linked("users", "user_id", empty=N_("No name yet")),
        "product.name": Linked("products", "product_id"),
        "current_plan.name": Linked("plans", "current_plan_id"),
        "next_plan.name": Linked("plans", "next_plan_id"),
        "terms": Terms(),
        "next_terms": Terms(),
        "subscription_ends_at": DayOf(),
        "next_charge_at": DayOf(),
    }
    column_searchable_list = ("user.email", "user.display_name")
    search_hint = N_("Email, name or the card's last four digits")
    column_sortable_list = (("created_at", "id"),)
    column_filters = (
        Choice("status", N_("Status"), Customer.status, CustomerStatus),
        Reference("product", N_("Product"), "products", lambda key: Customer.product_id == key),
        Reference("plan", N_("Plan"), "plans", lambda key: Customer.current_plan_id == key),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda key: Customer.product_id.in_(products_of(key)),
        ),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda key: brought_by(Customer.id, key)
        ),
        Reference("user", N_("Person"), "users", lambda key: Customer.user_id == key),
        Flag("given", N_("Given free"), Customer.is_complimentary),
        NoticeMissed("notice", N_("Annual notice")),
        *between("created", Customer.created_at, N_("Customer since"), made=Customer.id),
        *between("charge", Customer.next_charge_at, N_("Next charge")),
    )
    acts = CUSTOMER_ACTS
    related = (
        Related("invoices", "customer", N_("Invoices")),
        Related("refunds", "customer", N_("Refunds")),
        Related("commissions", "customer", N_("Commissions")),
        Related("attributions", "customer", N_("Attributions")),
    )
    empty = N_(
        "A customer is one person's purchase of one product; the first sale makes the first."
    )

    def search_also(self, term: str) -> list[Any]:
        if len(term) == 4 and term.isdigit():
            return [select(PaymentMethod.customer_id).where(PaymentMethod.last4 == term)]
        return []

    def panels(self, session: Session, row: Row) -> list[Panel]:
        money = self.console.may(P.CUSTOMERS_AMOUNTS)
        return [
            customer_timeline(session, row, self.addresses(), money=money),
            *notices_of(session, row),
        ]


class InvoiceView(DocumentMixin, AdminView):
    table, slug, title = Invoice, "invoices", N_("Invoices")
    permissions = {"read": P.INVOICES_READ}
    verbs = {**AdminView.verbs, "document_view": "read"}
    document = staticmethod(invoice_pdf)
    acts = (GIVE_BACK,)
    amounts = P.CUSTOMERS_AMOUNTS
    column_list = (
        "number",
        "customer.user.email",
        "plan.product.name",
        "kind",
        "status",
        "amount_including_tax",
        "paid_at",
        "created_at",
    )
    column_details_list = (
        "number",
        "status",
        "kind",
        "customer.user.email",
        "plan.product.name",
        "plan.name",
        "amount_excluding_tax",
        "tax_rate",
        "tax_amount",
        "amount_including_tax",
        "period_start",
        "period_end",
        "due_at",
        "paid_at",
        "voided_at",
        "no_commission_reason",
        "psp_payment_id",
        "psp_status",
        "mentions",
        "created_at",
    )
    column_labels = {"plan.product.name": N_("Product")}
    formats = {
        "number": OneLine(),
        "customer.user.email": Linked("customers", "customer_id"),
        "plan.name": Linked("plans", "plan_id"),
        "amount_excluding_tax": Money(),
        "tax_amount": Money(),
        "amount_including_tax": Money(),
        "tax_rate": Percent(fraction=True),
        "no_commission_reason": Told(why_no_commission),
        "mentions": Told(mentions_told),
        "paid_at": DayOf(),
        "created_at": DayOf(),
    }
    column_searchable_list = ("number", "customer.user.email", "customer.user.display_name")
    search_hint = N_("Number, client's email or name")
    column_sortable_list = (("created_at", "id"), "amount_including_tax")
    column_filters = (
        Choice("status", N_("Status"), Invoice.status, InvoiceStatus),
        Choice("kind", N_("Kind"), Invoice.kind, InvoiceKind),
        Reference("product", N_("Product"), "products", lambda k: bought(Invoice.customer_id, k)),
        Reference(
            "community", N_("Community"), "communities", lambda k: bought_in(Invoice.customer_id, k)
        ),
        Reference("affiliate", N_("Affiliate"), "affiliates", lambda k: earned_by(Invoice.id, k)),
        Reference("customer", N_("Customer"), "customers", lambda k: Invoice.customer_id == k),
        *between("paid", Invoice.paid_at, N_("Paid")),
        *between("created", Invoice.created_at, N_("Created"), made=Invoice.id),
    )
    related = (
        Related("attempts", "invoice", N_("Payments")),
        Related("commissions", "invoice", N_("Commission")),
        Related("refunds", "invoice", N_("Refunds")),
        Related("credit-notes", "invoice", N_("Credit notes")),
    )
    empty = N_("Invoices are made by purchases, and numbered once they are paid.")

    def heading(self, row: Row) -> str:
        return row["number"] or gettext("Invoice without a number")

    def panels(self, session: Session, row: Row) -> list[Panel]:
        lines = session.scalars(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id == row["id"])
            .order_by(InvoiceLine.position)
        )
        cells: list[list[Markup | str]] = [
            [
                escape(translated(each.label)),
                str(each.quantity),
                euros(each.unit_amount),
                euros(each.total),
            ]
            for each in lines
        ]
        heads = [N_("Line"), N_("Quantity"), N_("Unit price"), N_("Total")]
        issued = [self.document_panel(row["id"])] if row["number"] else []
        return [Panel(N_("Lines"), heads, cells), *issued]
