"""New to sell: a product, its plan and its button from one form, made together or not at all.

Each step is its area's own rule; a refusal of any undoes all and stands beside the field
it names. Sent twice, the second is refused: the slugs and the key are taken by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import Form

from admin_views.acting import acting
from admin_views.editing import show_refusal
from admin_views.guard import Console, Guarded
from admin_views.reading import reading
from admin_views.sellable_form import STEPS, SellableForm
from admin_views.words import status_words
from admin_views.writing import Outcome, in_words, transaction
from models.accounts import Platform
from models.accounts.permissions import Permission as P
from models.affiliation import program_of
from models.affiliation.edit_program import create_program
from models.catalog import Community, PaymentButton, Plan, Product, button_by_key
from models.catalog.edit_button import create_button
from models.catalog.edit_plan import create_plan
from models.catalog.edit_product import create_product
from models.catalog.on_sale import Off, what_is_off
from models.errors import N_, DomainError
from models.oversight import Actor

WORDS = N_("New to sell")
PERMISSION = P.CATALOG_CREATE
PATH = "new-sellable"


def ways_to_sell(console: Console) -> Sequence[tuple[str, str]]:
    """The way here from a list or the dashboard, for those who may come."""
    return [(WORDS, f"{console.url}/{PATH}/")] if console.may(PERMISSION) else []


class LeadsToSellable:
    """A list of the catalogue, with the way to sell something new on top of it."""

    console: Console

    @property
    def other_tools(self) -> Sequence[tuple[str, str]]:
        return ways_to_sell(self.console)


@dataclass
class Selling:
    """What one form asks for, being made; ``step`` is where it has got to."""

    form: Any
    actor: Actor
    step: str = STEPS[0]

    def make(self, session: Session) -> PaymentButton:
        """Make all of it by the areas' rules; answers the button. Raises their refusals."""
        product_id = self._product(session)
        self.step = "plan"
        plan = self._plan(session, product_id)
        self._program(session, product_id)
        self.step = "button"
        button = create_button(
            session, plan_id=plan.id, actor=self.actor, **filled(self.form.button.form)
        )
        session.flush()
        return button

    def _product(self, session: Session) -> UUID:
        values = dict(self.form.product.data)
        existing: UUID | None = values.pop("existing")
        if existing is not None:
            return existing
        product = create_product(
            session, community_id=values.pop("community"), actor=self.actor, **values
        )
        return product.id

    def _plan(self, session: Session, product_id: UUID) -> Plan:
        values = {**self.form.plan.data}
        values.pop("earns", None)
        for amount in ("trial_amount", "setup_fee"):
            values[amount] = values[amount] or 0
        plan = create_plan(session, product_id=product_id, actor=self.actor, **values)
        session.flush()
        return plan

    def _program(self, session: Session, product_id: UUID) -> None:
        """A product that has a program keeps it as it is."""
        if self.form.plan.data.get("earns") and program_of(session, product_id) is None:
            create_program(session, product_id, actor=self.actor)


@dataclass(frozen=True)
class Made:
    """The button that was made, and what still keeps it from being on sale."""

    button_id: UUID
    off: list[str]

    def told(self) -> tuple[str, str]:
        """What to say of it, and how: as a success only where visitors see it."""
        if not self.off:
            return gettext("Ready to sell: paste the snippet into a page."), "success"
        why = " ".join(self.off)
        return gettext("Made, but visitors do not see it yet. %(why)s", why=why), "error"


OFF = {
    Off.BUTTON: N_("The button is switched off."),
    Off.PLAN: N_("The plan is no longer sold."),
    Off.PRODUCT: N_("The product is no longer sold."),
    Off.UNPUBLISHED: N_("The product is not published."),
    Off.COMMUNITY: N_("The community is closed."),
}


def off_in_words(button: PaymentButton | None) -> list[str]:
    """What keeps a button from being on sale, a sentence each."""
    return [gettext(OFF[off]) for off in what_is_off(button)] if button else []


def filled(form: Form) -> dict[str, Any]:
    """What was typed; a text left empty takes its usual value."""
    return {name: value for name, value in form.data.items() if value not in (None, "")}


class SellableView(Guarded, BaseView):
    """The page with the three steps."""

    slug = PATH
    title = WORDS
    verbs = {"index_view": "create"}
    permissions = {"read": PERMISSION, "create": PERMISSION}

    def __init__(self, console: Console) -> None:
        self.console = console
        super().__init__(
            name=self.title,
            endpoint=f"{console.key}_sellable",
            url=f"{console.url}/{self.slug}",
        )

    @expose("/", methods=("GET", "POST"))
    def index_view(self) -> ResponseReturnValue:
        """The form, and making what it asks for; then the button's page has the snippet."""
        form: Any = SellableForm(request.form or None)
        offer_choices(form, reading())
        if not self.console.may(P.PROGRAMS_CREATE):
            del form.plan.form.earns
        told = ""
        if request.method == "POST" and form.validate():
            told, made = self._make(form)
            if made is not None:
                flash(*made.told())
                buttons = self.console.views["buttons"]
                return redirect(buttons.address_of("details_view", id=str(made.button_id)))
        elif request.method == "POST":
            told = gettext("Nothing was made: look at the fields below.")
        page = self.render("admin_views/sellable.html", form=form, told=told)
        return page, 422 if request.method == "POST" else 200

    def _make(self, form: Any) -> tuple[str, "Made | None"]:
        """Make it in one transaction: the button, or why there is none."""
        selling, outcome, made = Selling(form, acting()), Outcome(), None
        with transaction(outcome) as session:
            button = selling.make(session)
            made = Made(button.id, off_in_words(button_by_key(session, button.button_key)))
        if outcome.refusal is None:
            return "", made
        return beside(form[selling.step].form, outcome.refusal), None


def beside(form: Form, refusal: DomainError) -> str:
    """Put a refusal beside its field in the step that met it; the words for the top."""
    words = show_refusal(form, refusal)
    if words == in_words(refusal):
        return words
    return gettext("Nothing was made: look at the fields below.")


def offer_choices(form: Any, session: Session) -> None:
    """Offer what is on sale already, and the communities where something new can be."""
    open_ones = select(Community).where(Community.is_active).order_by(Community.name, Community.id)
    form.product.community.choices = [("", gettext("Choose a community"))] + [
        (str(each.id), f"{each.name} · {platform_words(each.platform)}")
        for each in session.scalars(open_ones)
    ]
    products = session.execute(
        select(Product.id, Product.name, Product.slug, Community.name)
        .join(Community, Community.id == Product.community_id)
        .where(Product.is_active, Community.is_active, Product.is_free.is_(False))
        .order_by(Product.name, Product.id)
    )
    form.product.existing.choices = [("", gettext("A new product"), {})] + [
        (str(key), f"{name} · {community}", {"data-slug": slug, "data-name": name})
        for key, name, slug, community in products
    ]


def platform_words(platform: Platform) -> str:
    """A platform's name."""
    return status_words(Platform, platform)[0]
