"""What people do, one event at a time, and what the rules say follows."""

from fractions import Fraction

from tests.reference import affiliates, money_back, outcome, payouts
from tests.reference.arithmetic import DAY, days_later, excluding, half_up, local_day, months_later
from tests.reference.clockwork import Clockwork
from tests.reference.things import Affiliate, Boost, Card, Customer, Invoice, Refused

DECLINES = {"4000000000000002", "4000000000009995", "4000000000000069", "4000000000009979"}
NEVER_RETRIED = {"4000000000009979"}
DECLINES_LATER = "4000000000000341"
ANSWERS_LATE = "4000000000000119"


class Business(Clockwork):
    """The state of everything, at ``now``."""

    def __init__(self, start, terms, plans, affiliates):
        self.now = start
        self.terms = terms
        self.plans = {plan.slug: plan for plan in plans}
        self.affiliates: dict[str, Affiliate] = {each.slug: each for each in affiliates}
        self.cookies = {}
        self.customers, self.invoices, self.commissions = [], [], []
        self.refunds, self.ledger, self.unanswered = [], [], []
        self.withdrawals = {}
        self.boosts = {}
        self.numbers = {}
        self.refused = []

    def play(self, at, index, event):
        """Let time pass until ``at``, then do what an event says."""
        self.pass_time(at)
        try:
            getattr(self, f"do_{event['do']}")(
                **{name: value for name, value in event.items() if name not in ("do", "at")}
            )
        except Refused:
            self.refused.append(index)

    def result(self):
        return outcome.result_of(self)

    # buying

    def do_click(self, visitor, ref):
        self.cookies[visitor] = (self.affiliates[ref], self.now)

    def do_buy(self, email, button, card, visitor=None):
        plan = self.plans[button]
        mine = self.customer(email, plan.product)
        if mine and mine.running:
            raise Refused
        if card in DECLINES:
            return
        if card == ANSWERS_LATE:
            self.unanswered.append((self.now, self._settle_purchase, (email, plan, card, visitor)))
            return
        self._settle_purchase(email, plan, card, visitor)

    @staticmethod
    def today_of(plan):
        return plan.setup_fee + (plan.trial_amount if plan.trial_days else plan.price)

    def _settle_purchase(self, email, plan, card, visitor):
        mine = self.customer(email, plan.product)
        if mine is None:
            mine = Customer(email, plan.product, len(self.customers), plan, Card(card), "")
            self.customers.append(mine)
        mine.plan, mine.card, mine.bought_at = plan, Card(card, worked=True), self.now
        mine.cancels, mine.next_plan, mine.open_invoice = False, None, None
        mine.first_failed_at, mine.retries = None, 0
        if plan.trial_days:
            mine.status, mine.cycles, mine.since_anchor = "TRIAL", 0, 0
            mine.trial_ends_at = mine.anchor = days_later(self.now, plan.trial_days)
            mine.ends_at = None
        else:
            mine.status, mine.cycles, mine.since_anchor = "ACTIVE", 1, 1
            mine.trial_ends_at, mine.anchor = None, self.now
            mine.ends_at = months_later(self.now, plan.months) if plan.months else None
        mine.next_charge_at = mine.period_starts_at if mine.renews else None
        self._attribute(mine, visitor)
        if self.today_of(plan):
            kind = "TRIAL" if plan.trial_days else "FIRST"
            until = mine.trial_ends_at or mine.ends_at
            self.pay(self.invoice(mine, plan, kind, self.now, until, self.today_of(plan)))

    def _attribute(self, mine, visitor):
        """The last good click wins; without one, what stood stands."""
        affiliate, at = self.cookies.get(visitor, (None, None))
        program = mine.product.program
        if affiliate and program and program.active and self.now < at + program.cookie_days * DAY:
            if (mine.affiliate, mine.click_at) != (affiliate, at):
                mine.own_purchase = False
            mine.affiliate, mine.click_at = affiliate, at
        if mine.affiliate and mine.affiliate.email == mine.email:
            mine.own_purchase = True

    def customer(self, email, product):
        found = [each for each in self.customers if (each.email, each.product) == (email, product)]
        return found[0] if found else None

    def invoice(self, customer, plan, kind, start, end, price):
        made = Invoice(customer, plan, kind, start, end, price, excluding(price, self.terms.vat))
        self.invoices.append(made)
        return made

    def pay(self, invoice):
        """The invoice is paid now: it gets the next number, and its affiliate a commission."""
        invoice.status, invoice.paid_at = "PAID", self.now
        year = local_day(self.now).year
        self.numbers[year] = self.numbers.get(year, 0) + 1
        invoice.number = f"WS-{year}-{self.numbers[year]:06}"
        invoice.affiliate = invoice.customer.affiliate
        affiliates.earn(self, invoice)

    # the subscription's acts

    def _running(self, email, product):
        found = [c for c in self.customers if c.email == email and c.product.slug == product]
        if not found or not found[0].running:
            raise Refused
        return found[0]

    def do_cancel(self, email, product):
        mine = self._running(email, product)
        if mine.cancels:
            return
        if mine.period_starts_at is None:
            raise Refused
        mine.cancels, mine.next_charge_at = True, None
        owes = mine.status == "PAST_DUE" and mine.period_starts_at <= self.now
        if owes and not self.is_unanswered(mine):
            self.end(mine, "CANCELLED")

    def do_undo_cancel(self, email, product):
        mine = self._running(email, product)
        if not mine.cancels:
            return
        if mine.period_starts_at <= self.now:
            raise Refused
        mine.cancels = False
        mine.next_charge_at = mine.period_starts_at if mine.renews else None
        if mine.status == "PAST_DUE":
            mine.next_charge_at = self.retry_at(mine)

    def do_update_card(self, email, product, card):
        mine = self._running(email, product)
        if mine.status == "ACTIVE" and not mine.pays_again:
            raise Refused
        if card in DECLINES:
            return
        mine.card = Card(card, worked=True)
        if mine.status == "PAST_DUE" and mine.open_invoice:
            if card == ANSWERS_LATE:
                self.unanswered.append((self.now, self.renewed, (mine,)))
            elif card != DECLINES_LATER:
                self.renewed(mine)

    def do_switch_plan(self, email, product, to):
        mine, new = self._running(email, product), self.plans[to]
        if mine.status == "PAST_DUE" or mine.cancels or mine.period_starts_at is None:
            raise Refused
        if self.is_unanswered(mine):
            raise Refused
        if new.product is not mine.product:
            raise Refused
        if new is mine.plan:
            if mine.next_plan is None:
                raise Refused
            mine.next_plan = None
        elif mine.status == "TRIAL":
            mine.plan = new
        elif new.months == mine.plan.months and new.price < mine.plan.price:
            if not mine.renews:
                raise Refused
            mine.next_plan = new
        else:
            self._switch_now(mine, new)

    def _switch_now(self, mine, new):
        """Dearer, or of another interval: what is due today depends on the days left."""
        old = mine.plan
        began = months_later(mine.anchor, old.months * (mine.since_anchor - 1))
        whole = (local_day(mine.ends_at) - local_day(began)).days
        left = max(0, (local_day(mine.ends_at) - local_day(self.now)).days)
        until = mine.ends_at
        if new.months == old.months:
            due = half_up(Fraction((new.price - old.price) * left, whole))
        else:
            due = max(0, new.price - half_up(Fraction(old.price * left, whole)))
            until = months_later(self.now, new.months) if new.months else None
        upgrade = self.invoice(mine, new, "UPGRADE", self.now, until, due) if due else None
        if upgrade and mine.card.number == DECLINES_LATER:
            upgrade.status = "VOID"
        elif upgrade and mine.card.number == ANSWERS_LATE:
            self.unanswered.append((self.now, self._switched, (mine, new, upgrade)))
        else:
            self._switched(mine, new, upgrade)

    def _switched(self, mine, new, upgrade):
        if new.months != mine.plan.months:
            mine.anchor = upgrade.period_start if upgrade else self.now
            mine.ends_at = months_later(mine.anchor, new.months) if new.months else None
            mine.since_anchor, mine.cycles = 1, mine.cycles + 1
        mine.plan, mine.next_plan = new, None
        mine.next_charge_at = mine.ends_at if mine.renews else None
        if upgrade:
            self.pay(upgrade)

    # money back, payouts and the affiliate's standing

    def paid_invoice(self, email, product, number):
        theirs = [
            each
            for each in self.invoices
            if each.customer.email == email
            and each.customer.product.slug == product
            and each.number
        ]
        theirs.sort(key=lambda each: each.number)
        if len(theirs) < number:
            raise Refused
        return theirs[number - 1]

    def do_refund(self, email, product, invoice, amount=None):
        money_back.refund(self, self.paid_invoice(email, product, invoice), amount)

    def do_request_refund(self, email, product, invoice, reason):
        money_back.request(self, self.paid_invoice(email, product, invoice))

    def do_approve_refund(self, email, product, invoice):
        money_back.approve(self, self.paid_invoice(email, product, invoice))

    def do_reject_refund(self, email, product, invoice):
        money_back.reject(self, self.paid_invoice(email, product, invoice))

    def do_withdraw(self, affiliate, amount, **name):
        payouts.ask(self, self.affiliates[affiliate], amount, name["as"])

    def do_approve(self, withdrawal):
        payouts.approve(self, withdrawal)

    def do_reject(self, withdrawal, reason):
        payouts.give_back(self, withdrawal, "REJECTED")

    def do_cancel_withdrawal(self, withdrawal):
        payouts.give_back(self, withdrawal, "CANCELLED")

    def do_pay(self, withdrawal, reference, waive_fee=False):
        payouts.pay(self, withdrawal, waive_fee)

    def do_adjust(self, affiliate, amount, reason):
        payouts.adjust(self, self.affiliates[affiliate], amount)

    def do_set_risk(self, affiliate, level, relock=False):
        affiliates.set_level(self, self.affiliates[affiliate], level, relock)

    def do_create_boost(
        self, code, type, value, scope=None, products=None, valid_until=None, max_uses=None
    ):
        if code in self.boosts:
            raise Refused
        self.boosts[code] = Boost(code, type, Fraction(value), products, valid_until, max_uses)

    def do_redeem_boost(self, affiliate, code):
        affiliates.redeem(self, self.affiliates[affiliate], code)

    def post(self, affiliate, type, **entries):
        """One movement of the ledger; the affiliate's own accounts follow."""
        entries = {name.upper(): amount for name, amount in entries.items()}
        for account in ("LOCKED", "AVAILABLE", "RESERVED"):
            held = getattr(affiliate, account.lower()) + entries.get(account, 0)
            setattr(affiliate, account.lower(), held)
        self.ledger.append((self.now, affiliate.slug, type, entries))
