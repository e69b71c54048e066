"""Purchases of every kind of plan: dates, invoice, card, accesses, events, all or nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import clock
from models.billing import (
    AccessGrant,
    AttemptOutcome,
    CaptureEndpoint,
    CaptureStatus,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    PaymentAttempt,
    PaymentMethod,
)
from models.billing.resolve_unknown import look_into, resolve_unknown
from models.billing.signals import invoices_paid, purchase_made
from models.catalog import BillingInterval, PaymentButton, Plan, Product
from models.catalog.edit_button import edit_button
from models.communities import CommunityMember
from models.oversight import SYSTEM, AuditEvent, OutboxEvent
from models.session import staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from tests.checkouts import ASKS_BANK, GOOD, begin, buy, pay, put_on_sale
from tests.factories import Make
from tests.stored import count, one

pytestmark = pytest.mark.usefixtures("committed")
NOON = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
MONTH = datetime(2026, 4, 10, 10, 0, tzinfo=UTC)


def bought(twin, now, **plan):
    buy(twin, put_on_sale(**plan))
    return one(Customer)


class TestDates:
    """What each kind of plan sets on its customer."""

    @pytest.mark.parametrize(
        ("interval", "ends"),
        [
            (BillingInterval.MONTHLY, MONTH),
            (BillingInterval.QUARTERLY, datetime(2026, 6, 10, 10, 0, tzinfo=UTC)),
            (BillingInterval.ANNUALLY, datetime(2027, 3, 10, 11, 0, tzinfo=UTC)),
        ],
    )
    def test_an_interval_plan_is_active_until_its_first_period_ends(
        self, twin, now, interval, ends
    ):
        customer = bought(twin, now, billing_interval=interval)

        assert customer.status is CustomerStatus.ACTIVE
        assert customer.billing_anchor_at == NOON
        assert customer.subscription_ends_at == customer.next_charge_at == ends
        assert customer.billing_cycles_done == 1
        invoice = one(Invoice)
        assert (invoice.kind, invoice.period_start, invoice.period_end) == (
            InvoiceKind.FIRST,
            NOON,
            ends,
        )

    @pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
    def test_what_never_renews_never_ends(self, twin, now, interval):
        customer = bought(twin, now, billing_interval=interval)

        assert customer.status is CustomerStatus.ACTIVE
        assert customer.subscription_ends_at is None
        assert customer.next_charge_at is None
        assert one(Invoice).period_end is None

    def test_a_free_trial_has_no_invoice_and_is_charged_when_it_ends(self, twin, now):
        customer = bought(twin, now, trial_days=14)

        assert customer.status is CustomerStatus.TRIAL
        ends = datetime(2026, 3, 24, 11, 0, tzinfo=UTC)
        assert customer.trial_ends_at == customer.next_charge_at == ends
        assert customer.billing_anchor_at == ends
        assert customer.subscription_ends_at is None
        assert customer.billing_cycles_done == 0
        assert count(Invoice) == 0
        assert twin.paid == []
        assert one(PaymentAttempt).outcome is AttemptOutcome.SUCCEEDED
        assert one(PaymentMethod).psp_payment_method_id

    def test_a_paid_trial_is_invoiced_for_its_own_days(self, twin, now):
        customer = bought(twin, now, trial_days=7, trial_amount=100)

        invoice = one(Invoice)
        assert customer.status is CustomerStatus.TRIAL
        assert invoice.kind is InvoiceKind.TRIAL
        assert invoice.amount_including_tax == 100
        assert invoice.period_end == customer.trial_ends_at
        assert [payment.amount for payment in twin.paid] == [100]

    def test_a_setup_fee_is_paid_today_even_with_a_free_trial(self, twin, now):
        bought(twin, now, trial_days=7, setup_fee=1500)

        invoice = one(Invoice)
        assert (invoice.kind, invoice.amount_including_tax) == (InvoiceKind.TRIAL, 1500)

    def test_a_single_cycle_is_never_charged_again(self, twin, now):
        customer = bought(twin, now, max_billing_cycles=1)

        assert customer.next_charge_at is None
        assert customer.subscription_ends_at == MONTH

    def test_a_trial_across_the_change_to_summer_time_keeps_its_hour(self, twin):
        clock.move_to(datetime(2026, 3, 20, 11, 0, tzinfo=UTC))
        customer = bought(twin, None, trial_days=14)

        assert customer.trial_ends_at == datetime(2026, 4, 3, 10, 0, tzinfo=UTC)


class TestInvoice:
    def lines(self):
        with staff_reading() as session:
            return (
                session.scalars(select(Invoice).options(joinedload(Invoice.lines))).unique().one()
            )

    def test_price_and_setup_fee_are_two_lines_of_one_numbered_invoice(self, twin, now):
        bought(twin, now, price_amount=4900, setup_fee=1000)

        invoice = self.lines()
        assert invoice.number == "WS-2026-000001"
        assert invoice.status is InvoiceStatus.PAID
        assert invoice.paid_at == NOON
        assert [(line.position, line.total) for line in invoice.lines] == [(0, 4900), (1, 1000)]
        assert invoice.psp_payment_id == twin.paid[0].payment_id
        assert invoice.payment_method_id == one(PaymentMethod).id

    @pytest.mark.parametrize(
        ("rate", "price", "excluding", "tax"),
        [
            ("0.20", 4900, 4083, 817),
            ("0.20", 25000, 20833, 4167),
            ("0", 4900, 4900, 0),
            ("0.055", 999, 947, 52),
        ],
    )
    def test_tax_is_what_the_price_holds(self, twin, now, rate, price, excluding, tax):
        use_settings(current_settings().model_copy(update={"vat_rate": Decimal(rate)}))
        bought(twin, now, price_amount=price)

        invoice = one(Invoice)
        assert (invoice.amount_excluding_tax, invoice.tax_amount) == (excluding, tax)
        assert invoice.tax_rate == Decimal(rate)

    def test_without_vat_the_law_is_named(self, twin, now):
        use_settings(current_settings().model_copy(update={"vat_rate": Decimal(0)}))
        bought(twin, now)

        assert "293 B" in one(Invoice).mentions["vat"]

    def test_numbers_start_again_each_paris_year(self, twin):
        key = put_on_sale()
        numbers = []
        for at, email in [
            ("2026-12-31T22:30:00+00:00", "a@example.org"),
            ("2026-12-31T22:59:59+00:00", "b@example.org"),
            ("2026-12-31T23:00:00+00:00", "c@example.org"),
        ]:
            clock.move_to(datetime.fromisoformat(at))
            buy(twin, key, email)
        with staff_reading() as session:
            numbers = session.scalars(select(Invoice.number).order_by(Invoice.id)).all()
        assert numbers == ["WS-2026-000001", "WS-2026-000002", "WS-2027-000001"]

    def test_the_quote_is_charged_whatever_the_catalogue_says_by_then(self, twin, now):
        begun = begin(put_on_sale(price_amount=4900))
        with unit_of_work() as session:
            session.scalars(select(Plan)).one().price_amount = 9900
        pay(twin, begun)

        assert one(Invoice).amount_including_tax == 4900

    def test_the_plan_is_sold_that_was_promised_whatever_the_button_sells_by_then(self, twin, now):
        begun = begin(put_on_sale(price_amount=4900))
        with unit_of_work() as session:
            [button], [promised] = (
                session.scalars(select(PaymentButton)),
                session.scalars(select(Plan)),
            )
            other = Make(session).plan("other", product=Product.get(session, promised.product_id))
            edit_button(session, button.id, {"plan_id": other.id}, actor=SYSTEM)
        pay(twin, begun)

        with staff_reading() as session:
            sold = session.scalars(select(Plan.id).where(Plan.sold_at.is_not(None))).all()
        assert one(Customer).current_plan_id == one(Invoice).plan_id == promised.id
        assert sold == [promised.id]


class TestWhatABuyerGets:
    def test_card_accesses_and_membership(self, twin, now):
        customer = bought(twin, now)

        method, grant, member = one(PaymentMethod), one(AccessGrant), one(CommunityMember)
        assert (method.last4, method.brand, method.is_default) == ("4242", "visa", True)
        assert customer.default_payment_method_id == method.id
        assert (grant.user_id, grant.revoked_at) == (customer.user_id, None)
        assert (member.user_id, member.customer_id) == (customer.user_id, customer.id)

    def test_the_checkout_is_over_and_forgets_the_token(self, twin, now):
        customer = bought(twin, now)

        capture = one(CaptureEndpoint)
        assert capture.status is CaptureStatus.COMPLETED
        assert capture.customer_id == customer.id
        assert capture.invoice_id == one(Invoice).id
        assert capture.vault_token is None
        assert capture.capture_url is None
        assert twin.captures == {}
        assert one(Plan).sold_at == NOON

    def test_the_facts_are_told_once(self, twin, now):
        bought(twin, now)

        with staff_reading() as session:
            kinds = session.scalars(select(OutboxEvent.kind)).all()
            audited = session.scalars(select(AuditEvent.action)).all()
        assert sorted(kind for kind in kinds if kind.startswith("billing.")) == [
            "billing.card_received",
            "billing.checkout_begun",
            "billing.invoice_paid",
            "billing.purchase_made",
        ]
        assert set(kinds) <= set(audited)

    def test_other_areas_take_part_in_the_transaction(self, twin, now):
        heard = []

        def hear(_sender, **part):
            paid = part.get("invoices") or [part["invoice"]]
            heard.append(([invoice.kind for invoice in paid], part["now"]))

        with purchase_made.connected_to(hear), invoices_paid.connected_to(hear):
            bought(twin, now)

        assert heard == [([InvoiceKind.FIRST], NOON)] * 2

    def test_one_who_fails_undoes_the_record_and_the_sweep_ends_it(self, twin, now):
        def fail(_sender, **part):
            raise RuntimeError("the affiliate's part broke")

        key = put_on_sale()
        with invoices_paid.connected_to(fail), pytest.raises(RuntimeError, match="broke"):
            buy(twin, key)
        assert count(Customer) == 0
        assert count(Invoice) == 0
        clock.advance(timedelta(minutes=2))

        assert resolve_unknown()["resolved"] == 1
        assert len(twin.paid) == count(Invoice) == 1
        assert one(Invoice).number == "WS-2026-000001"

    def test_nothing_ever_to_pay_needs_no_card(self, twin, now):
        begun = begin(put_on_sale(price_amount=0, billing_interval=BillingInterval.ONE_TIME))

        assert begun.form is None
        assert begun.capture.status is CaptureStatus.COMPLETED
        assert one(Customer).status is CustomerStatus.ACTIVE
        assert count(Invoice) == count(PaymentMethod) == 0


class TestBuyingAgain:
    def test_an_ended_purchase_is_revived_with_new_dates_and_card(self, twin, now):
        key = put_on_sale()
        buy(twin, key)
        with unit_of_work() as session:
            customer = session.scalars(select(Customer)).one()
            customer.become(CustomerStatus.CANCELLED)
            customer.cancelled_at, customer.next_charge_at = now, None
            session.scalars(select(AccessGrant)).one().revoked_at = now
            session.scalars(select(CommunityMember)).one().is_active = False
        clock.advance(timedelta(days=60))
        buy(twin, key)

        customer = one(Customer)
        assert customer.status is CustomerStatus.ACTIVE
        assert customer.billing_anchor_at == clock.now()
        assert customer.cancelled_at is None
        assert one(AccessGrant).revoked_at is None
        assert one(CommunityMember).is_active
        with staff_reading() as session:
            defaults = session.scalars(select(PaymentMethod).order_by(PaymentMethod.id)).all()
        assert [method.is_default for method in defaults] == [False, True]
        assert defaults[0].psp_customer_id == defaults[1].psp_customer_id

    def test_two_windows_paid_by_the_bank_at_once_are_one_purchase(self, twin, now):
        key = put_on_sale()
        first, second = begin(key), begin(key)
        pay(twin, first, ASKS_BANK)
        pay(twin, second, GOOD)
        payment = next(p for p in twin.payments.values() if p.redirect_url)
        twin.answer_bank(payment.payment_id, authorised=True)
        clock.advance(timedelta(seconds=3))
        state = look_into(first.capture.id, back_from_bank=True)

        assert state.status == "declined"
        assert "given back" in state.message
        assert count(Customer) == count(Invoice) == 1
