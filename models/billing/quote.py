"""Quotes: what a plan charges today and what follows, as it was promised when a checkout began.

A quote is kept with its checkout as JSON, so that the charge, the dates and the evidence
follow the promise whatever the catalogue says by then. Amounts are tax-inclusive cents.
Texts are not made here: an edge writes them in the visitor's language.
"""

from dataclasses import dataclass
from datetime import datetime

from models.base import Json
from models.billing.invoice import InvoiceKind
from models.billing.periods import period_end, trial_end
from models.catalog import BillingInterval, Plan, Product
from models.errors import N_

SETUP_FEE = N_("Setup fee")
TRIAL_PERIOD = N_("Trial period")


@dataclass(frozen=True)
class QuoteLine:
    """One line of what is paid today; ``label`` is a name, or an English text to translate."""

    label: str
    unit_amount: int
    quantity: int = 1

    @property
    def total(self) -> int:
        return self.quantity * self.unit_amount


@dataclass(frozen=True)
class Dates:
    """What a purchase at some instant sets on its customer; ``period_*`` is what today pays for."""

    trial_ends_at: datetime | None
    billing_anchor_at: datetime
    subscription_ends_at: datetime | None
    next_charge_at: datetime | None
    billing_cycles_done: int
    period_end: datetime | None


@dataclass(frozen=True)
class Quote:
    """A plan's terms at one moment.

    With a trial, today costs the trial's amount and the setup fee, and the price follows
    when the trial ends; without one, today costs the first period and the setup fee.
    """

    product_name: str
    plan_name: str
    price: int
    currency: str
    interval: BillingInterval
    trial_days: int | None
    trial_amount: int
    setup_fee: int
    max_billing_cycles: int | None

    @property
    def lines(self) -> tuple[QuoteLine, ...]:
        """What is paid today, line by line; lines of nothing are left out."""
        name = f"{self.product_name} · {self.plan_name}"
        first = (
            QuoteLine(TRIAL_PERIOD, self.trial_amount)
            if self.trial_days
            else QuoteLine(name, self.price)
        )
        return tuple(line for line in (first, QuoteLine(SETUP_FEE, self.setup_fee)) if line.total)

    @property
    def amount(self) -> int:
        """What is charged today."""
        return sum(line.total for line in self.lines)

    @property
    def kind(self) -> InvoiceKind | None:
        """The kind of today's invoice; None where there is nothing to pay today."""
        if not self.amount:
            return None
        return InvoiceKind.TRIAL if self.trial_days else InvoiceKind.FIRST

    @property
    def needs_card(self) -> bool:
        """Whether anything is to be charged, now or later."""
        return bool(self.amount or self.price)

    @property
    def renews(self) -> bool:
        """Whether the price is charged again after the first paid period."""
        return self.interval.renews and self.max_billing_cycles != 1

    def dates_from(self, start: datetime) -> Dates:
        """The dates of a purchase made at ``start``.

        The first paid period counts as one billing cycle, a trial as none; the anchor of a
        trial is where it ends, since that is where the first paid period will begin.
        """
        if self.trial_days:
            ends = trial_end(start, self.trial_days)
            return Dates(ends, ends, None, ends, 0, ends)
        ends_at = period_end(start, 1, self.interval)
        return Dates(None, start, ends_at, ends_at if self.renews else None, 1, ends_at)

    def to_json(self) -> Json:
        """The quote as a checkout keeps it; the lines stand in it as evidence of what was shown."""
        return {
            "product_name": self.product_name,
            "plan_name": self.plan_name,
            "price": self.price,
            "currency": self.currency,
            "interval": self.interval.value,
            "trial_days": self.trial_days,
            "trial_amount": self.trial_amount,
            "setup_fee": self.setup_fee,
            "max_billing_cycles": self.max_billing_cycles,
            "amount": self.amount,
            "kind": self.kind.value if self.kind else None,
            "lines": [
                {
                    "label": line.label,
                    "quantity": line.quantity,
                    "unit_amount": line.unit_amount,
                    "total": line.total,
                }
                for line in self.lines
            ],
        }

    @classmethod
    def from_json(cls, kept: Json) -> "Quote":
        """The quote that a checkout kept."""
        return cls(
            product_name=kept["product_name"],
            plan_name=kept["plan_name"],
            price=kept["price"],
            currency=kept["currency"],
            interval=BillingInterval(kept["interval"]),
            trial_days=kept["trial_days"],
            trial_amount=kept["trial_amount"],
            setup_fee=kept["setup_fee"],
            max_billing_cycles=kept["max_billing_cycles"],
        )


def quote_of(product: Product, plan: Plan) -> Quote:
    """What a plan's terms are now."""
    return Quote(
        product_name=product.name,
        plan_name=plan.name,
        price=plan.price_amount,
        currency=plan.currency,
        interval=plan.billing_interval,
        trial_days=plan.trial_days,
        trial_amount=plan.trial_amount if plan.trial_days else 0,
        setup_fee=plan.setup_fee,
        max_billing_cycles=plan.max_billing_cycles,
    )
