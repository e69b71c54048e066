"""The form of something new to sell: a fieldset per step, of which only the first may be there."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask_admin.form import BaseForm
from flask_babel import gettext
from wtforms import BooleanField, FormField, IntegerField, SelectField, StringField
from wtforms.fields.choices import Choice
from wtforms.validators import InputRequired, Optional, StopValidation

from admin_views.forms import ConsoleForm, EurosField
from admin_views.words import choices_of
from models.catalog import BillingInterval
from models.errors import N_
from models.money import rate_text

STEPS = ("product", "plan", "button")
NEEDED = N_("This cannot be empty.")


def needed() -> InputRequired:
    """The validator of what must be typed."""
    return InputRequired(NEEDED)


class UnlessThere:
    """Asks for a field only where no product there is was chosen."""

    def __call__(self, form: Any, field: Any) -> None:
        if form.existing.data is not None:
            field.errors = []
            raise StopValidation()
        if not field.data:
            raise StopValidation(gettext(NEEDED))


def key_or_none(value: Any) -> UUID | None:
    """A key chosen from a list; the empty choice is none. Raises ValueError."""
    return value if value is None or isinstance(value, UUID) else UUID(value) if value else None


class KeyField(SelectField):
    """A record chosen from a list, so that it can be chosen without a script too."""

    def __init__(self, label: str, validators: Any = (), **values: Any) -> None:
        super().__init__(label, validators, coerce=key_or_none, choices=[], **values)

    def iter_choices(self) -> Any:
        """As wtforms does, but for the empty choice, which its coercing would leave unmarked."""
        for value, label, *rest in self.choices:
            yield Choice(value, label, key_or_none(value) == self.data, rest[0] if rest else {})

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = ""  # no choice, so that the list refuses it

    def pre_validate(self, form: Any) -> None:
        if self.data not in [key_or_none(value) for value, *_ in self.choices]:
            raise StopValidation(gettext("Choose one of the list."))


class PercentField(StringField):
    """Points of percent as typed, with a comma or a point: ``30``, ``12,5``."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].replace(",", ".").replace("%", "").strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        try:
            self.data = Decimal(typed)
        except InvalidOperation:
            raise ValueError(gettext("A percentage between 0 and 100.")) from None
        if not (self.data.is_finite() and abs(self.data) < 1000):
            self.data = None
            raise ValueError(gettext("A percentage between 0 and 100."))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else rate_text(self.data)


class ProductStep(BaseForm):
    """A product there is, or a new one."""

    existing = KeyField(N_("What is sold"))
    community = KeyField(N_("Community"), [UnlessThere()])
    name = StringField(N_("Name"), [UnlessThere()])
    slug = StringField(
        N_("Slug"), [UnlessThere()], description=N_("Lower-case letters, digits and hyphens.")
    )
    short_description = StringField(N_("Short description"))
    is_published = BooleanField(
        N_("Published"),
        default=True,
        description=N_("Until then visitors neither see it nor its buttons."),
    )


class PlanStep(BaseForm):
    """What it costs, and what an affiliate earns on it."""

    name = StringField(N_("Name"), [needed()])
    slug = StringField(
        N_("Slug"), [needed()], description=N_("Lower-case letters, digits and hyphens.")
    )
    price_amount = EurosField(
        N_("Price"),
        [needed()],
        description=N_("In euros, including tax."),
        render_kw={"inputmode": "decimal"},
    )
    billing_interval = SelectField(
        N_("Billed"),
        choices=lambda: choices_of(BillingInterval),
        coerce=BillingInterval,
        default=BillingInterval.MONTHLY,
    )
    trial_days = IntegerField(
        N_("Trial days"), [Optional()], description=N_("Empty: no trial."), render_kw={"min": 1}
    )
    trial_amount = EurosField(
        N_("Price of the trial"),
        description=N_("0 for a free trial."),
        render_kw={"inputmode": "decimal"},
    )
    setup_fee = EurosField(
        N_("Setup fee"),
        description=N_("Paid once, at the checkout. Empty: none."),
        render_kw={"inputmode": "decimal"},
    )
    commission_percent = PercentField(
        N_("Commission rate"),
        default=Decimal(30),
        description=N_("Points of percent. Empty: the program's rate."),
        render_kw={"inputmode": "decimal"},
    )
    earns = BooleanField(
        N_("WEOKTO affiliates earn on this product"),
        default=True,
        description=N_("Gives it an affiliate program; one that it has already stays as it is."),
    )


class ButtonStep(BaseForm):
    """The button that sells it."""

    display_name = StringField(N_("Name"), [needed()])
    button_key = StringField(
        N_("Button key"),
        [needed()],
        description=N_("Lower-case letters, digits and hyphens. It cannot change once used."),
    )
    cta_text = StringField(N_("Text of the button"), default="S'inscrire")
    success_url = StringField(
        N_("After paying, go to"),
        default="/welcome",
        description=N_("A path such as /welcome, or an https address on one of our hosts."),
    )


class SellableForm(ConsoleForm):
    """The three steps, sent together."""

    product = FormField(ProductStep)
    plan = FormField(PlanStep)
    button = FormField(ButtonStep)
