"""Renewals: dates, dunning, ends, what each answer does, safe at any hour and twice."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from models import clock
from models.billing import (
    AccessGrant,
    AttemptOutcome,
    Customer,
    CustomerStatus,
    EventOutcome,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    PaymentAttempt,
)
from models.billing.end_periods import end_due_periods
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import resolve_unknown
from models.catalog import BillingInterval
from models.clock import PARIS
from models.communities import CommunityMember
from models.oversight import AuditEvent, OutboxEvent
from models.session import staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from tests.checkouts import GOOD, buy, put_on_sale
from tests.stored import one

pytestmark = pytest.mark.usefixtures("committed")
LATER_DECLINED = "4000000000000341"
DAY = timedelta(hours=24)


def every(entity, order=None):
    with staff_reading() as session:
        return session.scalars(select(entity).order_by(order or entity.id)).all()


def paris(text):
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def bought_at(twin, text, card=GOOD, **plan):
    """A customer who bought at a wall time in Paris."""
    clock.move_to(paris(text))
    buy(twin, put_on_sale(**plan), card=card)
    return one(Customer)


def renew_at(text):
    clock.move_to(paris(text))
    return renew_due()


def change_card(number, twin):
    """The card that the twin charges from now on behaves like another."""
    from models.billing.sandbox_cards import find_card

    for method in twin.methods.values():
        method.card = find_card(number)


def ends():
    return one(Customer).subscription_ends_at.astimezone(PARIS).replace(tzinfo=None).isoformat()


@pytest.mark.parametrize(("asked", "paid"), [("0", "0.20"), ("0.20", "0")])
def test_an_invoice_says_of_vat_what_its_own_rate_asks_for(twin, asked, paid):
    """The setting may change while a payment is awaited; what was asked for does not."""
    use_settings(current_settings().model_copy(update={"vat_rate": Decimal(asked)}))
    bought_at(twin, "2026-03-10T12:00:00")
    twin.fail_next("charge", Fault.LOST_AFTER)
    renew_at("2026-04-10T02:00:00")
    use_settings(current_settings().model_copy(update={"vat_rate": Decimal(paid)}))
    clock.advance(timedelta(hours=1))

    assert resolve_unknown()["resolved"] == 1

    first, renewal = every(Invoice)
    assert renewal.tax_rate == first.tax_rate == Decimal(asked)
    for what in ("vat", "seller"):
        assert renewal.mentions[what] == first.mentions[what]


class TestPeriods:
    @pytest.mark.parametrize(
        ("start", "interval", "following"),
        [
            (
                "2028-01-31T10:00:00",
                "MONTHLY",
                ["2028-02-29T10:00:00", "2028-03-31T10:00:00", "2028-04-30T10:00:00"],
            ),
            (
                "2027-01-31T10:00:00",
                "MONTHLY",
                ["2027-02-28T10:00:00", "2027-03-31T10:00:00", "2027-04-30T10:00:00"],
            ),
            (
                "2026-11-30T10:00:00",
                "QUARTERLY",
                ["2027-02-28T10:00:00", "2027-05-30T10:00:00", "2027-08-30T10:00:00"],
            ),
            (
                "2028-02-29T10:00:00",
                "ANNUALLY",
                ["2029-02-28T10:00:00", "2030-02-28T10:00:00", "2031-02-28T10:00:00"],
            ),
            (
                "2026-02-28T02:30:00",
                "MONTHLY",
                ["2026-03-28T02:30:00", "2026-04-28T02:30:00", "2026-05-28T02:30:00"],
            ),
            (
                "2026-01-29T02:30:00",
                "MONTHLY",
                ["2026-02-28T02:30:00", "2026-03-29T03:30:00", "2026-04-29T02:30:00"],
            ),
            (
                "2026-08-25T02:30:00",
                "MONTHLY",
                ["2026-09-25T02:30:00", "2026-10-25T02:30:00", "2026-11-25T02:30:00"],
            ),
        ],
    )
    def test_end_where_the_anchor_says(self, twin, start, interval, following):
        bought_at(twin, start, billing_interval=BillingInterval(interval))

        seen = [ends()]
        while len(seen) < len(following):
            clock.move_to(paris(seen[-1]))
            assert renew_due()["charged"] == 1
            seen.append(ends())

        assert seen == following
        invoices = every(Invoice)
        assert [invoice.period_end for invoice in invoices[:-1]] == [
            invoice.period_start for invoice in invoices[1:]
        ]

    def test_are_charged_a_day_ahead_and_not_before(self, twin):
        customer = bought_at(twin, "2026-03-10T12:00:00")
        clock.move_to(customer.subscription_ends_at - DAY - timedelta(seconds=1))
        assert renew_due()["due"] == 0
        clock.advance(timedelta(seconds=1))

        counts = renew_due()

        assert (counts["due"], counts["charged"], counts["amount"]) == (1, 1, 4900)
        invoice = one(Invoice, Invoice.kind == InvoiceKind.RENEWAL)
        assert invoice.period_start == customer.subscription_ends_at
        assert invoice.paid_at == clock.now()
        assert invoice.number == "WS-2026-000002"
        assert invoice.mentions["plan"] == "Plan-Offer"

    def test_renewed_twice_are_charged_once(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")

        for hour in (2, 3, 14):
            renew_at(f"2026-04-10T{hour:02}:00:00")

        assert len(twin.paid) == len(every(Invoice)) == 2
        assert one(Customer).billing_cycles_done == 2

    def test_missed_by_a_clock_that_stood_still_are_caught_up(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")

        counts = renew_at("2026-06-09T13:00:00")

        assert counts["charged"] == 3
        assert ends() == "2026-07-10T12:00:00"

    def test_charge_what_was_sold_whatever_the_catalogue_says_by_then(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        with unit_of_work() as session:
            customer = session.scalars(select(Customer)).one()
            customer.terms = customer.terms | {"price": 3900}

        renew_at("2026-04-10T02:00:00")

        assert [payment.amount for payment in twin.paid] == [4900, 3900]

    def test_stop_after_the_last_cycle_and_access_ends_with_its_period(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", max_billing_cycles=2)
        renew_at("2026-04-10T02:00:00")
        customer = one(Customer)
        assert customer.next_charge_at is None
        assert customer.status is CustomerStatus.ACTIVE

        assert renew_at("2026-05-10T11:59:00")["due"] == 0
        assert end_due_periods()["ended"] == 0
        clock.move_to(paris("2026-05-10T12:00:00"))
        assert end_due_periods()["ended"] == 1
        assert end_due_periods()["ended"] == 0

        assert one(Customer).status is CustomerStatus.EXPIRED
        assert one(AccessGrant).revoked_at == clock.now()
        assert not one(CommunityMember).is_active
        assert len(twin.paid) == 2

    @pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
    def test_never_come_for_what_is_bought_once(self, twin, interval):
        bought_at(twin, "2026-03-10T12:00:00", billing_interval=interval)

        assert renew_at("2036-03-10T12:00:00")["due"] == 0
        assert end_due_periods() == {"ended": 0, "paused": 0}
        assert one(Customer).status is CustomerStatus.ACTIVE


class TestTrials:
    def test_are_charged_once_they_have_ended(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", trial_days=14)
        assert renew_at("2026-03-24T11:59:59")["due"] == 0

        counts = renew_at("2026-03-25T02:00:00")

        assert counts["charged"] == 1
        customer, invoice = one(Customer), one(Invoice)
        assert customer.status is CustomerStatus.ACTIVE
        assert invoice.kind is InvoiceKind.FIRST
        assert invoice.period_start == customer.trial_ends_at == customer.billing_anchor_at
        assert ends() == "2026-04-24T12:00:00"
        assert customer.billing_cycles_done == 1

    def test_paid_late_begin_their_period_where_the_trial_ended(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED, trial_days=14)
        renew_at("2026-03-25T02:00:00")
        assert one(Customer).status is CustomerStatus.PAST_DUE
        change_card(GOOD, twin)
        renew_at("2026-03-27T02:00:00")

        assert ends() == "2026-04-24T12:00:00"
        assert one(Customer).status is CustomerStatus.ACTIVE

    def test_before_a_single_payment_end_in_access_for_good(self, twin):
        bought_at(
            twin, "2026-03-10T12:00:00", trial_days=14, billing_interval=BillingInterval.ONE_TIME
        )
        renew_at("2026-03-25T02:00:00")

        customer = one(Customer)
        assert customer.status is CustomerStatus.ACTIVE
        assert customer.subscription_ends_at is customer.next_charge_at is None
        clock.advance(timedelta(days=400))
        assert end_due_periods()["ended"] == 0


class TestDunning:
    def test_retries_on_its_days_and_then_expires(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        began = paris("2026-04-10T02:00:00")
        clock.move_to(began)

        tried = []
        while clock.now() < began + 40 * DAY:
            if renew_due()["due"]:
                customer = one(Customer)
                tried.append(((clock.now() - began) // DAY, customer.status, customer.dunning_step))
            clock.advance(DAY)

        late = CustomerStatus.PAST_DUE
        assert tried == [
            (0, late, 0),
            (2, late, 1),
            (7, late, 2),
            (14, late, 3),
            (21, CustomerStatus.EXPIRED, 4),
        ]
        customer = one(Customer)
        assert customer.next_charge_at is None
        renewal = one(Invoice, Invoice.kind == InvoiceKind.RENEWAL)
        assert (renewal.status, renewal.number) == (InvoiceStatus.VOID, None)
        keys = [attempt.idempotency_key for attempt in every(PaymentAttempt)[1:]]
        assert keys == [f"inv_{renewal.id}_{number}" for number in range(1, 6)]
        assert not one(CommunityMember).is_active

    def test_retries_on_the_night_it_named_though_refused_some_moments_into_another(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        charge = twin.charge

        def slow(request):
            clock.advance(timedelta(seconds=7))
            return charge(request)

        twin.charge = slow
        renew_at("2026-04-10T02:00:00")
        assert one(Customer).next_charge_at == paris("2026-04-12T02:00:07")

        assert renew_at("2026-04-11T02:00:01")["due"] == 0
        assert renew_at("2026-04-12T01:30:06")["due"] == 0
        assert renew_at("2026-04-12T02:00:01")["due"] == 1
        assert one(Customer).dunning_step == 1

    def test_shows_when_the_next_retry_is(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")

        customer = one(Customer)
        assert customer.first_failed_at == clock.now()
        assert customer.next_charge_at == clock.now() + 2 * DAY

    def test_follows_the_settings_days(self, twin):
        use_settings(current_settings().model_copy(update={"dunning_days": ("1",)}))
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")
        renew_at("2026-04-11T02:00:00")

        assert one(Customer).status is CustomerStatus.EXPIRED

    def test_pauses_access_after_the_grace_and_reopens_it_when_paid(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")
        clock.advance(7 * DAY - timedelta(seconds=1))
        assert end_due_periods()["paused"] == 0
        assert one(CommunityMember).is_active
        clock.advance(timedelta(seconds=1))
        assert end_due_periods()["paused"] == 1
        assert end_due_periods()["paused"] == 0
        assert one(AccessGrant).revoked_at == one(Customer).access_paused_at
        assert not one(CommunityMember).is_active
        change_card(GOOD, twin)

        assert renew_due()["charged"] == 1

        customer = one(Customer)
        assert customer.status is CustomerStatus.ACTIVE
        assert customer.access_paused_at is customer.first_failed_at is None
        assert customer.dunning_step == 0
        assert one(AccessGrant).revoked_at is None
        assert one(CommunityMember).is_active

    def test_paid_late_moves_no_period(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")
        change_card(GOOD, twin)
        renew_at("2026-04-24T02:00:00")

        assert ends() == "2026-05-10T12:00:00"
        assert one(Customer).next_charge_at == one(Customer).subscription_ends_at

    def test_uses_up_no_number(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")
        assert one(Invoice, Invoice.kind == InvoiceKind.RENEWAL).number is None
        change_card(GOOD, twin)
        renew_at("2026-04-12T02:00:00")

        assert [invoice.number for invoice in every(Invoice)] == [
            "WS-2026-000001",
            "WS-2026-000002",
        ]

    def test_ends_at_once_with_a_hard_decline(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        change_card("4000000000009979", twin)
        counts = renew_at("2026-04-10T02:00:00")

        assert counts["declined"] == 1
        assert one(Customer).status is CustomerStatus.EXPIRED
        assert one(Invoice, Invoice.kind == InvoiceKind.RENEWAL).status is InvoiceStatus.VOID

    def test_wants_the_customer_back_where_the_bank_asks_for_them(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        change_card("4000002500003155", twin)
        for method in twin.methods.values():
            method.worked_before = False
        renew_at("2026-04-10T02:00:00")

        customer = one(Customer)
        assert customer.status is CustomerStatus.PAST_DUE
        assert customer.next_charge_at == clock.now() + 2 * DAY

    def test_begins_where_there_is_no_card(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        with unit_of_work() as session:
            session.scalars(select(Customer)).one().default_payment_method_id = None
        renew_at("2026-04-10T02:00:00")

        attempt = every(PaymentAttempt)[-1]
        assert (attempt.outcome, attempt.decline_code) == (AttemptOutcome.DECLINED, "no_card")
        assert one(Customer).status is CustomerStatus.PAST_DUE

    def test_lets_one_buy_again_after_it(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        change_card("4000000000009979", twin)
        renew_at("2026-04-10T02:00:00")
        buy(twin, "offer")

        customer = one(Customer)
        assert customer.status is CustomerStatus.ACTIVE
        assert customer.billing_anchor_at == clock.now()
        assert one(CommunityMember).is_active


def test_a_run_counts_what_it_charged_where_webhooks_were_faster(twin, monkeypatch):
    bought_at(twin, "2026-03-10T12:00:00")
    charge = twin.charge

    def heard_of_before_the_answer(request):
        payment = charge(request)
        told = {"id": "evt_1", "type": "payment_intent.succeeded", "payment": payment.payment_id}
        assert hear_psp(json.dumps(told).encode(), "twin") is EventOutcome.POSTED
        return payment

    monkeypatch.setattr(twin, "charge", heard_of_before_the_answer)

    counts = renew_at("2026-04-10T02:00:00")

    assert (counts["due"], counts["charged"], counts["amount"]) == (1, 1, 4900)


class TestUnknownOutcome:
    def test_blocks_further_attempts_until_it_is_found(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        twin.fail_next("charge", Fault.LOST_AFTER)
        counts = renew_at("2026-04-10T02:00:00")
        assert (counts["unknown"], counts["errors"]) == (1, 0)

        assert renew_at("2026-04-10T02:00:05")["due"] == 0
        clock.advance(timedelta(minutes=5))
        assert resolve_unknown()["resolved"] == 1

        assert len(twin.paid) == 2
        assert ends() == "2026-05-10T12:00:00"
        assert one(Invoice, Invoice.kind == InvoiceKind.RENEWAL).number == "WS-2026-000002"

    def test_never_arrived_uses_no_retry_and_is_tried_by_the_next_run(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        twin.fail_next("charge", Fault.LOST_BEFORE)
        renew_at("2026-04-10T02:00:00")
        clock.advance(timedelta(minutes=1))
        assert resolve_unknown()["resolved"] == 0
        clock.advance(timedelta(minutes=10))
        assert resolve_unknown()["resolved"] == 1

        customer = one(Customer)
        assert (customer.status, customer.dunning_step) == (CustomerStatus.ACTIVE, 0)
        assert len(twin.paid) == 1
        assert renew_due()["charged"] == 1
        assert [a.outcome for a in every(PaymentAttempt)[1:]] == [
            AttemptOutcome.ERROR,
            AttemptOutcome.SUCCEEDED,
        ]

    def test_an_error_stops_nobody_and_is_counted(self, twin):
        key = put_on_sale()
        clock.move_to(paris("2026-03-10T12:00:00"))
        for name in ("ann", "bob", "cleo"):
            buy(twin, key, f"{name}@example.org")
        twin.fail_next("charge", Fault.NOT_SENT)

        counts = renew_at("2026-04-10T02:00:00")

        assert (counts["due"], counts["charged"], counts["errors"]) == (3, 2, 1)
        assert renew_at("2026-04-10T03:00:00")["charged"] == 1

    def test_a_row_that_makes_no_sense_stops_nobody(self, twin):
        key = put_on_sale()
        clock.move_to(paris("2026-03-10T12:00:00"))
        for name in ("ann", "bob", "cleo"):
            buy(twin, key, f"{name}@example.org")
        with unit_of_work() as session:
            session.scalars(select(Customer).order_by(Customer.id)).all()[1].terms = {}

        counts = renew_at("2026-04-10T02:00:00")

        assert (counts["charged"], counts["errors"]) == (2, 1)

    def test_money_for_what_ended_meanwhile_is_left_to_explain(self, twin):
        from models.billing import ProviderEvent
        from models.billing.end_subscription import end_subscription
        from models.oversight import SYSTEM

        bought_at(twin, "2026-03-10T12:00:00")
        twin.fail_next("charge", Fault.LOST_AFTER)
        renew_at("2026-04-10T02:00:00")
        with unit_of_work() as session:
            customer = Customer.for_update(session, session.scalar(select(Customer.id)))
            end_subscription(
                session,
                customer,
                CustomerStatus.CANCELLED,
                actor=SYSTEM,
                now=clock.now(),
                reason="owner",
            )
        clock.advance(timedelta(minutes=5))
        resolve_unknown()

        assert one(Customer).status is CustomerStatus.CANCELLED
        assert one(Invoice, Invoice.kind == InvoiceKind.RENEWAL).status is InvoiceStatus.VOID
        reasons = [event.reason for event in every(ProviderEvent) if event.reason]
        assert reasons == ["paid_after_void"]


class TestCancelled:
    def test_at_the_periods_end_charges_nothing_and_ends(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        with unit_of_work() as session:
            customer = session.scalars(select(Customer)).one()
            customer.cancel_at_period_end, customer.next_charge_at = True, None

        assert renew_at("2026-04-10T13:00:00")["due"] == 0
        end_due_periods()

        assert one(Customer).status is CustomerStatus.CANCELLED
        assert len(twin.paid) == 1

    def test_a_trial_ends_unpaid(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", trial_days=14)
        with unit_of_work() as session:
            customer = session.scalars(select(Customer)).one()
            customer.cancel_at_period_end, customer.next_charge_at = True, None
        clock.move_to(paris("2026-03-24T12:00:00"))

        assert end_due_periods()["ended"] == 1
        assert one(Customer).status is CustomerStatus.CANCELLED


class TestPlanToCome:
    def test_begins_with_the_period_that_is_charged(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        cheaper = self.plan_ahead(price_amount=2900)

        renew_at("2026-04-10T02:00:00")

        customer = one(Customer)
        assert twin.paid[-1].amount == 2900
        assert customer.current_plan_id == cheaper
        assert customer.terms["price"] == 2900
        assert customer.next_plan_id is customer.next_terms is None
        assert ends() == "2026-05-10T12:00:00"

    def test_waits_until_it_is_paid(self, twin):
        before = bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED).current_plan_id
        self.plan_ahead(price_amount=2900)
        renew_at("2026-04-10T02:00:00")

        assert one(Customer).current_plan_id == before
        change_card(GOOD, twin)
        renew_at("2026-04-12T02:00:00")
        assert one(Customer).current_plan_id != before

    def test_that_costs_nothing_begins_without_an_invoice(self, twin):
        bought_at(twin, "2026-03-10T12:00:00")
        free = self.plan_ahead(price_amount=0)

        counts = renew_at("2026-04-10T02:00:00")

        assert (counts["due"], counts["charged"]) == (1, 0)
        assert one(Customer).current_plan_id == free
        assert ends() == "2026-05-10T12:00:00"
        assert len(every(Invoice)) == 1

    def plan_ahead(self, **values):
        from models.billing.quote import quote_of
        from models.catalog import Product
        from tests.factories import Make

        with unit_of_work() as session:
            customer = session.scalars(select(Customer)).one()
            product = session.get(Product, customer.product_id)
            plan = Make(session).plan(product=product, **values)
            customer.next_plan_id = plan.id
            customer.next_terms = quote_of(product, plan).to_json()
            return plan.id


class TestFacts:
    def test_are_told_of_each_payment(self, twin):
        bought_at(twin, "2026-03-10T12:00:00", card=LATER_DECLINED)
        renew_at("2026-04-10T02:00:00")
        change_card(GOOD, twin)
        renew_at("2026-04-12T02:00:00")

        renewal = str(one(Invoice, Invoice.kind == InvoiceKind.RENEWAL).id)
        declined = one(OutboxEvent, OutboxEvent.kind == "billing.renewal_declined")
        assert (declined.data["is_first"], declined.data["code"]) == (True, "generic_decline")
        assert declined.data["retry_at"] == "2026-04-12T00:00:00+00:00"
        assert one(OutboxEvent, OutboxEvent.kind == "billing.payment_recovered")
        paid = every(OutboxEvent)
        assert renewal in [e.subject_id for e in paid if e.kind == "billing.invoice_paid"]
        trail = one(AuditEvent, AuditEvent.subject_id == renewal)
        assert trail.before["status"] == "PENDING"
        assert trail.after["status"] == "PAID"

    def test_a_dry_run_says_who_would_pay_and_charges_nobody(self, twin):
        customer = bought_at(twin, "2026-03-10T12:00:00")
        clock.move_to(paris("2026-04-10T02:00:00"))

        said = renew_due(dry_run=True)

        assert (said["due"], said["amount"]) == (1, 4900)
        assert said["would_charge"] == [{"customer_id": str(customer.id), "amount": 4900}]
        assert len(twin.paid) == len(every(Invoice)) == 1
