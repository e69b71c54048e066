"""Payment buttons: the keys that pages embed, what to paste, and where each was seen."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.catalog import CATALOG, OWN_PRICE
from admin_views.filters import Choice, Flag, Reference
from admin_views.formats import DayOf, Linked, day, euros
from admin_views.listing import Row
from admin_views.records import Panel, Related
from admin_views.selections import products_of
from admin_views.sellable import LeadsToSellable, off_in_words
from models import clock
from models.accounts import Platform
from models.catalog import ButtonSighting, PaymentButton, PaymentType, button_by_key
from models.catalog.edit_button import create_button, delete_button, edit_button
from models.errors import N_
from models.oversight import Actor
from models.settings import current_settings

UNSEEN = timedelta(days=30)


class ButtonView(LeadsToSellable, AdminView):
    table, slug, title = PaymentButton, "buttons", N_("Payment buttons")
    permissions = CATALOG
    column_list = (
        "button_key",
        "display_name",
        "product.name",
        "plan.name",
        "plan.price_amount",
        "cta_text",
        "is_active",
        "used_at",
    )
    column_details_list = (
        "button_key",
        "display_name",
        "product.name",
        "plan.name",
        "plan.price_amount",
        "product.community.platform",
        "payment_type",
        "description",
        "cta_text",
        "success_url",
        "cancel_url",
        "webhook_url",
        "is_active",
        "used_at",
        "created_at",
        "updated_at",
    )
    formats = {
        "product.name": Linked("products", "product_id"),
        "plan.name": Linked("plans", "plan_id"),
        "plan.price_amount": OWN_PRICE,
        "used_at": DayOf(),
    }
    column_searchable_list = ("button_key", "display_name", "product.name")
    search_hint = N_("Key, name or product")
    column_sortable_list = ("button_key", "display_name")
    column_editable_list = ("display_name", "cta_text")
    column_filters = (
        Reference("product", N_("Product"), "products", lambda k: PaymentButton.product_id == k),
        Reference("plan", N_("Plan"), "plans", lambda key: PaymentButton.plan_id == key),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda key: PaymentButton.product_id.in_(products_of(key)),
        ),
        Choice("payment", N_("Payment"), PaymentButton.payment_type, PaymentType),
        Flag("on_sale", N_("On sale"), PaymentButton.is_active),
    )
    form_columns = (
        "plan",
        "button_key",
        "display_name",
        "description",
        "cta_text",
        "success_url",
        "cancel_url",
        "webhook_url",
        "is_active",
    )
    form_ajax_refs = {"plan": {"fields": ("name", "slug")}}
    column_descriptions = {
        "plan": N_("Type the beginning of its name."),
        "display_name": N_("What staff call it; visitors read the text of the button."),
        "button_key": N_("Lower-case letters, digits and hyphens. It cannot change once used."),
        "success_url": N_("A path such as /welcome, or an https address on one of our hosts."),
        "webhook_url": N_("Optional: an https address told of each sale, signed."),
    }
    long_texts = frozenset({"description"})
    related = (Related("checkouts", "button", N_("Checkouts")),)
    empty = N_("A payment button sells one plan; paste its snippet into any page.")
    empty_how = N_("Make a product and its plan first.")

    def create_rule(self, session: Session, values: dict[str, Any], actor: Actor) -> Any:
        return create_button(session, actor=actor, **_filled(values))

    def edit_rule(self, session: Session, key: UUID, values: dict[str, Any], actor: Actor) -> Any:
        return edit_button(session, key, values, actor=actor)

    def delete_rule(self, session: Session, key: UUID, actor: Actor) -> Any:
        return delete_button(session, key, actor=actor)

    def why_kept(self, row: Row) -> str:
        return N_("It was used, so it stays: take it off sale instead.") if row["used_at"] else ""

    def locked_fields(self, model: Any) -> dict[str, str]:
        if model.used_at:
            return {"button_key": N_("Pages carry this key, so it cannot change any more.")}
        return {}

    def panels(self, session: Session, row: Row) -> list[Panel]:
        """The snippet first, then the pages where the button was seen."""
        key, site = row["button_key"], site_of(row["product.community.platform"])
        snippet = Panel(N_("Snippet"), [], [], template="admin_views/snippet.html")
        snippet.data = {
            "ours": f'{{{{ payment_button("{key}") }}}}',
            "anywhere": f'<script src="{site}/embed.js" '
            f'data-payment-button="{key}" async></script>',
            "checkout": f"{site}/checkout/{key}",
            "key": key,
            "platform": row["product.community.platform"],
            "off": off_in_words(button_by_key(session, key)),
        }
        return [snippet, sightings(session, row)]


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """A text left empty takes its usual value."""
    return {key: value for key, value in values.items() if value not in (None, "")}


def site_of(platform: Platform) -> str:
    """The public address of a platform."""
    settings = current_settings()
    if platform is Platform.STAM:
        return settings.public_url_stam or f"http://{settings.stam_hosts[0]}:{settings.port}"
    return settings.public_url_weokto or f"http://{settings.weokto_hosts[0]}:{settings.port}"


def sightings(session: Session, row: Row) -> Panel:
    """Every page where a button was seen with what is wrong there, those to look at first."""
    seen = session.scalars(
        select(ButtonSighting)
        .where(ButtonSighting.button_id == row["id"])
        .order_by(ButtonSighting.last_seen_on.desc(), ButtonSighting.page_url)
    ).all()
    told = [(each, wrongs(each, row["plan.price_amount"])) for each in seen]
    lines = [
        [
            each.page_url,
            day(each.first_seen_on),
            day(each.last_seen_on),
            price_there(each),
            flags(wrong),
        ]
        for each, wrong in sorted(told, key=lambda pair: not pair[1])
    ]
    return Panel(
        N_("Where it was seen"),
        [N_("Page"), N_("First seen"), N_("Last seen"), N_("Price shown"), N_("To look at")],
        lines,
        N_("No page has shown this button yet. It appears here once the snippet is pasted."),
    )


def price_there(seen: ButtonSighting) -> Markup | str:
    """The price that a page shows: as its author wrote it, or ours as it was that day."""
    if seen.price_shown is None:
        return "–"
    if seen.price_follows:
        return gettext("%(price)s, drawn by us", price=euros(seen.price_shown))
    return euros(seen.price_shown)


def wrongs(seen: ButtonSighting, price: int) -> list[str]:
    """What is wrong with a button on a page, in words. A price drawn by us follows the plan's."""
    told = []
    if clock.today() - seen.last_seen_on > UNSEEN:
        told.append(gettext("Not seen for 30 days"))
    if seen.price_shown is not None and not seen.price_follows and seen.price_shown != price:
        told.append(gettext("Shows another price"))
    if seen.loses_ref:
        told.append(gettext("Loses ?ref="))
    return told


def flags(wrong: list[str]) -> Markup:
    """The same as badges."""
    if not wrong:
        return Markup('<span class="badge good">{}</span>').format(gettext("Fine"))
    return Markup(" ").join(Markup('<span class="badge bad">{}</span>').format(t) for t in wrong)
