"""Changing a plan around a real charge: paid, refused, unknown, and twice at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation import Commission
from models.billing import (
    AttemptOutcome,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
)
from models.billing.cancel_now import cancel_now
from models.billing.cancel_subscription import cancel_subscription
from models.billing.in_process import Fault
from models.billing.periods import period_end
from models.billing.preview_switch import SamePlan
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import look_into, resolve_unknown
from models.billing.standing import PastDue, PaymentUnderWay
from models.billing.switch_plan import SwitchChanged, switch_plan
from models.billing.undo_switch import undo_switch
from models.billing.void_switches import void_forgotten_switches
from models.catalog import BillingInterval
from models.errors import DomainError
from models.oversight import Actor, OutboxEvent
from models.session import staff_reading, unit_of_work
from tests.checkouts import ASKS_BANK, DECLINED_LATER, GOOD, buy
from tests.factories import Make
from tests.models.billing.subscribers import OWNER, unpaid

pytestmark = pytest.mark.usefixtures("committed", "now")


class Shop:
    """A buyer of a basic monthly plan, brought by an affiliate, and the plans beside it."""

    def __init__(self, twin, card=GOOD, **basic):
        with unit_of_work() as session:
            make = Make(session)
            self.basic = make.plan("basic", **basic)
            product = self.basic.product
            self.dearer = make.plan("dearer", product=product, price_amount=9900)
            self.cheaper = make.plan("cheaper", product=product, price_amount=1900)
            self.yearly = make.plan(
                "yearly",
                product=product,
                price_amount=49_000,
                billing_interval=BillingInterval.ANNUALLY,
            )
            make.program(product)
            click = make.click(make.affiliate()).click_id
            key = make.button(plan=self.basic).button_key
        self.twin = twin
        checkout = buy(twin, key, card=card, click_id=click)
        for payment in [p for p in twin.payments.values() if p.redirect_url]:
            twin.answer_bank(payment.payment_id, authorised=True)
            clock.advance(timedelta(seconds=5))
            look_into(checkout, back_from_bank=True)
        with staff_reading() as session:
            self.customer_id = session.scalars(select(Customer.id)).one()

    @property
    def customer(self):
        with staff_reading() as session:
            return session.get(Customer, self.customer_id)

    def switch(self, plan, actor=OWNER, **values):
        return switch_plan(self.customer_id, plan.id, actor=actor, **values)

    def upgrades(self):
        with staff_reading() as session:
            return session.scalars(
                select(Invoice).where(Invoice.kind == InvoiceKind.UPGRADE).order_by(Invoice.id)
            ).all()

    def kinds(self):
        with staff_reading() as session:
            return session.scalars(select(OutboxEvent.kind).order_by(OutboxEvent.id)).all()


@pytest.fixture
def shop(twin):
    return Shop(twin)


class TestPaid:
    def test_a_dearer_plan_is_charged_and_in_force(self, shop):
        clock.advance(timedelta(days=10))
        before = shop.customer
        done = shop.switch(shop.dearer)
        [invoice], after = shop.upgrades(), shop.customer
        assert done.outcome is AttemptOutcome.SUCCEEDED
        assert shop.twin.paid[-1].amount == invoice.amount_including_tax == done.switch.charge
        assert (invoice.status, invoice.number) == (InvoiceStatus.PAID, "WS-2026-000002")
        assert invoice.mentions["plan"] == shop.dearer.name
        assert invoice.period_end == before.subscription_ends_at
        assert (after.current_plan_id, after.terms["price"]) == (shop.dearer.id, 9900)
        assert after.subscription_ends_at == before.subscription_ends_at
        assert after.next_charge_at == before.next_charge_at
        assert (after.periods_since_anchor, after.billing_cycles_done) == (1, 1)
        assert "billing.plan_switched" in shop.kinds()

    def test_it_earns_its_commission(self, shop):
        clock.advance(timedelta(days=10))
        done = shop.switch(shop.dearer)
        with staff_reading() as session:
            commission = session.scalars(
                select(Commission).where(Commission.invoice_id == done.invoice_id)
            ).one()
        assert commission.base_amount == shop.upgrades()[0].amount_excluding_tax

    def test_another_interval_begins_a_period_of_its_own(self, shop):
        clock.advance(timedelta(days=10))
        done, now = shop.switch(shop.yearly), clock.now()
        after = shop.customer
        assert done.outcome is AttemptOutcome.SUCCEEDED
        assert (after.billing_anchor_at, after.periods_since_anchor) == (now, 1)
        assert after.subscription_ends_at == after.next_charge_at == done.switch.period_end
        assert after.billing_cycles_done == 2

    def test_what_costs_nothing_today_makes_no_invoice(self, shop):
        end = shop.customer.subscription_ends_at
        clock.move_to(end - timedelta(hours=1))
        done = shop.switch(shop.dearer)
        assert (done.outcome, shop.upgrades()) == (None, [])
        assert shop.customer.current_plan_id == shop.dearer.id

    def test_a_cheaper_plan_waits_and_is_charged_by_the_renewal(self, shop):
        assert shop.switch(shop.cheaper).outcome is None
        waiting = shop.customer
        assert waiting.current_plan_id == shop.basic.id
        assert waiting.next_plan_id == shop.cheaper.id
        clock.move_to(waiting.subscription_ends_at)
        renew_due()
        after = shop.customer
        assert (after.current_plan_id, after.next_plan_id) == (shop.cheaper.id, None)
        assert shop.twin.paid[-1].amount == 1900

    def test_the_present_plan_takes_the_waiting_one_back(self, shop):
        shop.switch(shop.cheaper)
        assert shop.switch(shop.basic).is_in_force
        assert shop.customer.next_plan_id is None
        assert shop.kinds()[-1] == "billing.switch_undone"

    @pytest.mark.parametrize(
        ("card", "fault", "refusal"),
        [(DECLINED_LATER, None, PastDue), (GOOD, Fault.LOST_AFTER, PaymentUnderWay)],
    )
    def test_a_waiting_one_stays_once_its_renewal_is_asked_for(self, twin, card, fault, refusal):
        shop = Shop(twin, card=card)
        shop.switch(shop.cheaper)
        clock.move_to(shop.customer.subscription_ends_at)
        if fault:
            twin.fail_next("charge", fault)
        renew_due()

        with pytest.raises(refusal), unit_of_work() as session:
            undo_switch(session, shop.customer_id, actor=OWNER, now=clock.now())

        assert shop.customer.next_plan_id == shop.cheaper.id

    def test_a_dearer_plan_takes_the_place_of_a_waiting_one(self, shop):
        shop.switch(shop.cheaper)
        clock.advance(timedelta(days=1))
        shop.switch(shop.dearer)
        assert (shop.customer.current_plan_id, shop.customer.next_plan_id) == (shop.dearer.id, None)

    def test_in_a_trial_the_new_plan_is_charged_at_its_end(self, twin):
        shop = Shop(twin, trial_days=7)
        shop.switch(shop.yearly)
        assert twin.paid == []
        ends = shop.customer.trial_ends_at
        clock.move_to(ends)
        renew_due()
        assert [payment.amount for payment in twin.paid] == [49_000]
        assert shop.customer.billing_anchor_at == ends

    def test_the_price_shown_is_the_price_paid(self, shop):
        shown = 5000
        with pytest.raises(SwitchChanged):
            shop.switch(shop.dearer, expects=shown - 1)
        assert shop.upgrades() == []
        assert shop.switch(shop.dearer, expects=shown).is_in_force


class TestNotPaid:
    def test_a_declined_card_changes_nothing(self, twin):
        shop = Shop(twin, DECLINED_LATER)
        before = shop.customer
        done = shop.switch(shop.dearer)
        [invoice], after = shop.upgrades(), shop.customer
        assert done.is_refused
        assert done.decline_code == "generic_decline"
        assert (invoice.status, invoice.number) == (InvoiceStatus.VOID, None)
        assert (after.status, after.current_plan_id) == (CustomerStatus.ACTIVE, shop.basic.id)
        assert (after.next_charge_at, after.dunning_step) == (before.next_charge_at, 0)
        assert len(twin.paid) == 1

    def test_it_may_be_tried_again(self, twin):
        shop = Shop(twin, DECLINED_LATER)
        for _ in range(2):
            assert shop.switch(shop.dearer).is_refused
        assert [each.status for each in shop.upgrades()] == [InvoiceStatus.VOID] * 2

    def test_a_charge_that_was_never_sent_changes_nothing(self, shop):
        shop.twin.fail_next("charge", Fault.NOT_SENT)
        assert shop.switch(shop.dearer).is_refused
        assert shop.upgrades()[0].status is InvoiceStatus.VOID
        assert shop.switch(shop.dearer).is_in_force


class TestUnknown:
    def test_is_applied_when_the_answer_comes(self, shop):
        shop.twin.fail_next("charge", Fault.LOST_AFTER)
        asked = clock.now()
        done = shop.switch(shop.yearly)
        assert done.outcome is AttemptOutcome.PENDING
        assert shop.customer.current_plan_id == shop.basic.id
        with pytest.raises(PaymentUnderWay):
            shop.switch(shop.dearer)
        clock.advance(timedelta(minutes=5))
        resolve_unknown()
        after = shop.customer
        assert (after.current_plan_id, after.billing_anchor_at) == (shop.yearly.id, asked)
        assert len(shop.twin.paid) == 2

    def test_what_never_arrived_is_given_up(self, shop):
        shop.twin.fail_next("charge", Fault.LOST_BEFORE)
        shop.switch(shop.dearer)
        clock.advance(timedelta(hours=2))
        resolve_unknown()
        assert shop.upgrades()[0].status is InvoiceStatus.VOID
        assert shop.customer.current_plan_id == shop.basic.id
        assert shop.switch(shop.dearer).is_in_force

    def test_money_for_an_ended_purchase_is_not_lost_sight_of(self, shop):
        shop.twin.fail_next("charge", Fault.LOST_AFTER)
        shop.switch(shop.dearer)
        with unit_of_work() as session:
            cancel_now(session, shop.customer_id, reason="asked", actor=OWNER, now=clock.now())
        clock.advance(timedelta(minutes=5))
        resolve_unknown()
        assert shop.customer.current_plan_id == shop.basic.id
        assert shop.customer.status is CustomerStatus.CANCELLED

    def test_what_a_killed_process_left_blocks_nothing(self, shop, monkeypatch):
        monkeypatch.setattr("models.billing.switch_plan.charge_invoice", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shop.switch(shop.dearer)
        monkeypatch.undo()
        with pytest.raises(PaymentUnderWay):
            shop.switch(shop.dearer)
        assert void_forgotten_switches() == {"given_up": 0}
        clock.advance(timedelta(minutes=11))
        assert void_forgotten_switches() == {"given_up": 1}
        assert shop.switch(shop.dearer).is_in_force
        assert [each.status for each in shop.upgrades()] == [
            InvoiceStatus.VOID,
            InvoiceStatus.PAID,
        ]


class TestAtTheBank:
    @pytest.fixture
    def asked(self, twin):
        """A customer's own change, for which the bank sends for them."""
        shop = Shop(twin, ASKS_BANK)
        done = shop.switch(shop.dearer, actor=Actor("CLIENT", shop.customer.user_id))
        assert done.outcome is AttemptOutcome.NEEDS_ACTION
        return shop, done

    def waiting(self, twin):
        return next(p for p in twin.payments.values() if p.redirect_url)

    def test_the_customer_is_sent_there_and_the_change_follows(self, twin, asked):
        shop, done = asked
        assert done.redirect_url == self.waiting(twin).redirect_url
        assert shop.customer.current_plan_id == shop.basic.id
        twin.answer_bank(self.waiting(twin).payment_id, authorised=True)
        clock.advance(timedelta(seconds=30))
        resolve_unknown()
        assert shop.customer.current_plan_id == shop.dearer.id

    def test_a_no_there_changes_nothing(self, twin, asked):
        shop, _ = asked
        twin.answer_bank(self.waiting(twin).payment_id, authorised=False)
        clock.advance(timedelta(seconds=30))
        resolve_unknown()
        assert shop.upgrades()[0].status is InvoiceStatus.VOID
        assert shop.customer.current_plan_id == shop.basic.id

    def test_what_is_left_unanswered_blocks_for_a_day(self, twin, asked):
        shop, _ = asked
        with pytest.raises(PaymentUnderWay):
            shop.switch(shop.dearer)
        clock.advance(timedelta(hours=25))
        resolve_unknown()
        assert shop.upgrades()[0].status is InvoiceStatus.VOID

    def test_staff_cannot_answer_for_the_customer(self, twin):
        shop = Shop(twin, ASKS_BANK)
        assert shop.switch(shop.dearer).is_in_force  # agreed to when it was first used


class TestAtOnce:
    def at_once(self, *acts):
        def answer(act):
            try:
                return act()
            except DomainError as refusal:
                return refusal

        with ThreadPoolExecutor(len(acts)) as threads:
            return [asked.result() for asked in [threads.submit(answer, act) for act in acts]]

    def test_two_changes_charge_once(self, shop):
        answers = self.at_once(*[lambda: shop.switch(shop.dearer)] * 6)
        done = [each for each in answers if not isinstance(each, DomainError)]
        refused = {type(each) for each in answers if isinstance(each, DomainError)}
        assert len(done) == 1
        assert refused <= {PaymentUnderWay, SamePlan}
        assert len(shop.twin.paid) == 2

    def test_cancelling_and_renewing_leave_one_of_both(self, shop):
        end = shop.customer.subscription_ends_at
        clock.move_to(end - timedelta(hours=20))

        def cancel():
            with unit_of_work() as session:
                cancel_subscription(session, shop.customer_id, actor=OWNER, now=clock.now())

        self.at_once(cancel, renew_due, cancel, renew_due)
        after = shop.customer
        renewed = len(shop.twin.paid) - 1
        assert (after.cancel_at_period_end, after.next_charge_at) == (True, None)
        assert (after.subscription_ends_at > end) == bool(renewed)
        clock.move_to(after.subscription_ends_at)
        renew_due()
        assert len(shop.twin.paid) == 1 + renewed <= 2

    def test_a_change_and_a_renewal_charge_each_once(self, shop):
        clock.move_to(shop.customer.subscription_ends_at - timedelta(hours=20))
        end = shop.customer.subscription_ends_at
        self.at_once(lambda: shop.switch(shop.yearly), renew_due, renew_due)
        bought, *later = [payment.amount for payment in shop.twin.paid]
        after, [*upgrades] = shop.customer, shop.upgrades()
        assert after.status is CustomerStatus.ACTIVE
        assert len(upgrades) == len([amount for amount in later if amount != bought]) <= 1
        if upgrades:  # it came last, with the renewal's days credited where there was one
            assert later[-1] == upgrades[0].amount_including_tax
            assert after.subscription_ends_at == upgrades[0].period_end
        else:
            assert after.subscription_ends_at == period_end(end, 1, BillingInterval.MONTHLY)
        assert later.count(bought) <= 1

    def test_no_renewal_while_a_change_waits_for_its_charge(self, shop):
        end = shop.customer.subscription_ends_at
        clock.move_to(end - timedelta(hours=20))
        with unit_of_work() as session:
            unpaid(Make(session), session.get(Customer, shop.customer_id), InvoiceKind.UPGRADE)
        assert renew_due()["charged"] == 0
        clock.advance(timedelta(minutes=11))
        void_forgotten_switches()
        assert renew_due()["charged"] == 1
