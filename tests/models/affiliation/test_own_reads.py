"""What an affiliate reads of their own sales: narrow, masked, and nothing of anybody else's."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text, update

from admin_views.standing import running_clients
from models import clock
from models.affiliation import AffiliateProfile, Attribution, Commission
from models.affiliation.claw_back import claw_back
from models.affiliation.explain_clawback import clawbacks_of, explain_clawback
from models.affiliation.explain_commission import explain_commission
from models.affiliation.fact import Cents
from models.affiliation.mature import mature_due
from models.affiliation.own_figures import read_figures
from models.affiliation.own_sales import (
    checkouts_since,
    clients_brought,
    own_purchases,
    products_sold,
    sales_behind,
)
from models.billing import Customer, CustomerStatus, Invoice
from models.catalog import BillingInterval
from models.ids import new_id
from models.ledger import Account, TransferType, post
from models.oversight.actor import SYSTEM
from models.session import member_session, staff_reading, unit_of_work
from tests.selling import an_affiliate, sell, twin_at_work

VAT = Decimal("0.20")
ONCE = BillingInterval.ONE_TIME

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def twin():
    with twin_at_work() as twin:
        yield twin


@pytest.fixture
def two(twin, now):
    """Two affiliates; ann sold to two people, bea to one."""
    ann, bea = an_affiliate("ann"), an_affiliate("bea")
    sell(twin, ann, ["carl@example.org", "dora@client.example"], name="Gold")
    sell(twin, bea, ["eve@example.org"], name="Silver", price=9900)
    return ann, bea


def commissions_of(affiliate):
    with staff_reading() as session:
        return session.scalars(
            select(Commission)
            .where(Commission.affiliate_id == affiliate.id)
            .order_by(Commission.id)
        ).all()


def refund(commission, amount, in_all, at):
    with unit_of_work() as session:
        claw_back(
            session,
            invoice=Invoice.get(session, commission.invoice_id),
            refund=SimpleNamespace(id=new_id(), amount=amount),
            refunded_in_all=in_all,
            actor=SYSTEM,
            now=at,
        )


def own_purchase_of(commission):
    """Flag a purchase as the affiliate's own."""
    with unit_of_work() as session:
        session.execute(
            update(Attribution)
            .where(Attribution.customer_id == commission.customer_id)
            .values(self_referral=True)
        )


def in_debt(affiliate, now):
    """Everything is released and taken by the house, then one sale is refunded."""
    commission = commissions_of(affiliate)[0]
    clock.move_to(now + timedelta(days=91))
    mature_due()
    with unit_of_work() as session:
        post(
            session,
            TransferType.ADJUSTMENT_DEBIT,
            affiliate_id=affiliate.id,
            key="taken",
            at=clock.now(),
            entries={Account.AVAILABLE: -2450, Account.ADJUSTMENTS: 2450},
            description="",
        )
    refund(commission, 4900, 4900, clock.now())


class TestOwnSales:
    def test_are_masked_and_ones_own(self, two):
        ann, bea = two
        asked = [each.id for each in (*commissions_of(ann), *commissions_of(bea))]
        with member_session(ann.id) as session:
            sales = sales_behind(session, asked)
            products = products_sold(session)

        clients = [sales[key].client for key in asked if key in sales]
        assert clients == ["c•••@e•••.org", "d•••@c•••.example"]
        assert {sale.plan for sale in sales.values()} == {"Gold"}
        assert len(products) == 1

    @pytest.mark.parametrize("who", ["nobody", "staff"])
    def test_are_nothing_to_whoever_is_no_affiliate(self, two, who):
        asked = [each.id for each in commissions_of(two[0])]
        with member_session(None) if who == "nobody" else staff_reading() as session:
            assert sales_behind(session, asked) == {}
            assert products_sold(session) == []
            assert clients_brought(session, vat_rate=VAT, now=clock.now()).running == 0
            assert checkouts_since(session, clock.now() - timedelta(days=1)).begun == 0
            assert own_purchases(session) == 0

    def test_cannot_be_asked_around_the_functions(self, two):
        with member_session(two[0].id) as session:
            for table in ("customers", "invoices", "capture_endpoints"):
                assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


class TestCheckouts:
    def count(self, affiliate):
        with member_session(affiliate.id) as session:
            return checkouts_since(session, clock.now() - timedelta(days=1))

    def test_sell_where_something_is_to_pay_now_or_later(self, two, twin):
        ann, _ = two
        sell(twin, ann, ["fay@example.org"], price=0)
        assert (self.count(ann).begun, self.count(ann).bought) == (3, 2)

        sell(twin, ann, ["gus@example.org"], trial_days=7)
        assert (self.count(ann).begun, self.count(ann).bought) == (4, 3)

    def test_an_own_purchase_is_no_sale(self, two):
        ann, _ = two
        own_purchase_of(commissions_of(ann)[0])

        assert (self.count(ann).begun, self.count(ann).bought) == (2, 1)


class TestClients:
    def count_of_staff(self, affiliate):
        """As the console counts them."""
        with staff_reading() as session:
            return session.scalar(
                select(running_clients(AffiliateProfile)).where(
                    AffiliateProfile.user_id == affiliate.id
                )
            )

    def count(self, affiliate):
        with member_session(affiliate.id) as session:
            return clients_brought(session, vat_rate=VAT, now=clock.now())

    def test_are_worth_what_they_pay_a_month_without_tax(self, two, twin):
        ann, bea = two
        sell(twin, ann, ["fay@example.org"], price=12000, billing_interval=BillingInterval.ANNUALLY)
        sell(twin, ann, ["gus@example.org"], price=50000, billing_interval=BillingInterval.ONE_TIME)
        sell(twin, ann, ["hal@example.org"], trial_days=7)

        assert self.count(ann).running == 5
        assert self.count(ann).monthly == 9000  # 49 + 49 + 120 ÷ 12, without 20 % tax
        assert self.count(bea).monthly == 8250
        assert (self.count_of_staff(ann), self.count_of_staff(bea)) == (5, 1)

    def test_who_came_for_nothing_is_none(self, two, twin):
        ann, _ = two
        sell(twin, ann, ["fay@example.org"], price=0)
        sell(twin, ann, ["gus@example.org"], price=0, setup_fee=900, billing_interval=ONCE)

        assert self.count(ann).running == self.count_of_staff(ann) == 3

    def test_stay_for_the_days_of_an_attribution_and_once_they_paid_within_them(self, two, now):
        ann, _ = two
        first, second = commissions_of(ann)
        ends = {"is_free_product_attribution": True, "expires_at": now + timedelta(days=30)}
        for commission, more in ((first, {}), (second, {"converted_at": now})):
            with unit_of_work() as session:
                session.execute(
                    update(Attribution)
                    .where(Attribution.customer_id == commission.customer_id)
                    .values(**ends, **more)
                )

        clock.move_to(now + timedelta(days=30) - timedelta(microseconds=1))
        assert self.count(ann).running == self.count_of_staff(ann) == 2
        clock.move_to(now + timedelta(days=30))
        assert self.count(ann).running == self.count_of_staff(ann) == 1

    def test_an_own_purchase_is_none(self, two):
        ann, _ = two
        own_purchase_of(commissions_of(ann)[0])

        assert self.count(ann).running == self.count_of_staff(ann) == 1

    def test_those_gone_or_granted_free_are_none(self, two):
        ann, _ = two
        first, second = commissions_of(ann)
        with unit_of_work() as session:
            customer = Customer.get(session, first.customer_id)
            customer.become(CustomerStatus.CANCELLED)
            customer.next_charge_at = None
            session.execute(
                update(Customer)
                .where(Customer.id == second.customer_id)
                .values(is_complimentary=True, next_charge_at=None)
            )

        assert (self.count(ann).running, self.count(ann).monthly) == (0, 0)
        assert self.count_of_staff(ann) == 0


class TestFigures:
    def test_tell_what_unlocks_when(self, two, now):
        with member_session(two[0].id) as session:
            figures = read_figures(session, two[0].id, now=now)

        told = [(unlock.on.isoformat(), unlock.main, unlock.extended) for unlock in figures.unlocks]
        assert told == [("2026-04-24", 1960, 0), ("2026-06-08", 0, 490)]
        assert figures.months[-1].earned == figures.locked == 2450
        assert len(figures.months) == 12

    def test_leave_out_what_was_taken_back(self, two, now):
        ann, _ = two
        refund(commissions_of(ann)[0], 4900, 4900, now)
        with member_session(ann.id) as session:
            figures = read_figures(session, ann.id, now=now)

        assert [(unlock.main, unlock.extended) for unlock in figures.unlocks] == [
            (980, 0),
            (0, 245),
        ]
        assert (figures.clawed_back, figures.months[-1].clawed_back) == (1225, 1225)

    def test_of_one_with_debt_say_so(self, two, now):
        in_debt(two[0], now)
        with member_session(two[0].id) as session:
            figures = read_figures(session, two[0].id, now=clock.now())

        assert (figures.available, figures.debt, figures.unlocks) == (0, 1225, ())


class TestExplaining:
    def facts(self, commission):
        with unit_of_work() as session:
            row = Commission.get(session, commission.id)
            clawbacks = clawbacks_of(session, commission.id)
        return row, clawbacks, explain_commission(row, clawbacks)

    def test_tells_each_taking_back_with_its_part(self, two, now):
        commission = commissions_of(two[0])[0]
        refund(commission, 2450, 2450, now)
        refund(commission, 2450, 4900, now + timedelta(days=1))

        row, clawbacks, facts = self.facts(commission)

        assert [(each.from_extended, each.from_main) for each in clawbacks] == [
            (245, 368),
            (0, 612),
        ]
        kinds = [fact.kind for fact in facts]
        assert kinds.count("clawback") == 2
        assert kinds[-1] == "clawed_back"
        first, extended, main = explain_clawback(clawbacks[0], row)
        assert first.values["refunded"] == Cents(2450)
        assert first.values["amount"] == Cents(613)
        assert extended.values["amount"] == Cents(245)
        assert main.values["amount"] == Cents(368)
        last = explain_clawback(clawbacks[1], row)[0]
        assert last.values["refunded"] == Cents(2450)
        assert "with the refunds before makes the whole of the" in last.text

    def test_tells_the_debt_that_is_left(self, two, now):
        in_debt(two[0], now)

        _row, [clawback], facts = self.facts(commissions_of(two[0])[0])

        assert clawback.from_available == 1225
        assert facts[-1].kind == "clawback_debt"
        assert facts[-1].values["debt"] == Cents(1225)
