"""The catalogue's views: communities, products, plans and what a product opens."""

from typing import Any
from uuid import UUID

from flask_admin.model.fields import AjaxSelectField
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms.validators import DataRequired

from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Reference
from admin_views.formats import Code, Count, Linked, Money
from admin_views.forms import ReferenceLoader, ReferenceWidget
from admin_views.listing import Row
from admin_views.reading import ReadingSession
from admin_views.records import Related
from admin_views.selections import products_of
from admin_views.sellable import LeadsToSellable
from admin_views.switching import on_and_off, still_running_in, still_running_of
from models.accounts import Platform
from models.accounts.permissions import Permission as P
from models.catalog import AccessType, Community, Plan, Product, ProductAccess
from models.catalog.edit_access import close_access, open_access
from models.catalog.edit_community import create_community, delete_community, edit_community
from models.catalog.edit_product import create_product, delete_product, edit_product
from models.errors import N_
from models.oversight import Actor

CATALOG = {
    "read": P.CATALOG_READ,
    "create": P.CATALOG_CREATE,
    "edit": P.CATALOG_EDIT,
    "delete": P.CATALOG_DELETE,
}
SLUG = N_("Lower-case letters, digits and hyphens: it stands in addresses.")
OPENED = ReferenceLoader("target", ReadingSession(), Community, fields=("name", "slug"))
"""Finds what buying a product can open."""

OWN_PRICE = Money(secret=False)
"""Catalogue prices are public; they are no finance figure."""


class CommunityView(AdminView):
    table, slug, title = Community, "communities", N_("Communities")
    permissions = {
        "read": P.COMMUNITIES_READ,
        "create": P.COMMUNITIES_CREATE,
        "edit": P.COMMUNITIES_EDIT,
        "delete": P.COMMUNITIES_DELETE,
    }
    column_list = ("name", "platform", "slug", "domain", "products", "is_active", "created_at")
    column_details_list = (
        "name",
        "platform",
        "slug",
        "domain",
        "supplier_name",
        "supplier_id",
        "landing_page_url",
        "owner_notes",
        "settings",
        "is_active",
        "created_at",
        "updated_at",
    )
    column_labels = {"is_active": N_("Open")}
    computed = {
        "products": lambda of: (
            select(func.count())
            .select_from(Product)
            .where(Product.community_id == of.id)
            .scalar_subquery()
        )
    }
    formats = {"products": Count(), "domain": Code()}
    column_searchable_list = ("name", "slug", "domain", "supplier_name")
    search_hint = N_("Name, slug, domain or supplier")
    column_sortable_list = ("name", "slug", ("created_at", "id"))
    column_filters = (
        Choice("platform", N_("Platform"), Community.platform, Platform),
        Flag("open", N_("Open"), Community.is_active),
    )
    form_columns = (
        "platform",
        "name",
        "slug",
        "domain",
        "supplier_id",
        "supplier_name",
        "landing_page_url",
        "owner_notes",
    )
    column_descriptions = {
        "platform": N_("WEOKTO: a guild of affiliates. STAM: a community of clients."),
        "slug": SLUG,
        "domain": N_("Optional: a domain of its own, without https://."),
        "supplier_name": N_("Optional: who provides what is sold here."),
        "landing_page_url": N_("Optional: an https address."),
        "owner_notes": N_("For staff only."),
    }
    long_texts = frozenset({"owner_notes"})
    related = (Related("products", "community", N_("Products")),)
    acts = on_and_off(
        P.COMMUNITIES_EDIT,
        edit_community,
        still_running_in,
        stop=(N_("Close this community"), N_("This community is closed.")),
        resume=(N_("Open it again"), N_("This community is open.")),
        explains=N_("Nothing of it is sold any more; subscriptions go on as they are."),
    )
    empty = N_("Communities are what products, members and courses hang off.")
    empty_how = N_("Make one, then give it a product.")

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        return create_community(session, actor=actor, **values)

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        return edit_community(session, key, values, actor=actor)

    def delete_rule(self, session: Session, key: UUID, actor: Actor) -> Any:
        return delete_community(session, key, actor=actor)

    def why_kept(self, row: Row) -> str:
        return N_("It has products, so it stays: close it instead.") if row["products"] else ""

    def locked_fields(self, model: Any) -> dict[str, str]:
        return {"platform": N_("The platform of a community never changes.")}


class ProductView(LeadsToSellable, AdminView):
    table, slug, title = Product, "products", N_("Products")
    permissions = CATALOG
    column_list = (
        "name",
        "community.name",
        "community.platform",
        "slug",
        "plans",
        "is_active",
        "is_published",
        "created_at",
    )
    column_details_list = (
        "name",
        "community.name",
        "community.platform",
        "slug",
        "short_description",
        "is_free",
        "requires_trial",
        "is_active",
        "is_published",
        "published_at",
        "created_at",
        "updated_at",
    )
    computed = {
        "plans": lambda of: (
            select(func.count()).select_from(Plan).where(Plan.product_id == of.id).scalar_subquery()
        )
    }
    formats = {"plans": Count(), "community.name": Linked("communities", "community_id")}
    column_searchable_list = ("name", "slug", "community.name")
    search_hint = N_("Name, slug or community")
    column_sortable_list = ("name", "slug", ("created_at", "id"))
    column_editable_list = ("short_description", "is_published")
    column_filters = (
        Reference("community", N_("Community"), "communities", lambda k: Product.community_id == k),
        Flag("on_sale", N_("On sale"), Product.is_active),
        Flag("published", N_("Published"), Product.is_published),
        Flag("free", N_("Free"), Product.is_free),
    )
    form_columns = (
        "community",
        "name",
        "slug",
        "short_description",
        "is_free",
        "requires_trial",
        "is_published",
    )
    form_ajax_refs = {"community": {"fields": ("name", "slug")}}
    column_descriptions = {
        "community": N_("Type the beginning of its name."),
        "slug": SLUG,
        "is_free": N_("Nobody pays for it; it can still bring buyers of other products."),
        "requires_trial": N_("Every plan of it begins with a trial."),
        "is_published": N_("Until then visitors neither see it nor its buttons."),
    }
    long_texts = frozenset({"short_description"})
    related = (
        Related("plans", "product", N_("Plans")),
        Related("buttons", "product", N_("Payment buttons")),
        Related("access", "product", N_("What buying it opens")),
        Related("programs", "product", N_("Affiliate program")),
        Related("customers", "product", N_("Customers")),
    )
    acts = on_and_off(
        P.CATALOG_EDIT,
        edit_product,
        still_running_of,
        stop=(N_("Stop selling"), N_("This product is no longer sold.")),
        resume=(N_("Sell again"), N_("This product can be sold again.")),
    )
    empty = N_("Products are what is sold in a community, at the prices of their plans.")
    empty_how = N_("Make one, give it a plan, then a payment button to paste into a page.")

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        return create_product(session, actor=actor, **values)

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        return edit_product(session, key, values, actor=actor)

    def delete_rule(self, session: Session, key: UUID, actor: Actor) -> Any:
        return delete_product(session, key, actor=actor)

    def why_kept(self, row: Row) -> str:
        return N_("It has plans, so it stays: take it off sale instead.") if row["plans"] else ""

    def locked_fields(self, model: Any) -> dict[str, str]:
        return {"community": N_("A product stays in its community.")}


class AccessView(AdminView):
    table, slug, title = ProductAccess, "access", N_("Access")
    permissions = {"read": P.CATALOG_READ, "create": P.CATALOG_CREATE, "delete": P.CATALOG_EDIT}
    column_list = ("name", "product.name", "access_type", "created_at")
    column_details_list = ("name", "product.name", "access_type", "target_id", "description")
    formats = {"product.name": Linked("products", "product_id")}
    column_searchable_list = ("name", "product.name")
    search_hint = N_("Name or product")
    column_filters = (
        Reference("product", N_("Product"), "products", lambda k: ProductAccess.product_id == k),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: ProductAccess.product_id.in_(products_of(k)),
        ),
        Choice("type", N_("Opens"), ProductAccess.access_type, AccessType),
    )
    form_columns = ("product", "target", "name", "description")
    form_ajax_refs = {"product": {"fields": ("name", "slug")}}
    form_extra_fields = {
        "target": AjaxSelectField(
            OPENED,
            N_("What it opens"),
            [DataRequired()],
            widget=ReferenceWidget(),
            description=N_("Type the beginning of the community's name."),
        )
    }
    column_descriptions = {
        "product": N_("Type the beginning of its name."),
        "name": N_("Empty: the name of what it opens."),
    }
    empty = N_("What buying a product opens. A new product opens its community by itself.")
    empty_how = N_("Make a product, and its access stands here.")

    def _process_ajax_references(self) -> dict[str, Any]:
        return {**super()._process_ajax_references(), OPENED.name: OPENED}

    def detail(self, name: str, row: Row) -> Markup | str:
        """What it opens by its name, where there is a page of it."""
        link = None
        if name == "target_id" and row["access_type"] is AccessType.COMMUNITY:
            link = self.find("community_id", str(row["target_id"]))
        return link or super().detail(name, row)

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        return open_access(
            session,
            values["product_id"],
            access_type=AccessType.COMMUNITY,
            target_id=values["target_id"],
            actor=actor,
            name=values["name"] or "",
            description=values["description"] or "",
        )

    def delete_rule(self, session: Session, key: UUID, actor: Actor) -> Any:
        return close_access(session, key, actor=actor)
