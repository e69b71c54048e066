"""Affiliation's views: programs, clicks and attributions."""

from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, OneOf, Reference, between
from admin_views.formats import Code, Format, Linked, Told, euros, percent
from admin_views.forms import RateField
from admin_views.listing import Lookup, Row
from admin_views.selections import products_of
from models.accounts import Platform, User
from models.accounts.permissions import Permission as P
from models.affiliation import (
    AffiliateProfile,
    AffiliateProgram,
    Attribution,
    RateType,
    TrackingEvent,
)
from models.affiliation.edit_program import create_program, edit_program
from models.catalog import Product
from models.errors import N_
from models.oversight import Actor


def rate_words(value: Any, row: Row) -> str:
    """A rate as it is meant: points of percent, or an amount."""
    kind = row["rate_type"] if "rate_type" in row.places else row["default_rate_type"]
    if kind is RateType.FIXED:
        return euros(int(value))
    return percent(value)


RATE: Format = Told(rate_words)


def in_cents(values: dict[str, Any]) -> dict[str, Any]:
    """A program's values as its rule takes them: a fixed amount typed in euros is cents there."""
    rate = values.get("default_rate")
    if values.get("default_rate_type") is RateType.FIXED and rate is not None:
        return {**values, "default_rate": rate.scaleb(2)}
    return values


class ProgramView(AdminView):
    table, slug, title = AffiliateProgram, "programs", N_("Programs")
    permissions = {
        "read": P.PROGRAMS_READ,
        "create": P.PROGRAMS_CREATE,
        "edit": P.PROGRAMS_EDIT,
    }
    column_list = (
        "product.name",
        "default_rate",
        "default_rate_type",
        "cookie_duration_days",
        "include_renewals",
        "is_active",
    )
    column_details_list = (*column_list, "created_at", "updated_at")
    column_labels = {"is_active": N_("Earning")}
    formats = {"default_rate": RATE, "product.name": Linked("programs", "id")}
    column_searchable_list = ("product.name", "product.slug")
    search_hint = N_("Product")
    column_filters = (
        Reference("product", N_("Product"), "products", lambda k: AffiliateProgram.product_id == k),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: AffiliateProgram.product_id.in_(products_of(k)),
        ),
        Flag("active", N_("Earning"), AffiliateProgram.is_active),
    )
    form_columns = (
        "product",
        "is_active",
        "default_rate_type",
        "default_rate",
        "cookie_duration_days",
        "include_renewals",
    )
    form_ajax_refs = {"product": {"fields": ("name", "slug")}}
    form_overrides = {"default_rate": RateField}
    column_descriptions = {
        "default_rate": N_(
            "30 or 12,5 for a percentage; an amount in euros such as 15,00 where it is fixed."
        ),
        "cookie_duration_days": N_("How long a visit by an affiliate's link counts."),
        "include_renewals": N_("Every renewal earns the affiliate again."),
    }
    empty = N_("A product earns affiliates something once it has a program.")

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        values = in_cents(values)
        return create_program(session, values.pop("product_id"), actor=actor, **values)

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        return edit_program(session, key, in_cents(values), actor=actor)

    def edit_form(self, obj: Any = None) -> Any:
        """A fixed amount is kept in cents and typed in euros."""
        form = super().edit_form(obj)
        if obj is not None and request.method == "GET" and obj.default_rate_type is RateType.FIXED:
            form.default_rate.data = obj.default_rate.scaleb(-2)
        return form

    def locked_fields(self, model: Any) -> dict[str, str]:
        return {"product": N_("A program stays with its product.")}


class ClickView(AdminView):
    table, slug, title = TrackingEvent, "clicks", N_("Clicks")
    permissions = {"read": P.CLICKS_READ}
    lookups = {"affiliate": Lookup(AffiliateProfile, "affiliate_id", "user_id")}
    column_list = (
        "created_at",
        "affiliate.affiliate_slug",
        "platform",
        "landing_path",
        "campaign",
        "source",
        "expires_at",
    )
    column_details_list = (
        *column_list,
        "click_id",
        "medium",
        "utm",
        "referrer",
        "ip",
        "user_agent",
        "country",
    )
    formats = {"affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code())}
    column_searchable_list = ("affiliate.affiliate_slug",)
    search_hint = N_("Click, or the affiliate's slug")
    column_filters = (
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: TrackingEvent.affiliate_id == k
        ),
        Choice("platform", N_("Platform"), TrackingEvent.platform, Platform),
        *between("clicked", TrackingEvent.created_at, N_("Clicked"), made=TrackingEvent.id),
    )
    empty = N_("A click is a visit through an affiliate's link, such as /?ref=slug.")

    def search_also(self, term: str) -> list[Any]:
        return [select(TrackingEvent.id).where(TrackingEvent.click_id == term)]


class AttributionView(AdminView):
    table, slug, title = Attribution, "attributions", N_("Attributions")
    permissions = {"read": P.ATTRIBUTIONS_READ}
    lookups = {
        "affiliate": Lookup(AffiliateProfile, "affiliate_id", "user_id"),
        "user": Lookup(User, "user_id"),
        "product": Lookup(Product, "product_id"),
    }
    column_list = (
        "bound_at",
        "user.email",
        "product.name",
        "affiliate.affiliate_slug",
        "self_referral",
        "is_free_product_attribution",
        "replaced_at",
    )
    column_details_list = (
        *column_list,
        "attribution_model",
        "self_referral_evidence",
        "expires_at",
        "tracking_event_id",
    )
    column_labels = {"user.email": N_("Client"), "tracking_event_id": N_("Click")}
    formats = {
        "user.email": Linked("customers", "customer_id"),
        "product.name": Linked("products", "product_id"),
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
        "tracking_event_id": Linked("clicks", "tracking_event_id", Code()),
    }
    column_searchable_list = ("user.email", "affiliate.affiliate_slug")
    search_hint = N_("Client's email or affiliate's slug")
    column_filters = (
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: Attribution.affiliate_id == k
        ),
        Reference("product", N_("Product"), "products", lambda k: Attribution.product_id == k),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: Attribution.product_id.in_(products_of(k)),
        ),
        Reference("customer", N_("Customer"), "customers", lambda k: Attribution.customer_id == k),
        OneOf(
            "standing",
            N_("Standing"),
            {
                "yes": (N_("Standing"), Attribution.replaced_at.is_(None)),
                "no": (N_("Replaced"), Attribution.replaced_at.is_not(None)),
            },
        ),
        Flag("own", N_("Own purchase"), Attribution.self_referral),
        *between("bound", Attribution.bound_at, N_("Bound"), made=Attribution.id),
    )
    empty = N_("An attribution says whose visitor a buyer was; a sale after a click makes one.")
