"""Refunds as rules: what may be asked and granted, in how many parts, and what it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from models import clock
from models.billing import (
    AccessGrant,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    Refund,
    RefundStatus,
)
from models.billing.approve_refund import MoreThanLeft
from models.billing.extend_period import extend_period
from models.billing.refund import left_to_refund, refundable_until, refunded_amount
from models.billing.refund_invoice import NotAnAmount
from models.billing.reject_refund import NoReason, reject_refund
from models.billing.request_refund import (
    NothingLeft,
    NothingPaid,
    NothingToSend,
    TooLate,
    request_refund,
)
from models.billing.signals import refund_approved
from models.catalog import BillingInterval
from models.communities import CommunityMember
from models.errors import IllegalTransition, Missing
from models.ids import new_id
from models.oversight import SYSTEM, Actor, AuditEvent
from models.session import staff_reading, unit_of_work
from tests.checkouts import buy
from tests.refunds import (
    approve,
    ask,
    customer_of,
    give_back,
    invoice_of,
    next_invoice,
    refunds,
    sale_of,
    sold,
)
from tests.stored import one

pytestmark = pytest.mark.usefixtures("committed", "now")

ALL_MOVES = [(a, b) for a in RefundStatus for b in RefundStatus]
ALLOWED = {
    (RefundStatus.PENDING, RefundStatus.APPROVED),
    (RefundStatus.PENDING, RefundStatus.REJECTED),
    (RefundStatus.APPROVED, RefundStatus.PROCESSED),
}


def reject(refund_id, reason="Used for a month"):
    with unit_of_work() as session:
        return reject_refund(session, refund_id, reason=reason, actor=SYSTEM, now=clock.now())


class TestStatuses:
    @pytest.mark.parametrize(("before", "after"), ALL_MOVES, ids=[f"{a}-{b}" for a, b in ALL_MOVES])
    def test_move_along_their_table_only(self, before, after):
        refund = Refund(status=before)
        if (before, after) in ALLOWED:
            refund.become(after)
            assert refund.status is after
        else:
            with pytest.raises(IllegalTransition):
                refund.become(after)


class TestAsking:
    def test_files_a_request_for_all_of_it_and_moves_nothing(self, twin):
        sale = sold(twin)

        refund = ask(sale.invoice_id)

        assert (refund.status, refund.amount, refund.requested_by) == (
            RefundStatus.PENDING,
            4900,
            sale.user_id,
        )
        assert invoice_of(sale).status is InvoiceStatus.PAID
        assert customer_of(sale).status is CustomerStatus.ACTIVE

    def test_twice_answers_the_first(self, twin):
        sale = sold(twin)
        assert ask(sale.invoice_id).id == ask(sale.invoice_id, "again").id
        assert len(refunds()) == 1

    def test_asks_for_what_is_left(self, twin):
        sale = sold(twin)
        give_back(sale.invoice_id, 900)
        assert ask(sale.invoice_id).amount == 4000

    @pytest.mark.parametrize(
        ("paid", "days", "fine"),
        [
            (datetime(2026, 3, 10, 11, tzinfo=UTC), 14, True),
            (datetime(2026, 3, 10, 22, 59, tzinfo=UTC), 14, True),
            (datetime(2026, 3, 10, 11, tzinfo=UTC), 15, False),
            (datetime(2026, 3, 20, 22, 30, tzinfo=UTC), 14, True),
        ],
        ids=["last-day", "paid-just-before-midnight", "day-after", "through-summer-time"],
    )
    def test_is_open_for_so_many_local_days(self, twin, paid, days, fine):
        clock.move_to(paid)
        sale = sold(twin)
        day = clock.paris(paid).date() + timedelta(days=days)
        last = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=clock.PARIS)
        clock.move_to(last if fine else last.replace(hour=0, minute=0, second=0))
        if fine:
            assert ask(sale.invoice_id).status is RefundStatus.PENDING
            assert clock.paris(refundable_until(invoice_of(sale))).date() == day
        else:
            with pytest.raises(TooLate, match="14 days"):
                ask(sale.invoice_id)

    def test_somebody_elses_invoice_is_not_there(self, twin):
        sale, other = sold(twin), sold(twin, "eve@example.org", key="other")
        with pytest.raises(Missing):
            ask(sale.invoice_id, actor=Actor(role="CLIENT", user_id=other.user_id))
        assert ask(sale.invoice_id, actor=Actor(role="CLIENT", user_id=sale.user_id))

    def test_what_was_refunded_cannot_be_asked_again(self, twin):
        sale = sold(twin)
        give_back(sale.invoice_id)
        with pytest.raises(NothingLeft):
            ask(sale.invoice_id)

    def test_an_unpaid_invoice_has_nothing_to_give_back(self, twin):
        sale = sold(twin)
        with unit_of_work() as session:
            customer = Customer.get(session, sale.customer_id)
            invoice = Invoice(
                customer_id=customer.id,
                plan_id=customer.current_plan_id,
                kind=InvoiceKind.RENEWAL,
                status=InvoiceStatus.PENDING,
                period_start=customer.subscription_ends_at,
                amount_excluding_tax=4083,
                tax_amount=817,
                tax_rate=0,
                amount_including_tax=4900,
                due_at=clock.now(),
            )
            session.add(invoice)
        with pytest.raises(NothingPaid):
            ask(invoice.id)
        with pytest.raises(NothingPaid):
            give_back(invoice.id)

    def test_what_the_provider_holds_no_payment_of_is_explained(self, twin):
        sale = sold(twin)
        with unit_of_work() as session:
            Invoice.get(session, sale.invoice_id).psp_payment_id = None
        with pytest.raises(NothingToSend, match="holds no payment"):
            ask(sale.invoice_id)
        with pytest.raises(NothingToSend):
            give_back(sale.invoice_id, 100)


class TestApproving:
    def test_a_whole_refund_ends_the_purchase_at_once(self, twin):
        sale = sold(twin)

        refund = approve(ask(sale.invoice_id).id)

        assert refund.status is RefundStatus.APPROVED
        assert refund.approved_at == refund.next_try_at == clock.now()
        assert invoice_of(sale).status is InvoiceStatus.REFUNDED
        customer = customer_of(sale)
        assert customer.status is CustomerStatus.CANCELLED
        assert customer.subscription_ends_at == clock.now()
        assert customer.next_charge_at is None
        with staff_reading() as session:
            assert all(g.revoked_at for g in session.scalars(select(AccessGrant)))
            assert not any(m.is_active for m in session.scalars(select(CommunityMember)))

    def test_twice_changes_nothing(self, twin):
        heard = []

        def listen(_sender, **told):
            heard.append(told["refunded_in_all"])

        refund_approved.connect(listen)
        sale = sold(twin)
        waiting = ask(sale.invoice_id)
        first, second = approve(waiting.id), approve(waiting.id)
        refund_approved.disconnect(listen)

        assert first.approved_at == second.approved_at
        assert heard == [4900]
        with staff_reading() as session:
            told = session.scalars(
                select(AuditEvent).where(AuditEvent.action == "billing.refund_approved")
            ).all()
        assert len(told) == 1

    def test_a_rejected_one_stays_rejected(self, twin):
        sale = sold(twin)
        refund = ask(sale.invoice_id)
        reject(refund.id)
        with pytest.raises(IllegalTransition):
            approve(refund.id)

    def test_an_approved_one_cannot_be_rejected(self, twin):
        refund = ask(sold(twin).invoice_id)
        approve(refund.id)
        with pytest.raises(IllegalTransition):
            reject(refund.id)

    @pytest.mark.parametrize(
        "parts",
        [(4900,), (2450, 2450), (1, 4899), (700,) * 7, (1, 2, 3, 4, 5, 6, 4879)],
        ids=["whole", "halves", "a-cent-first", "seven-equal", "seven-uneven"],
    )
    def test_in_parts_only_the_last_one_ends_it(self, twin, parts):
        sale, in_all = sold(twin), []

        def listen(_sender, **told):
            in_all.append(told["refunded_in_all"])

        refund_approved.connect(listen)
        for number, part in enumerate(parts, start=1):
            give_back(sale.invoice_id, part)
            over = number == len(parts)
            assert (invoice_of(sale).status is InvoiceStatus.REFUNDED) is over
            assert (customer_of(sale).status is CustomerStatus.CANCELLED) is over
        refund_approved.disconnect(listen)

        assert in_all == [sum(parts[:n]) for n in range(1, len(parts) + 1)]
        with staff_reading() as session:
            assert refunded_amount(session, sale.invoice_id) == 4900


class TestNeverMoreThanPaid:
    def test_a_request_that_waits_counts(self, twin):
        sale = sold(twin)
        ask(sale.invoice_id)
        with staff_reading() as session:
            assert left_to_refund(session, Invoice.get(session, sale.invoice_id)) == 0
        with pytest.raises(NothingLeft):
            give_back(sale.invoice_id, 1)

    def test_a_rejected_one_does_not(self, twin):
        sale = sold(twin)
        reject(ask(sale.invoice_id).id)
        assert give_back(sale.invoice_id, 4900).amount == 4900

    @pytest.mark.parametrize("amount", [4901, 10**12])
    def test_more_is_refused_with_what_is_left(self, twin, amount):
        sale = sold(twin)
        with pytest.raises(MoreThanLeft, match=r"49\.00"):
            give_back(sale.invoice_id, amount)

    @pytest.mark.parametrize("amount", [0, -1])
    def test_nothing_and_less_are_no_amounts(self, twin, amount):
        with pytest.raises(NotAnAmount):
            give_back(sold(twin).invoice_id, amount)

    def test_all_of_it_twice_answers_the_first(self, twin):
        sale = sold(twin)
        assert give_back(sale.invoice_id).id == give_back(sale.invoice_id).id
        assert len(refunds()) == 1

    def test_the_database_holds_it_against_any_code(self, twin):
        sale = sold(twin)
        give_back(sale.invoice_id, 4000)
        values = {"c": sale.customer_id, "i": sale.invoice_id}
        statement = text(
            "INSERT INTO refunds (id, invoice_id, customer_id, amount, currency, reason, status,"
            " requested_at, approved_at, next_try_at, tries, refusals, metadata, created_at,"
            " updated_at) VALUES (gen_random_uuid(), :i, :c, 901, 'EUR', '', 'APPROVED', now(),"
            " now(), now(), 0, 0, '{}', now(), now())"
        )
        with pytest.raises(IntegrityError, match="more than the 4900 paid"), unit_of_work() as s:
            s.execute(statement, values)

    @pytest.mark.parametrize("change", ["amount = 1", "currency = 'USD'"])
    def test_what_it_is_of_never_changes(self, twin, change):
        refund = ask(sold(twin).invoice_id)
        statement = f"UPDATE refunds SET {change} WHERE id = :id"
        with pytest.raises(IntegrityError, match="stays as it was asked"), unit_of_work() as s:
            s.execute(text(statement), {"id": refund.id})


class TestRejecting:
    def test_keeps_the_purchase_and_says_why(self, twin):
        sale = sold(twin)
        refund = reject(ask(sale.invoice_id).id)
        assert (refund.status, refund.rejection_reason) == (
            RefundStatus.REJECTED,
            "Used for a month",
        )
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        assert reject(refund.id, "another").rejection_reason == "Used for a month"

    def test_needs_a_reason(self, twin):
        refund = ask(sold(twin).invoice_id)
        with pytest.raises(NoReason):
            reject(refund.id, "  ")

    def test_may_be_asked_anew(self, twin):
        sale = sold(twin)
        first = reject(ask(sale.invoice_id).id)
        assert ask(sale.invoice_id).id != first.id


class TestWhichPeriod:
    """Only the invoice that pays for where the purchase stands ends it."""

    def test_an_older_period_leaves_it_alone(self, twin):
        sale = sold(twin)
        latest = next_invoice(twin, sale)

        give_back(sale.invoice_id)
        customer = customer_of(sale)
        assert customer.status is CustomerStatus.ACTIVE
        assert invoice_of(sale).status is InvoiceStatus.REFUNDED

        give_back(latest)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    @pytest.mark.parametrize("interval", [BillingInterval.ONE_TIME, BillingInterval.LIFETIME])
    def test_what_never_renews_ends_with_its_one_payment(self, twin, interval):
        sale = sold(twin, billing_interval=interval)
        clock.advance(timedelta(days=400))
        give_back(sale.invoice_id)
        customer = customer_of(sale)
        assert (customer.status, customer.subscription_ends_at) == (
            CustomerStatus.CANCELLED,
            clock.now(),
        )

    def test_a_paid_trial_ends_while_it_runs(self, twin):
        sale = sold(twin, trial_days=7, trial_amount=100)
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_a_trial_that_led_on_is_an_older_period(self, twin):
        sale = sold(twin, trial_days=7, trial_amount=100)
        clock.advance(timedelta(days=7))
        with unit_of_work() as session:
            customer = Customer.for_update(session, sale.customer_id)
            customer.become(CustomerStatus.ACTIVE)
            start = customer.trial_ends_at
        next_invoice(twin, sale, kind=InvoiceKind.FIRST, start=start)
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.ACTIVE

    def test_an_upgrade_within_the_period_is_not_its_invoice(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=10))
        upgrade = next_invoice(
            twin, sale, amount=1000, kind=InvoiceKind.UPGRADE, start=clock.now(), days=21
        )
        give_back(upgrade)
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_an_upgrade_at_the_instant_of_the_purchase_is_not_its_invoice(self, twin):
        sale = sold(twin)
        upgrade = next_invoice(twin, sale, amount=1000, kind=InvoiceKind.UPGRADE, start=clock.now())
        give_back(upgrade)
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_an_upgrade_to_another_interval_began_a_period_of_its_own(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=10))
        upgrade = self.yearly(twin, sale)
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        give_back(upgrade)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_an_extension_leaves_it_the_invoice_that_began_the_period(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=10))
        upgrade = self.yearly(twin, sale)
        with unit_of_work() as session:
            extend_period(
                session,
                sale.customer_id,
                until=clock.now() + timedelta(days=400),
                reason="gesture",
                actor=SYSTEM,
                now=clock.now(),
            )
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        give_back(upgrade)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_a_change_of_interval_after_an_early_renewal_began_a_period_of_its_own(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=30))
        renewal = next_invoice(twin, sale)
        upgrade = self.yearly(twin, sale)
        give_back(renewal)
        assert customer_of(sale).status is CustomerStatus.ACTIVE
        give_back(upgrade)
        assert customer_of(sale).status is CustomerStatus.CANCELLED

    def test_an_earlier_purchase_paid_beyond_this_ones_start_is_no_longer_it(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=30))
        renewal = next_invoice(twin, sale)
        clock.advance(timedelta(hours=11))
        give_back(renewal)
        assert customer_of(sale).status is CustomerStatus.CANCELLED
        clock.advance(timedelta(hours=2))
        again = sale_of(buy(twin, "offer"))
        assert invoice_of(again).period_start < one(Invoice, Invoice.id == renewal).period_start

        give_back(again.invoice_id)
        assert customer_of(again).status is CustomerStatus.CANCELLED

    def yearly(self, twin, sale):
        """A paid change to a plan of another interval, whose own period begins now."""
        start = clock.now()
        upgrade = next_invoice(
            twin, sale, amount=40000, kind=InvoiceKind.UPGRADE, start=start, days=365
        )
        with unit_of_work() as session:
            invoice = Invoice.for_update(session, upgrade)
            invoice.switch = {"moves_anchor": True}
            customer = Customer.for_update(session, sale.customer_id)
            customer.billing_anchor_at = start
            customer.subscription_ends_at = customer.next_charge_at = invoice.period_end
        return upgrade

    def test_an_earlier_purchase_of_the_same_product_is_no_longer_it(self, twin):
        sale = sold(twin)
        clock.advance(timedelta(days=1))
        give_back(sale.invoice_id, 4000)
        with unit_of_work() as session:
            customer = Customer.for_update(session, sale.customer_id)
            customer.become(CustomerStatus.CANCELLED)
            customer.next_charge_at = None
        clock.advance(timedelta(days=1))
        again = sale_of(buy(twin, "offer"))
        assert again.customer_id == sale.customer_id

        give_back(sale.invoice_id)
        assert customer_of(again).status is CustomerStatus.ACTIVE
        give_back(again.invoice_id)
        assert customer_of(again).status is CustomerStatus.CANCELLED

    def test_what_was_granted_free_does_not_hang_on_an_old_payment(self, twin):
        sale = sold(twin)
        with unit_of_work() as session:
            Customer.for_update(session, sale.customer_id).is_complimentary = True
        give_back(sale.invoice_id)
        assert customer_of(sale).status is CustomerStatus.ACTIVE

    def test_one_that_ended_already_keeps_its_dates(self, twin):
        sale = sold(twin)
        ended = clock.now() - timedelta(days=3)
        with unit_of_work() as session:
            customer = Customer.for_update(session, sale.customer_id)
            customer.become(CustomerStatus.EXPIRED)
            customer.next_charge_at, customer.subscription_ends_at = None, ended
        give_back(sale.invoice_id)
        customer = customer_of(sale)
        assert (customer.status, customer.subscription_ends_at) == (CustomerStatus.EXPIRED, ended)


def test_an_invoice_that_is_not_there_is_missing():
    with pytest.raises(Missing), unit_of_work() as session:
        request_refund(session, new_id(), reason="", actor=SYSTEM, now=clock.now())
