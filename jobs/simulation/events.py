"""The events of a scenario, as shapes: who does what, with which fields.

Whatever names somebody or something (an address, a slug, a code) is looked up when the
event is played: a name that the business does not know then is its refusal, not a mistake
of the file.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import model_validator as check

from jobs.simulation.moments import read_instant
from models.affiliation import LockProfile, RiskLevel
from models.affiliation.boost import BoostScope, BoostType


def _instant(value: object) -> object:
    return value if isinstance(value, datetime) else read_instant(str(value))


Instant = Annotated[datetime, BeforeValidator(_instant)]
Cents = Annotated[int, Field(ge=0, strict=True)]
SomeCents = Annotated[int, Field(gt=0, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(max_length=5000, pattern=r"^[^\x00]*$")]
"""What a link says of its campaign: the click keeps as much as a page's would."""
Rate = Annotated[Decimal, Field(ge=0, max_digits=10)]

UNEXPLAINED = "scenario"
"""The reason of whoever does not give one."""


class Shape(BaseModel):
    """Unknown keys are mistakes, not decoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(Shape):
    """Anything that happens; ``at`` is read against the scenario's start."""

    at: Text


class OfCustomer(Event):
    """What befalls one person's purchase of one product."""

    email: Text
    product: Text


class OfInvoice(OfCustomer):
    """``invoice`` counts the customer's paid invoices from 1, in the order they were paid."""

    invoice: Count


class Click(Event):
    do: Literal["click"]
    visitor: Text
    ref: Text
    product: Text | None = None
    utm: dict[Words, Words] = Field(default_factory=dict)


class Buy(Event):
    """``boost``: the affiliate whose click counts redeems this code just before."""

    do: Literal["buy"]
    email: Text
    button: Text
    card: Text
    visitor: Text | None = None
    boost: Text | None = None


class UpdateCard(OfCustomer):
    do: Literal["update_card"]
    card: Text


class Cancel(OfCustomer):
    do: Literal["cancel", "undo_cancel"]


class SwitchPlan(OfCustomer):
    do: Literal["switch_plan"]
    to: Text


class RequestRefund(OfInvoice):
    do: Literal["request_refund"]
    reason: Text


class Refund(OfInvoice):
    """The owner refunds; the whole rest where no ``amount`` is given."""

    do: Literal["refund"]
    amount: SomeCents | None = None
    reason: Text = UNEXPLAINED


class DecideRefund(OfInvoice):
    """The owner's word on the request that waits for this invoice."""

    do: Literal["approve_refund", "reject_refund"]
    reason: Text = UNEXPLAINED


class CreateBoost(Event):
    """``value`` is points of percent, or cents of a flat bonus."""

    do: Literal["create_boost"]
    code: Text
    type: BoostType
    value: Annotated[Decimal, Field(gt=0, max_digits=10)]
    scope: BoostScope | None = None
    products: list[Text] = Field(default_factory=list)
    valid_until: Text | None = None
    max_uses: Count | None = None


class RedeemBoost(Event):
    do: Literal["redeem_boost"]
    affiliate: Text
    code: Text


class SetRisk(Event):
    do: Literal["set_risk"]
    affiliate: Text
    level: RiskLevel
    relock: bool = False
    note: Text = UNEXPLAINED


class JoinGuild(Event):
    """``guild``: the slug of a community that is free to join, on either platform."""

    do: Literal["join_guild"]
    email: Text
    guild: Text
    visitor: Text | None = None


class Withdraw(Event):
    """``as`` names the request for the events that follow it."""

    do: Literal["withdraw"]
    affiliate: Text
    amount: SomeCents
    name: Text = Field(alias="as")


class DecideWithdrawal(Event):
    do: Literal["approve", "cancel_withdrawal"]
    withdrawal: Text


class Reject(Event):
    do: Literal["reject"]
    withdrawal: Text
    reason: Text


class Pay(Event):
    do: Literal["pay"]
    withdrawal: Text
    reference: Text
    method: Literal["wire", "paypal", "stripe", "manual"] = "wire"
    waive_fee: bool = False


class Adjust(Event):
    """``amount`` is signed: a credit, or a debit below zero."""

    do: Literal["adjust"]
    affiliate: Text
    amount: Annotated[int, Field(strict=True)]
    reason: Text


class Suspend(Event):
    """Either an affiliate, or everyone who has an address."""

    do: Literal["suspend", "reactivate"]
    email: Text | None = None
    affiliate: Text | None = None

    @check(mode="after")
    def _names_somebody(self) -> Self:
        if (self.email is None) == (self.affiliate is None):
            raise ValueError("give either an email or an affiliate")
        return self


class LockRow(Shape):
    profile: LockProfile
    main_percent: Rate
    main_days: Annotated[int, Field(ge=0)]
    extended_percent: Rate
    extended_days: Annotated[int, Field(ge=0)]


class SetLockRules(Event):
    do: Literal["set_lock_rules"]
    rows: Annotated[list[LockRow], Field(min_length=1)]


AnyEvent = Annotated[
    Click
    | Buy
    | UpdateCard
    | Cancel
    | SwitchPlan
    | RequestRefund
    | Refund
    | DecideRefund
    | CreateBoost
    | RedeemBoost
    | SetRisk
    | JoinGuild
    | Withdraw
    | DecideWithdrawal
    | Reject
    | Pay
    | Adjust
    | Suspend
    | SetLockRules,
    Field(discriminator="do"),
]


EVENT_NAMES = frozenset(
    name
    for shape in get_args(get_args(AnyEvent)[0])
    for name in get_args(shape.model_fields["do"].annotation)
)
"""What ``do`` may say."""
