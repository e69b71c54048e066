"""What a scenario may say, as shapes; anything else is refused with its event and field."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from ruamel.yaml import YAML, SafeConstructor
from ruamel.yaml.error import YAMLError

from jobs.simulation.events import (
    EVENT_NAMES,
    AnyEvent,
    Cents,
    CreateBoost,
    Instant,
    Rate,
    Shape,
    Text,
)
from jobs.simulation.moments import BadMoment, read_moment
from models.accounts import Platform
from models.affiliation import RateType, RiskLevel
from models.catalog import BillingInterval
from models.settings import LONGEST_DAYS


class BadScenario(Exception):
    """The scenario cannot be run; the text names the event's index and the field."""


Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS, strict=True)]
Periods = Annotated[int, Field(ge=1, strict=True)]


class SettingsShape(Shape):
    """What the business may decide otherwise for one run; the settings' own values else."""

    vat_rate: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=4)] | None = None
    withdrawal_minimum: Cents | None = None
    withdrawal_fee_rate: Annotated[Decimal, Field(ge=0, lt=1)] | None = None
    withdrawal_right_days: Annotated[int, Field(ge=14, le=LONGEST_DAYS, strict=True)] | None = None
    dunning_days: list[Days] | None = None
    grace_days: Days | None = None
    capture_minutes: Annotated[int, Field(ge=1, le=60, strict=True)] | None = None

    @field_validator("dunning_days")
    @classmethod
    def _days_follow_one_another(cls, days: list[int] | None) -> list[int] | None:
        if days is not None and (not days or 0 in days or days != sorted(set(days))):
            raise ValueError("whole days after the first failure, ever later: 2, 7, 14, 21")
        return days

    def overrides(self) -> dict[str, Any]:
        """As the settings hold them."""
        given = self.model_dump(exclude_none=True)
        if self.dunning_days is not None:
            given["dunning_days"] = tuple(str(days) for days in self.dunning_days)
        return given


class CommunityShape(Shape):
    slug: Text
    name: Text
    platform: Platform = Platform.STAM


class ProgramShape(Shape):
    is_active: bool = True
    type: RateType = RateType.PERCENTAGE
    rate: Rate = Decimal(30)
    include_renewals: bool = True
    cookie_days: Annotated[int, Field(ge=1, le=730)] = 30


class ProductShape(Shape):
    slug: Text
    name: Text
    community: Text
    program: ProgramShape | None = None


class PlanShape(Shape):
    slug: Text
    product: Text
    price: Cents
    interval: BillingInterval
    name: Text | None = None
    trial_days: Periods | None = None
    trial_amount: Cents = 0
    setup_fee: Cents = 0
    max_billing_cycles: Periods | None = None
    commission_percent: Rate | None = None


class ButtonShape(Shape):
    key: Text
    plan: Text


class AffiliateShape(Shape):
    slug: Text
    email: Text
    risk: RiskLevel = RiskLevel.NORMAL


class Scenario(Shape):
    """A whole business and what befalls it, from ``start`` until ``until``."""

    start: Instant
    until: Instant
    settings: SettingsShape = SettingsShape()
    communities: list[CommunityShape] = Field(default_factory=list)
    products: list[ProductShape] = Field(default_factory=list)
    plans: list[PlanShape] = Field(default_factory=list)
    buttons: list[ButtonShape] = Field(default_factory=list)
    affiliates: list[AffiliateShape] = Field(default_factory=list)
    events: list[AnyEvent] = Field(default_factory=list)

    def in_order(self) -> list[tuple[datetime, int, Any]]:
        """The events as (instant, index in the file, event) in order of time, ties as written.

        Raises BadScenario naming the event whose instant cannot be read or lies before the
        start, and where the end does.
        """
        if self.until < self.start:
            raise BadScenario("until: it lies before the start")
        moments = []
        for index, event in enumerate(self.events):
            at = self._moment(index, "at", event.at)
            if at < self.start:
                raise BadScenario(f"event {index}, at: {event.at} is before the start")
            if isinstance(event, CreateBoost) and event.valid_until is not None:
                self._moment(index, "valid_until", event.valid_until)
            moments.append((at, index, event))
        return sorted(moments, key=lambda moment: moment[:2])

    def _moment(self, index: int, field: str, text: str) -> datetime:
        try:
            return read_moment(text, self.start)
        except BadMoment as refusal:
            raise BadScenario(f"event {index}, {field}: {refusal}") from None


def read_scenario(path: Path, *, until: str | None = None) -> Scenario:
    """Read a YAML 1.2 or JSON file. Raises BadScenario with one line."""
    try:
        data = _data_of(path.read_text("utf-8-sig"))
    except OSError as refusal:
        raise BadScenario(f"{path}: {refusal.strerror}") from None
    except UNREADABLE as refusal:
        raise BadScenario(f"{path} is neither YAML nor JSON: {refusal}".splitlines()[0]) from None
    return check_scenario(data, until=until)


UNREADABLE = (YAMLError, ValueError, KeyError, RecursionError)
"""What the readers of YAML and JSON raise: also where a tag does not fit its value, a number is
endless, or brackets stand in one another without end."""


class _AsWritten(SafeConstructor):
    """Leaves instants as the text they are, as YAML 1.2's own schema does."""


_AsWritten.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def _data_of(text: str) -> object:
    """JSON is tried first: YAML nearly contains it, but reads pairs of escapes otherwise and
    takes a hundred times as long."""
    try:
        return json.loads(text)
    except ValueError:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _AsWritten
        return yaml.load(text)


def check_scenario(data: object, *, until: str | None = None) -> Scenario:
    """Take a scenario's data over, to end ``until`` another instant where one is given.

    Raises BadScenario naming the event's index and field.
    """
    if until is not None and isinstance(data, dict):
        data = {**data, "until": until}
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as refusal:
        raise BadScenario(_in_words(refusal)) from None
    scenario.in_order()
    return scenario


def _in_words(refusal: ValidationError) -> str:
    first = refusal.errors()[0]
    place = list(first["loc"])
    if place[:1] == ["events"] and len(place) > 1:
        shape = 3 if place[2:3] and place[2] in EVENT_NAMES else 2  # which event it is
        field = ".".join(str(part) for part in place[shape:]) or "do"
        return f"event {place[1]}, {field}: {first['msg']}"
    return f"{'.'.join(str(part) for part in place) or 'scenario'}: {first['msg']}"
