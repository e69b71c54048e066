"""What a change of plan would do to a customer as they stand, and applying it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.billing import CustomerStatus, InvoiceKind, InvoiceStatus
from models.billing.apply_switch import apply_switch, apply_unpaid, give_up_switch
from models.billing.extend_period import extend_period
from models.billing.preview_switch import (
    AnotherProduct,
    CyclesUsedUp,
    NoCard,
    PlanOff,
    SamePlan,
    paid_period,
    plans_to_switch_to,
    preview_switch,
)
from models.billing.quote import Quote
from models.billing.reckon_switch import SwitchWhen
from models.billing.standing import Cancelling, Complimentary, NeverRenews, NotRunning, PastDue
from models.billing.undo_switch import undo_switch
from models.catalog import BillingInterval
from models.ids import new_id
from models.oversight import OutboxEvent
from tests.models.billing.subscribers import (
    END,
    OWNER,
    START,
    on_trial,
    past_due,
    subscribe,
    unpaid,
)

MIDDLE = START + timedelta(days=10)  # 21 days of 31 left


@pytest.fixture
def plans(make):
    """Plans of one product: the basic one, a dearer, a cheaper, a yearly."""
    basic = make.plan(name="Basic")
    return {
        "basic": basic,
        "dearer": make.plan(product=basic.product, price_amount=9900, name="Pro"),
        "cheaper": make.plan(product=basic.product, price_amount=1900, name="Light"),
        "yearly": make.plan(
            product=basic.product, price_amount=49_000, billing_interval=BillingInterval.ANNUALLY
        ),
    }


def look(session, customer, plan, now=MIDDLE):
    return preview_switch(session, customer.id, plan.id, now=now)


class TestPreview:
    def test_of_a_dearer_plan(self, session, make, plans):
        found = look(session, subscribe(make, plans["basic"]), plans["dearer"])
        assert (found.when, found.charge, found.next_price) == (SwitchWhen.NOW, 3387, 9900)

    def test_charges_by_the_terms_as_sold(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        customer.terms = {**customer.terms, "price": 2900}
        assert look(session, customer, plans["dearer"]).charge == 4742  # 7000 × 21 ÷ 31

    def test_of_every_kind_of_plan_in_a_trial(self, session, make, plans):
        customer = on_trial(make, plans["basic"])
        for name in ("dearer", "cheaper", "yearly"):
            found = look(session, customer, plans[name])
            assert (found.when, found.charge) == (SwitchWhen.NOW, 0)

    def test_names_what_stands_in_the_way(self, session, make, plans):
        dearer = plans["dearer"]
        refused = {
            NotRunning: {"status": CustomerStatus.EXPIRED, "next_charge_at": None},
            Complimentary: {"is_complimentary": True, "next_charge_at": None},
            Cancelling: {"cancel_at_period_end": True, "next_charge_at": None},
            NeverRenews: {"subscription_ends_at": None, "next_charge_at": None},
            NoCard: {"card": False},
        }
        for refusal, values in refused.items():
            customer = subscribe(make, plans["basic"], **values)
            with pytest.raises(refusal):
                look(session, customer, dearer)
        customer, _ = past_due(make, plans["basic"])
        with pytest.raises(PastDue):
            look(session, customer, dearer)

    def test_names_what_is_wrong_with_the_plan(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        off = make.plan(product=plans["basic"].product, is_active=False)
        for refusal, plan_id in (
            (SamePlan, plans["basic"].id),
            (AnotherProduct, make.plan().id),
            (AnotherProduct, new_id()),
            (PlanOff, off.id),
        ):
            with pytest.raises(refusal):
                preview_switch(session, customer.id, plan_id, now=MIDDLE)

    def test_of_a_cheaper_plan_where_nothing_more_is_charged(self, session, make, plans):
        limited = make.plan(product=plans["basic"].product, max_billing_cycles=1)
        customer = subscribe(make, limited, next_charge_at=None)
        with pytest.raises(NeverRenews):
            look(session, customer, plans["cheaper"])

    def test_of_the_present_plan_takes_back_the_one_that_waits(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        customer.next_plan_id, customer.next_terms = plans["cheaper"].id, {"price": 1900}
        found = look(session, customer, plans["basic"])
        assert (found.charge, found.next_price) == (0, 4900)

    def test_lists_the_other_plans_on_sale(self, session, make, plans):
        make.plan(product=plans["basic"].product, is_active=False)
        found = plans_to_switch_to(session, subscribe(make, plans["basic"]))
        assert found == [plans["cheaper"], plans["dearer"], plans["yearly"]]


class TestPaidPeriod:
    def test_is_reckoned_from_the_anchor(self, session, make, plans):
        later = END + timedelta(days=30)
        customer = subscribe(
            make, plans["basic"], periods_since_anchor=2, subscription_ends_at=later
        )
        found = paid_period(session, customer, Quote.from_json(customer.terms))
        assert (found.start, found.end) == (END, later)

    def test_keeps_its_beginning_when_it_was_extended(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        invoice = unpaid(make, customer, InvoiceKind.FIRST, period_start=START)
        invoice.number, invoice.status = "WS-2026-000001", InvoiceStatus.PAID
        session.flush()
        until = END + timedelta(days=31)
        extend_period(session, customer.id, until=until, reason="", actor=OWNER, now=MIDDLE)
        found = paid_period(session, customer, Quote.from_json(customer.terms))
        assert (found.start, found.end, found.days) == (START, until, 62)

    def test_without_any_invoice_is_one_interval(self, session, make, plans):
        customer = subscribe(make, plans["basic"], billing_anchor_at=END, periods_since_anchor=0)
        found = paid_period(session, customer, Quote.from_json(customer.terms))
        assert (found.start, found.end) == (START, END)


class TestApply:
    def paid(self, make, customer, switch):
        invoice = unpaid(
            make,
            customer,
            InvoiceKind.UPGRADE,
            period_start=switch.period_start,
            period_end=switch.period_end,
            amount_including_tax=switch.charge,
            switch=switch.to_json(),
        )
        invoice.plan_id = switch.plan_id
        invoice.number, invoice.status = f"WS-{invoice.id}", InvoiceStatus.PAID
        make.session.flush()
        return invoice

    def test_keeps_the_period_for_the_same_interval(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        invoice = self.paid(make, customer, look(session, customer, plans["dearer"]))
        assert apply_switch(session, customer, invoice, now=MIDDLE)
        assert customer.current_plan_id == plans["dearer"].id
        assert customer.terms["price"] == 9900
        assert (customer.subscription_ends_at, customer.next_charge_at) == (END, END)
        assert (customer.billing_anchor_at, customer.billing_cycles_done) == (START, 1)
        assert plans["dearer"].sold_at == MIDDLE

    def test_begins_a_period_of_its_own_for_another_interval(self, session, make, plans):
        customer = subscribe(make, plans["basic"], periods_since_anchor=3, billing_cycles_done=3)
        customer.next_plan_id, customer.next_terms = plans["cheaper"].id, {"price": 1900}
        invoice = self.paid(make, customer, look(session, customer, plans["yearly"]))
        known = MIDDLE + timedelta(days=2)  # the payment was known late
        assert apply_switch(session, customer, invoice, now=known)
        assert (customer.billing_anchor_at, customer.periods_since_anchor) == (MIDDLE, 1)
        assert customer.subscription_ends_at == customer.next_charge_at == invoice.period_end
        assert customer.billing_cycles_done == 4
        assert customer.next_plan_id is None

    def test_of_an_ended_purchase_is_left_for_the_owner(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        invoice = self.paid(make, customer, look(session, customer, plans["dearer"]))
        customer.status, customer.next_charge_at = CustomerStatus.CANCELLED, None
        assert not apply_switch(session, customer, invoice, now=MIDDLE)
        assert customer.current_plan_id == plans["basic"].id
        assert session.scalar(select(OutboxEvent.kind)) == "billing.switch_unapplied"

    def test_for_nothing_in_a_trial_keeps_its_end(self, session, make, plans):
        customer = on_trial(make, plans["basic"])
        switch = look(session, customer, plans["yearly"])
        apply_unpaid(session, customer, switch, actor=OWNER, now=MIDDLE)
        assert (customer.trial_ends_at, customer.next_charge_at) == (END, END)
        assert customer.terms["price"] == 49_000
        assert customer.billing_cycles_done == 0

    def test_what_is_not_paid_is_void_and_changes_nothing(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        invoice = unpaid(make, customer, InvoiceKind.UPGRADE)
        for _ in range(2):
            give_up_switch(session, invoice, because="generic_decline", now=MIDDLE)
        assert (invoice.status, invoice.number) == (InvoiceStatus.VOID, None)
        assert customer.current_plan_id == plans["basic"].id
        assert len(session.scalars(select(OutboxEvent)).all()) == 1


@pytest.mark.parametrize("price", [1900, 9900])
def test_a_plan_whose_payments_are_all_made_is_refused(session, make, price):
    basic = make.plan()
    short = make.plan(product=basic.product, price_amount=price, max_billing_cycles=3)
    customer = subscribe(make, basic)
    for done, fine in ((2, True), (3, False), (5, False)):
        customer.billing_cycles_done = done
        if fine:
            assert look(session, customer, short)
        else:
            with pytest.raises(CyclesUsedUp):
                look(session, customer, short)


class TestUndo:
    def test_keeps_the_present_plan(self, session, make, plans):
        customer = subscribe(make, plans["basic"])
        customer.next_plan_id, customer.next_terms = plans["cheaper"].id, {"price": 1900}
        for _ in range(2):
            undo_switch(session, customer.id, actor=OWNER, now=MIDDLE)
        assert (customer.next_plan_id, customer.next_terms) == (None, None)
        assert session.scalars(select(OutboxEvent.kind)).all() == ["billing.switch_undone"]
