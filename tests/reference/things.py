"""What the business consists of: what is sold, who buys it, who brings buyers."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

MONTHS = {"MONTHLY": 1, "QUARTERLY": 3, "ANNUALLY": 12, "ONE_TIME": None, "LIFETIME": None}

# main %, its days, extended %, its days
LOCKS = {
    "new": (80, 45, 20, 90),
    "recent": (85, 40, 15, 60),
    "validated": (90, 35, 10, 40),
    "trusted": (94, 30, 6, 40),
    "AT_RISK": (80, 60, 20, 90),
    "HIGH_RISK": (70, 90, 30, 120),
    "EXTREME_RISK": (60, 90, 40, 180),
}
LEVELS = ["NORMAL", "AT_RISK", "HIGH_RISK", "EXTREME_RISK"]
BEGINS_AT_RATE = {
    "AT_RISK": Fraction(15, 100),
    "HIGH_RISK": Fraction(25, 100),
    "EXTREME_RISK": Fraction(40, 100),
}


class Refused(Exception):
    """The rules forbid what was asked."""


@dataclass(eq=False, repr=False)
class Terms:
    """The settings that the rules leave to the owner."""

    vat: Fraction = Fraction(20, 100)
    withdrawal_days: int = 14
    dunning_days: tuple = (2, 7, 14, 21)
    minimum: int = 5000
    fee: Fraction = Fraction(3, 100)


@dataclass(eq=False, repr=False)
class Program:
    rate: Fraction = Fraction(30)
    fixed: bool = False
    active: bool = True
    renewals: bool = True
    cookie_days: int = 30


@dataclass(eq=False, repr=False)
class Product:
    slug: str
    program: Program | None = None


@dataclass(eq=False, repr=False)
class Plan:
    slug: str
    product: Product
    price: int
    interval: str = "MONTHLY"
    trial_days: int = 0
    trial_amount: int = 0
    setup_fee: int = 0
    max_cycles: int | None = None
    percent: Fraction | None = None

    @property
    def months(self):
        return MONTHS[self.interval]


@dataclass(eq=False, repr=False)
class Affiliate:
    slug: str
    email: str
    level: str = "NORMAL"
    first_commission_at: datetime | None = None
    locked: int = 0
    available: int = 0
    reserved: int = 0
    paid_out: int = 0
    fees: int = 0
    earned: int = 0
    clawed_back: int = 0
    refund_rate: Fraction = Fraction(0)
    total_refunds: int = 0
    calm_since: dict = field(default_factory=dict)
    by_figures: bool = False
    boost: "Boost | None" = None


@dataclass(eq=False, repr=False)
class Boost:
    code: str
    type: str
    value: Fraction
    products: list | None = None
    valid_until: datetime | None = None
    max_uses: int | None = None
    uses: int = 0


@dataclass(eq=False, repr=False)
class Card:
    number: str
    worked: bool = False


@dataclass(eq=False, repr=False)
class Customer:
    email: str
    product: Product
    place: int
    plan: Plan
    card: Card
    status: str
    trial_ends_at: datetime | None = None
    ends_at: datetime | None = None
    anchor: datetime | None = None
    since_anchor: int = 0
    cycles: int = 0
    next_charge_at: datetime | None = None
    bought_at: datetime | None = None
    cancels: bool = False
    first_failed_at: datetime | None = None
    retries: int = 0
    open_invoice: "Invoice | None" = None
    next_plan: Plan | None = None
    affiliate: Affiliate | None = None
    click_at: datetime | None = None
    own_purchase: bool = False

    @property
    def running(self):
        return self.status in ("TRIAL", "ACTIVE", "PAST_DUE")

    @property
    def period_starts_at(self):
        """Where the period to pay next begins."""
        return self.ends_at or self.trial_ends_at

    @property
    def pays_again(self):
        """Whether the plan has another period after those already paid."""
        most = self.plan.max_cycles
        return self.plan.months is not None and (most is None or self.cycles < most)

    @property
    def renews(self):
        return self.pays_again and not self.cancels


@dataclass(eq=False, repr=False)
class Invoice:
    customer: Customer
    plan: Plan
    kind: str
    period_start: datetime
    period_end: datetime | None
    paid: int
    excluding: int
    status: str = "PENDING"
    number: str | None = None
    paid_at: datetime | None = None
    affiliate: Affiliate | None = None
    commission: "Commission | None" = None
    refunds: list = field(default_factory=list)

    @property
    def refunded(self):
        return sum(each.amount for each in self.refunds if each.status == "PROCESSED")

    @property
    def spoken_for(self):
        """What was given back or is asked for."""
        return sum(each.amount for each in self.refunds if each.status != "REJECTED")


@dataclass(eq=False, repr=False)
class Commission:
    affiliate: Affiliate
    invoice: Invoice
    base: int
    rate: Fraction
    total: int
    main: int
    extended: int
    earned_at: datetime
    main_at: datetime
    extended_at: datetime
    age: int
    main_out_at: datetime | None = None
    extended_out_at: datetime | None = None
    right_over: bool = False
    clawed_main: int = 0
    clawed_extended: int = 0
    clawed_available: int = 0
    paid: int = 0

    @property
    def clawed(self):
        return self.clawed_main + self.clawed_extended + self.clawed_available

    @property
    def status(self):
        if self.clawed == self.total:
            return "CLAWED_BACK"
        if self.paid >= self.total - self.clawed:
            return "PAID"
        if self.main_out_at and self.extended_out_at:
            return "MATURED"
        if self.main_out_at:
            return "PARTIALLY_MATURED"
        return "LOCKED" if self.right_over else "PENDING_LOCK"


@dataclass(eq=False, repr=False)
class Refund:
    invoice: Invoice
    amount: int
    status: str


@dataclass(eq=False, repr=False)
class Withdrawal:
    name: str
    affiliate: Affiliate
    amount: int
    fee: int
    status: str = "PENDING_REVIEW"
