"""Plans: the prices of products. What was sold keeps its terms; a copy can have others."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.catalog import CATALOG, OWN_PRICE, SLUG
from admin_views.filters import Choice, Flag, OneOf, Reference
from admin_views.formats import Badge, Count, DayOf, Linked, Percent, euros, whole
from admin_views.forms import ConsoleForm, EurosField, RateField
from admin_views.records import Panel, Related
from admin_views.selections import products_of
from admin_views.sellable import LeadsToSellable
from admin_views.switching import on_and_off, still_running_on
from models.accounts.permissions import Permission as P
from models.billing import RUNNING, Customer
from models.billing.mrr import mrr_of
from models.catalog import BillingInterval, Plan
from models.catalog.edit_plan import (
    FIXED_ONCE_SOLD,
    create_plan,
    delete_plan,
    duplicate_plan,
    edit_plan,
)
from models.errors import N_
from models.oversight import Actor
from models.settings import current_settings

MANY = 1_000
USUAL_PERCENT = Decimal(30)


class DuplicateForm(ConsoleForm):
    """What a copy of a plan is called, and its new price."""

    slug = StringField(N_("Slug of the new plan"), [DataRequired(), Length(max=64)])
    name = StringField(N_("Name of the new plan"), [DataRequired(), Length(max=200)])
    price_amount = EurosField(N_("Its price"), [DataRequired()])


def _duplicate(session: Session, key: UUID, data: dict[str, Any], *, actor: Actor, **_: Any) -> Any:
    return duplicate_plan(session, key, actor=actor, **data)


def running_on(of: Any) -> Any:
    """How many purchases in force a plan has, as a column that stops counting at ``MANY``."""
    some = (
        select(Customer.id)
        .where(Customer.current_plan_id == of.id, Customer.status.in_(RUNNING))
        .limit(MANY)
        .correlate(of)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()


class PlanView(LeadsToSellable, AdminView):
    table, slug, title = Plan, "plans", N_("Plans")
    permissions = CATALOG
    column_list = (
        "name",
        "product.name",
        "price_amount",
        "billing_interval",
        "trial_days",
        "commission_percent",
        "subscribers",
        "is_active",
        "created_at",
    )
    column_details_list = (
        "name",
        "product.name",
        "slug",
        "description",
        "price_amount",
        "billing_interval",
        "trial_days",
        "trial_amount",
        "setup_fee",
        "max_billing_cycles",
        "commission_percent",
        "subscribers",
        "is_active",
        "is_featured",
        "sold_at",
        "created_at",
        "updated_at",
    )
    computed = {"subscribers": running_on}
    formats = {
        "product.name": Linked("products", "product_id"),
        "price_amount": OWN_PRICE,
        "trial_amount": OWN_PRICE,
        "setup_fee": OWN_PRICE,
        "commission_percent": Percent(),
        "billing_interval": Badge(BillingInterval),
        "subscribers": Count(at_most=MANY),
        "created_at": DayOf(),
    }
    column_searchable_list = ("name", "slug", "product.name")
    search_hint = N_("Name, slug or product")
    column_sortable_list = ("name", "price_amount", ("created_at", "id"))
    column_filters = (
        Reference("product", N_("Product"), "products", lambda key: Plan.product_id == key),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda key: Plan.product_id.in_(products_of(key)),
        ),
        Choice("interval", N_("Billed"), Plan.billing_interval, BillingInterval),
        Flag("on_sale", N_("On sale"), Plan.is_active),
        OneOf(
            "sold",
            N_("Sold"),
            {
                "yes": (N_("Sold at least once"), Plan.sold_at.is_not(None)),
                "no": (N_("Never sold"), Plan.sold_at.is_(None)),
            },
        ),
    )
    form_columns = (
        "product",
        "name",
        "slug",
        "description",
        "price_amount",
        "billing_interval",
        "trial_days",
        "trial_amount",
        "setup_fee",
        "max_billing_cycles",
        "commission_percent",
        "is_featured",
    )
    form_ajax_refs = {"product": {"fields": ("name", "slug")}}
    form_overrides = {
        "price_amount": EurosField,
        "trial_amount": EurosField,
        "setup_fee": EurosField,
        "commission_percent": RateField,
    }
    form_args = {"commission_percent": {"default": USUAL_PERCENT}}
    column_descriptions = {
        "product": N_("Type the beginning of its name."),
        "slug": SLUG,
        "price_amount": N_("In euros, including tax: 49 or 49,90."),
        "trial_days": N_("Empty: no trial."),
        "trial_amount": N_("In euros, including tax; 0 for a free trial."),
        "setup_fee": N_("In euros, including tax, once with the first payment."),
        "commission_percent": N_("In percent. Empty: the program's rate."),
        "max_billing_cycles": N_("Empty: no limit."),
    }
    long_texts = frozenset({"description"})
    related = (
        Related("buttons", "plan", N_("Payment buttons")),
        Related("customers", "plan", N_("Subscribers")),
    )
    acts = (
        Act(
            "duplicate",
            N_("Duplicate as a new plan"),
            P.CATALOG_CREATE,
            _duplicate,
            N_("The new plan is made."),
            DuplicateForm,
            N_("A sold plan keeps its price for those who bought it. The copy can cost anything."),
            leads_to="plans",
            filled=lambda row: {
                "slug": f"{row['slug'][:62]}-2",
                "name": row["name"],
                "price_amount": row["price_amount"],
            },
        ),
        *on_and_off(
            P.CATALOG_EDIT,
            edit_plan,
            still_running_on,
            stop=(N_("Stop selling"), N_("This plan is no longer sold.")),
            resume=(N_("Sell again"), N_("This plan is on sale.")),
        ),
    )
    empty = N_("Plans are the prices of products: an amount, an interval, perhaps a trial.")
    empty_how = N_("Make a product first, then its plan, then a payment button.")

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        return create_plan(session, actor=actor, **_zeroed(values))

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        return edit_plan(session, key, _zeroed(values), actor=actor)

    def delete_rule(self, session: Session, key: UUID, actor: Actor) -> Any:
        return delete_plan(session, key, actor=actor)

    def panels(self, session: Session, row: Any) -> list[Panel]:
        """What the plan brings in per month, for those who see finance figures."""
        if not self.console.may(P.FINANCE_FIGURES):
            return []
        mrr = mrr_of(session, row["id"], vat_rate=current_settings().vat_rate)
        if mrr is None:
            return []
        panel = Panel(N_("Recurring revenue"), [], [], template="admin_views/mrr.html")
        panel.data = {"monthly": euros(mrr.monthly), "subscriptions": whole(mrr.subscriptions)}
        return [panel]

    def why_kept(self, row: Any) -> str:
        return N_("It was sold, so it stays: stop selling it instead.") if row["sold_at"] else ""

    def locked_fields(self, model: Any) -> dict[str, str]:
        locked = {"product": N_("A plan stays with its product.")}
        if model.sold_at:
            why = N_("Sold: this stays as it is. Duplicate the plan to sell at other terms.")
            locked.update({name: why for name in self.form_columns if name in FIXED_ONCE_SOLD})
        return locked


def _zeroed(values: dict[str, Any]) -> dict[str, Any]:
    """An amount left empty is no amount."""
    amounts = {"trial_amount", "setup_fee", "price_amount"}
    return {k: (0 if v is None and k in amounts else v) for k, v in values.items()}
