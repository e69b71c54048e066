"""Boost codes: made, changed, ended, and who uses them with what they added."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import request
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, SelectMultipleField
from wtforms.validators import Optional

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Reference, between
from admin_views.formats import Code, Count, Linked, Told, euros, percent
from admin_views.forms import ConsoleForm, RateField
from admin_views.listing import Lookup, Row
from admin_views.reading import reading
from admin_views.records import Panel, Related
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import (
    AffiliateProfile,
    BoostCode,
    BoostRedemption,
    BoostScope,
    BoostType,
    RedemptionStatus,
)
from models.affiliation.boost import boosted_so_far, products_of
from models.affiliation.edit_boost import create_boost, deactivate_boost, edit_boost
from models.catalog import Product
from models.errors import N_
from models.oversight import Actor


class EndForm(ConsoleForm):
    """Whether those who use it keep it."""

    end_uses = BooleanField(N_("Also end it for those who use it now"))


def end(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> BoostCode:
    return deactivate_boost(session, key, end_uses=data["end_uses"], **who)


DEACTIVATE = Act(
    "deactivate",
    N_("Deactivate"),
    P.BOOSTS_EDIT,
    end,
    N_("The code is deactivated."),
    EndForm,
    N_("Nobody can redeem it any more. Those who use it keep it until its end, unless you tick."),
    when=lambda row: row["is_active"],
    needs=("is_active",),
    previews=True,
)


def value_words(value: Decimal, row: Any) -> str:
    """What a code gives: points, or euros."""
    if row["boost_type"] is BoostType.FLAT_BONUS:
        return f"+ {euros(int(value))}"
    return f"+ {percent(value)}"


class BoostView(AdminView):
    table, slug, title = BoostCode, "boosts", N_("Boost codes")
    permissions = {"read": P.BOOSTS_READ, "create": P.BOOSTS_CREATE, "edit": P.BOOSTS_EDIT}
    column_list = (
        "code",
        "boost_type",
        "boost_value",
        "scope",
        "valid_from",
        "valid_until",
        "current_uses",
        "max_uses",
        "is_active",
    )
    column_details_list = (*column_list, "created_at", "updated_at")
    column_labels = {"is_active": N_("Can be redeemed")}
    formats = {
        "code": Code(),
        "boost_value": Told(value_words, needs=("boost_type",)),
        "current_uses": Count(),
        "max_uses": Count(),
    }
    column_searchable_list = ("code",)
    search_hint = N_("Code")
    column_filters = (
        Choice("type", N_("Kind"), BoostCode.boost_type, BoostType),
        Choice("scope", N_("For"), BoostCode.scope, BoostScope),
        Flag("active", N_("Can be redeemed"), BoostCode.is_active),
    )
    form_columns = (
        "code",
        "boost_type",
        "boost_value",
        "scope",
        "products",
        "begins_on",
        "ends_on",
        "max_uses",
    )
    form_overrides = {"boost_value": RateField}
    form_args = {"code": {"validators": [Optional()]}}
    form_extra_fields = {
        "products": SelectMultipleField(
            N_("Products"),
            choices=lambda: [
                (str(key), name)
                for key, name in reading().execute(
                    select(Product.id, Product.name).order_by(Product.name)
                )
            ],
        ),
        "begins_on": DateField(N_("Begins on"), [Optional()], description=N_("Empty: at once.")),
        "ends_on": DateField(
            N_("Last day"), [Optional()], description=N_("In Paris. Empty: it has no end.")
        ),
    }
    column_descriptions = {
        "code": N_("Empty: one like BOOST-XY7K9M is drawn."),
        "boost_value": N_("Points added to the rate, such as 5; or euros, such as 10,00."),
        "max_uses": N_("Empty: as often as one likes."),
    }
    acts = (DEACTIVATE,)
    related = (Related("boost-uses", "boost", N_("Uses")),)
    empty = N_("A boost code lets affiliates earn more for a while, once they redeem it.")

    def heading(self, row: Row) -> str:
        return gettext("Boost %(code)s", code=row["code"])

    def panels(self, session: Session, row: Row) -> list[Panel]:
        names = session.scalars(
            select(Product.name)
            .where(Product.id.in_(products_of(session, row["id"])))
            .order_by(Product.name)
        )
        products: list[list[Markup | str]] = [[name] for name in names]
        all_of_them = N_("It is for every product.")
        return [Panel(N_("Products"), [N_("Product")], products, all_of_them)]

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        values, products = typed(values)
        values["valid_from"] = values["valid_from"] or clock.now()
        return create_boost(session, product_ids=products, actor=actor, now=clock.now(), **values)

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        values, products = typed(values)
        boost = BoostCode.get(session, key)
        values["valid_from"] = values["valid_from"] or boost.valid_from
        for name in ("valid_from", "valid_until"):
            if same_day(values[name], getattr(boost, name)):
                values[name] = getattr(boost, name)
        values["code"] = values["code"] or boost.code
        return edit_boost(session, key, values, product_ids=products, actor=actor)

    def edit_form(self, obj: Any = None) -> Any:
        """Bonuses are kept in cents and typed in euros, ends are shown as the last day."""
        form = super().edit_form(obj)
        if obj is not None and request.method == "GET":
            if obj.boost_type is BoostType.FLAT_BONUS:
                form.boost_value.data = obj.boost_value.scaleb(-2)
            form.products.data = [str(key) for key in products_of(reading(), obj.id)]
            form.begins_on.data = clock.paris(obj.valid_from).date()
            form.ends_on.data = last_day(obj.valid_until)
        return form


def typed(values: dict[str, Any]) -> tuple[dict[str, Any], list[UUID]]:
    """What the form holds as the rule takes it: cents, instants, and the products apart."""
    values = dict(values)
    products = [UUID(key) for key in values.pop("products") or ()]
    begins_on, ends_on = values.pop("begins_on"), values.pop("ends_on")
    values["valid_from"] = midnight(begins_on) if begins_on else None
    values["valid_until"] = midnight(ends_on + timedelta(days=1)) if ends_on else None
    if values["boost_type"] is BoostType.FLAT_BONUS and values["boost_value"] is not None:
        values["boost_value"] = values["boost_value"].scaleb(2)
    values["boost_value"] = values["boost_value"] or Decimal(0)
    return values, products


def midnight(day: date) -> datetime:
    """When a day begins in Paris."""
    return datetime.combine(day, time(), tzinfo=clock.PARIS)


def last_day(until: datetime | None) -> date | None:
    """The last day in Paris before an end."""
    return (clock.paris(until) - timedelta(microseconds=1)).date() if until else None


def same_day(one: datetime | None, other: datetime | None) -> bool:
    """Whether two instants are shown as the same day, so that saving a form moves nothing."""
    return bool(one and other and clock.paris(one).date() == clock.paris(other).date())


class BoostUseView(AdminView):
    table, slug, title = BoostRedemption, "boost-uses", N_("Uses of boosts")
    permissions = {"read": P.BOOSTS_READ}
    lookups = {
        "affiliate": Lookup(AffiliateProfile, "affiliate_id", "user_id"),
        "boost": Lookup(BoostCode, "code_id"),
    }
    column_list = (
        "redeemed_at",
        "affiliate.affiliate_slug",
        "boost.code",
        "status",
        "expires_at",
        "ended_at",
    )
    column_details_list = column_list
    column_labels = {"boost.code": N_("Boost")}
    formats = {
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
        "boost.code": Linked("boosts", "code_id", Code()),
    }
    column_searchable_list = ("affiliate.affiliate_slug", "boost.code")
    search_hint = N_("Slug or code")
    column_filters = (
        Choice("status", N_("Status"), BoostRedemption.status, RedemptionStatus),
        Reference("boost", N_("Boost"), "boosts", lambda k: BoostRedemption.code_id == k),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: BoostRedemption.affiliate_id == k
        ),
        *between("redeemed", BoostRedemption.redeemed_at, N_("Redeemed"), made=BoostRedemption.id),
    )
    related = (Related("commissions", "boost", N_("Commissions")),)
    empty = N_("A use stands here once an affiliate redeems a code.")

    def heading(self, row: Row) -> str:
        return gettext("Boost of %(slug)s", slug=row["affiliate.affiliate_slug"])

    def panels(self, session: Session, row: Row) -> list[Panel]:
        count, cents = boosted_so_far(session, row["id"])
        lines: list[list[Markup | str]] = [
            [gettext("Commissions raised"), str(count)],
            [gettext("Added in all"), euros(cents)],
        ]
        return [Panel(N_("What it brought"), [N_("Figure"), N_("Value")], lines)]
