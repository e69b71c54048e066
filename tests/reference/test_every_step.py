"""Random lives of a small business, held against the reference after every step."""

from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from pydantic import TypeAdapter

from jobs.queue import load_jobs
from jobs.simulation.engine import Engine, standing_in
from jobs.simulation.scenario import AnyEvent
from models.billing.in_process import InProcessProvider
from models.migrations.scratch import scratch_database
from tests.reference.town import AFFILIATES, BUYERS, PLANS, reference, scenario

GOOD = "4242424242424242"
CARDS = [
    GOOD,
    GOOD,
    GOOD,
    "4000000000000341",
    "4000000000000341",
    "4000002500003155",
    "4000000000000119",
    "4000000000000002",
]
ANY_EVENT = TypeAdapter(AnyEvent)
ANSWERS_LATE = "4000000000000119"
UNTIL = "2032-01-01T00:00:00+01:00"

affiliates = strategies.sampled_from([each["slug"] for each in AFFILIATES])
buyers = strategies.sampled_from(BUYERS)
plans = strategies.sampled_from([plan["slug"] for plan in PLANS])
cards = strategies.sampled_from(CARDS)
shares = strategies.integers(1, 100)
pauses = strategies.sampled_from([1, 7, 26, 26, 50, 24 * 8])
"""Hours that pass before a step, none of them whole days only."""


class Lives(RuleBasedStateMachine):
    """The product and the reference, told the same things at the same instants."""

    def __init__(self, base, start):
        super().__init__()
        self.stack = ExitStack()
        self.events = 0
        self.named = []
        self.model = reference(start)
        self.at = datetime.fromisoformat(start)
        played = scenario(start, UNTIL)
        scratch = self.stack.enter_context(scratch_database(base))
        asked = {"redis_url": "", **played.settings.model_dump(exclude_none=True)}
        provider = InProcessProvider()
        self.engine = Engine(played, provider)
        self.stack.enter_context(
            standing_in(scratch.model_copy(update=asked), base, provider, self.engine)
        )
        self.engine.begin()

    def teardown(self):
        self.stack.close()

    def step(self, hours, **event):
        """Both live until the instant, do the same, and must be the same."""
        self.at += timedelta(hours=hours, minutes=7)
        event = {"at": self.at.isoformat(), **event}
        self.engine.step(self.at, self.events, ANY_EVENT.validate_python(event))
        self.model.play(self.at, self.events, event)
        self.events += 1
        compare(self.engine.result(), self.model.result(), event)

    @rule(hours=pauses, buyer=buyers, plan=plans, card=cards, affiliate=affiliates)
    def comes_by_a_link_and_buys(self, hours, buyer, plan, card, affiliate):
        self.step(hours, do="click", visitor=buyer, ref=affiliate)
        self.step(1, do="buy", visitor=buyer, email=buyer, button=plan, card=card)

    @rule(hours=pauses, buyer=buyers, plan=plans, card=cards)
    def buys(self, hours, buyer, plan, card):
        self.step(hours, do="buy", email=buyer, button=plan, card=card)

    @rule(days=strategies.integers(10, 60))
    def time_passes(self, days):
        self.step(24 * days, do="buy", email="late@example.org", button="s-life", card=CARDS[-1])

    def _some(self, data, rows, which=lambda row: True):
        """One of some rows, drawn by its place so that a failing life reads short."""
        found = [row for row in rows if which(row)]
        return found[data.draw(strategies.integers(0, len(found) - 1))]

    def _has(self, which):
        return any(which(each) for each in self.model.customers)

    @precondition(lambda self: self._has(lambda each: each.running))
    @rule(
        hours=pauses,
        data=strategies.data(),
        card=cards,
        what=strategies.sampled_from(
            ["cancel", "undo_cancel", "update_card", "switch_plan", "switch_plan"]
        ),
    )
    def changes_a_subscription(self, hours, data, card, what):
        mine = self._some(data, self.model.customers, lambda each: each.running)
        event = {"do": what, "email": mine.email, "product": mine.product.slug}
        if what == "update_card":
            event["card"] = GOOD if card == ANSWERS_LATE else card
        if what == "switch_plan":
            event["to"] = self._some(data, PLANS)["slug"]
        self.step(hours, **event)

    @precondition(lambda self: any(each.number for each in self.model.invoices))
    @rule(
        hours=pauses,
        data=strategies.data(),
        share=shares,
        what=strategies.sampled_from(
            ["refund", "refund", "rest", "request_refund", "approve_refund", "reject_refund"]
        ),
    )
    def money_goes_back(self, hours, data, share, what):
        paid = self._some(data, self.model.invoices, lambda each: each.number)
        theirs = sorted(
            each.number
            for each in self.model.invoices
            if each.customer is paid.customer and each.number
        )
        event = {
            "do": "refund" if what == "rest" else what,
            "email": paid.customer.email,
            "product": paid.customer.product.slug,
            "invoice": theirs.index(paid.number) + 1,
        }
        if what == "refund":
            event["amount"] = max(1, paid.paid * share // 100)
        if what == "request_refund":
            event["reason"] = "changed my mind"
        self.step(hours, **event)

    @rule(hours=pauses, affiliate=affiliates, share=shares)
    def asks_for_money(self, hours, affiliate, share):
        name = f"w{self.events}"
        available = self.model.affiliates[affiliate].available
        amount = max(1, available * share // 90)
        self.step(hours, do="withdraw", affiliate=affiliate, amount=amount, **{"as": name})
        if name in self.model.withdrawals:
            self.named.append(name)

    @precondition(lambda self: self.named)
    @rule(
        hours=pauses,
        data=strategies.data(),
        waive=strategies.booleans(),
        what=strategies.sampled_from(
            ["approve", "approve", "pay", "pay", "reject", "cancel_withdrawal"]
        ),
    )
    def a_withdrawal_moves(self, hours, data, waive, what):
        event = {"do": what, "withdrawal": self._some(data, self.named)}
        if what == "reject":
            event["reason"] = "not now"
        if what == "pay":
            event |= {"reference": f"T-{self.events}", "waive_fee": waive}
        self.step(hours, **event)

    @rule(hours=pauses, affiliate=affiliates, amount=strategies.integers(-3000, 9000))
    def the_owner_adjusts(self, hours, affiliate, amount):
        self.step(hours, do="adjust", affiliate=affiliate, amount=amount or 1, reason="agreed")

    @rule(
        hours=pauses,
        affiliate=affiliates,
        relock=strategies.booleans(),
        level=strategies.sampled_from(["NORMAL", "AT_RISK", "HIGH_RISK", "EXTREME_RISK"]),
    )
    def the_owner_sets_a_level(self, hours, affiliate, relock, level):
        self.step(hours, do="set_risk", affiliate=affiliate, level=level, relock=relock)

    @rule(
        hours=pauses,
        affiliate=affiliates,
        flat=strategies.booleans(),
        value=strategies.integers(1, 90),
        max_uses=strategies.integers(1, 2),
        only=strategies.sampled_from([None, ["premium"], ["course"]]),
    )
    def a_boost_is_made_and_redeemed(self, hours, affiliate, flat, value, max_uses, only):
        code = f"BOOST-{self.events:06}"
        event = {
            "do": "create_boost",
            "code": code,
            "type": "flat_bonus" if flat else "percentage_increase",
            "value": value * 10 if flat else value,
            "max_uses": max_uses,
        }
        if only:
            event |= {"scope": "SPECIFIC", "products": only}
        self.step(hours, **event)
        self.step(1, do="redeem_boost", affiliate=affiliate, code=code)


def compare(real, expected, event):
    """Every balance, status and date; movements of one instant in any order."""
    assert real["verify"]["ok"], real["verify"]
    assert [each["event"] for each in real["refused"]] == expected["refused"], (
        event,
        real["refused"][-3:],
    )
    for name in ("affiliates", "customers", "invoices", "commissions", "refunds", "withdrawals"):
        assert different(real[name], expected[name]) == [], (name, event)
    assert _movements(real["ledger"]) == _movements(expected["ledger"]), event


def different(real, expected):
    """What differs, row by row: its place, the field, what is, and what should be."""
    if isinstance(real, dict):
        assert list(real) == list(expected)
        real, expected = list(real.values()), list(expected.values())
    assert len(real) == len(expected), (real[len(expected) :], expected[len(real) :])
    return [
        (place, field, mine.get(field), theirs[field])
        for place, (mine, theirs) in enumerate(zip(real, expected, strict=True))
        for field in theirs
        if mine.get(field) != theirs[field]
    ]


def _movements(rows):
    return sorted(
        (row["at"], row["affiliate"], row["type"], sorted(row["entries"].items())) for row in rows
    )


def live(base, start, *, examples, steps, derandomize):
    """Run random lives from an instant; the first that differs is shrunk and shown."""
    load_jobs()
    run_state_machine_as_test(
        lambda: Lives(base, start),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


class Begun:
    """Lives that begin at one instant; a class of its own, so that workers share the starts."""

    start: str

    @pytest.mark.timeout(0)
    def test_the_product_lives_as_the_rules_say(self, settings):
        live(settings, self.start, examples=2, steps=40, derandomize=True)

    @pytest.mark.long
    @pytest.mark.timeout(0)
    def test_for_hundreds_of_steps(self, settings):
        """With the other starts some 2,500 compared steps."""
        live(settings, self.start, examples=14, steps=40, derandomize=True)

    @pytest.mark.soak
    @pytest.mark.timeout(0)
    def test_for_long(self, settings):
        live(settings, self.start, examples=300, steps=100, derandomize=False)


class TestBegunBeforeALeapFebruary(Begun):
    start = "2028-01-31T09:00:00+01:00"


class TestBegunBeforeSummerTime(Begun):
    start = "2026-03-27T23:30:00+01:00"


class TestBegunBeforeWinterTime(Begun):
    start = "2026-10-23T02:30:00+02:00"


class TestBegunAtTheEndOfNovember(Begun):
    start = "2026-11-30T18:00:00+01:00"
