"""A small business to hold against the reference: what is sold, and who is there."""

from datetime import datetime
from fractions import Fraction

from jobs.simulation.scenario import check_scenario
from tests.reference import Affiliate, Business, Plan, Product, Program, Terms

PROGRAMS = {
    "premium": {"type": "percentage", "rate": "30", "include_renewals": True, "cookie_days": 30},
    "course": {"type": "fixed", "rate": "3000", "include_renewals": False, "cookie_days": 10},
    "solo": None,
}
PLANS = [
    {"slug": "p-month", "product": "premium", "price": 4900, "interval": "MONTHLY"},
    {"slug": "p-plus", "product": "premium", "price": 7901, "interval": "MONTHLY"},
    {"slug": "p-quarter", "product": "premium", "price": 12900, "interval": "QUARTERLY"},
    {
        "slug": "p-year",
        "product": "premium",
        "price": 49000,
        "interval": "ANNUALLY",
        "commission_percent": "12.5",
    },
    {
        "slug": "p-trial",
        "product": "premium",
        "price": 2900,
        "interval": "MONTHLY",
        "trial_days": 14,
        "trial_amount": 100,
    },
    {
        "slug": "p-free-trial",
        "product": "premium",
        "price": 3900,
        "interval": "MONTHLY",
        "trial_days": 7,
    },
    {
        "slug": "c-once",
        "product": "course",
        "price": 25000,
        "interval": "ONE_TIME",
        "setup_fee": 1500,
    },
    {
        "slug": "c-three",
        "product": "course",
        "price": 9999,
        "interval": "MONTHLY",
        "max_billing_cycles": 3,
    },
    {"slug": "s-life", "product": "solo", "price": 70000, "interval": "LIFETIME"},
]
AFFILIATES = [
    {"slug": "alice", "email": "alice@example.org"},
    {"slug": "carol", "email": "carol@example.org"},
    {"slug": "dave", "email": "dave@example.org", "risk": "HIGH_RISK"},
]
BUYERS = [f"buyer{number}@example.org" for number in range(5)] + ["alice@example.org"]


def scenario(start, until):
    """The business as a scenario without events."""
    return check_scenario(
        {
            "start": start,
            "until": until,
            "settings": {"vat_rate": "0.20", "withdrawal_minimum": 5000},
            "communities": [{"slug": "academy", "name": "Academy", "platform": "STAM"}],
            "products": [
                {"slug": slug, "name": slug.title(), "community": "academy", "program": program}
                for slug, program in PROGRAMS.items()
            ],
            "plans": PLANS,
            "buttons": [{"key": plan["slug"], "plan": plan["slug"]} for plan in PLANS],
            "affiliates": AFFILIATES,
        }
    )


def reference(start):
    """The same business as the reference has it."""
    products = {
        slug: Product(slug, program and _program(program)) for slug, program in PROGRAMS.items()
    }
    return Business(
        datetime.fromisoformat(start),
        Terms(),
        [_plan(plan, products) for plan in PLANS],
        [Affiliate(each["slug"], each["email"], each.get("risk", "NORMAL")) for each in AFFILIATES],
    )


def _program(program):
    return Program(
        rate=Fraction(program["rate"]),
        fixed=program["type"] == "fixed",
        renewals=program["include_renewals"],
        cookie_days=program["cookie_days"],
    )


def _plan(plan, products):
    percent = plan.get("commission_percent")
    return Plan(
        plan["slug"],
        products[plan["product"]],
        plan["price"],
        plan["interval"],
        trial_days=plan.get("trial_days", 0),
        trial_amount=plan.get("trial_amount", 0),
        setup_fee=plan.get("setup_fee", 0),
        max_cycles=plan.get("max_billing_cycles"),
        percent=Fraction(percent) if percent else None,
    )
