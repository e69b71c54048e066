"""Commissions from sixteen connections at once: earned once, released once, taken back once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from models import clock
from models.affiliation import Commission, CommissionStatus, RiskLevel, mature
from models.affiliation.change_risk import change_risk
from models.affiliation.earn_commission import earn_commissions
from models.affiliation.mature import mature_due
from models.affiliation.nightly_risk import nightly_risk
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.pay_withdrawal import pay_now
from models.affiliation.prove_ledger import prove_ledger
from models.billing import Invoice
from models.billing.refund_invoice import refund_invoice
from models.errors import DomainError
from models.ledger import LedgerTransfer, TransferType, balances_of
from models.oversight import SYSTEM
from models.session import unit_of_work
from tests.factories import Make
from tests.models.affiliation.sales import STAFF, Sale, Shop

DAY = timedelta(days=1)
WORKERS = 16


def at_once(*works):
    """Run all of them from connections of their own; a refusal is an answer."""

    def run(work):
        try:
            return work()
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(run, works))


@pytest.fixture
def sold(committed, now):
    """Sixteen committed sales of four affiliates; answers their invoices and affiliates."""
    with unit_of_work() as session:
        make = Make(session)
        shop = Shop(make, now)
        affiliates = [make.affiliate() for _ in range(4)]
        sales = [Sale(session, shop, affiliates[n % 4], now) for n in range(WORKERS)]
    return [sale.invoice.id for sale in sales], [each.user_id for each in affiliates]


def proved():
    with unit_of_work() as session:
        report = prove_ledger(session)
    assert report.ok, report.difference


def refund(invoice_id, amount=None):
    def work():
        with unit_of_work() as session:
            refund_invoice(
                session, invoice_id, amount=amount, reason="r", actor=STAFF, now=clock.now()
            )

    return work


def test_the_same_invoices_are_earned_once(committed, now):
    with unit_of_work() as session:
        make = Make(session)
        shop = Shop(make, now)
        affiliates = [make.affiliate() for _ in range(3)]
        invoices = [shop.invoice(shop.brought_by(affiliates[n % 3])).id for n in range(12)]

    def earn(number):
        def work():
            with unit_of_work() as session:
                wanted = invoices if number % 2 else invoices[::-1]
                rows = [Invoice.get(session, key) for key in wanted]
                earn_commissions(session, rows, actor=SYSTEM, now=now)

        return work

    at_once(*(earn(number) for number in range(WORKERS)))

    with unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Commission)) == 12
        for affiliate in affiliates:
            assert balances_of(session, affiliate.user_id).locked == 4 * 1225
    proved()


def test_several_runs_release_each_part_once(sold, now, monkeypatch):
    monkeypatch.setattr(mature, "AT_ONCE", 7)
    clock.move_to(now + 90 * DAY)

    done = at_once(*[mature_due] * WORKERS)

    assert sum(each["released"] for each in done) == 2 * WORKERS
    with unit_of_work() as session:
        for affiliate_id in sold[1]:
            assert balances_of(session, affiliate_id).available == 4 * 1225
    proved()


@pytest.mark.parametrize("amount", [None, 2450])
@pytest.mark.parametrize("days", [45, 90])
def test_refunds_and_a_release_at_once(sold, now, monkeypatch, days, amount):
    monkeypatch.setattr(mature, "AT_ONCE", 5)
    clock.move_to(now + days * DAY)
    invoices, affiliates = sold

    at_once(*(work for key in invoices for work in (refund(key, amount), mature_due)))

    taken = 1225 if amount is None else 613
    with unit_of_work() as session:
        rows = session.scalars(select(Commission)).all()
        assert {row.clawed_back_amount for row in rows} == {taken}
        if amount is None:
            assert {row.status for row in rows} == {CommissionStatus.CLAWED_BACK}
        for affiliate_id in affiliates:
            found = balances_of(session, affiliate_id)
            assert found.locked + found.available == 4 * (1225 - taken)
    proved()


def test_one_invoice_refunded_in_sixteen_parts_at_once(sold, now):
    invoice_id = sold[0][0]

    at_once(*[refund(invoice_id, 306)] * WORKERS)

    with unit_of_work() as session:
        commission = session.scalar(select(Commission).where(Commission.invoice_id == invoice_id))
        assert commission.clawed_back_amount == 1224  # 1225 × 4896 ÷ 4900, half-up
        posted = session.scalar(
            select(func.count())
            .select_from(LedgerTransfer)
            .where(LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK)
        )
        assert posted == WORKERS
    proved()


def test_refunds_payouts_releases_risk_and_relocking_at_once(sold, now, monkeypatch):
    monkeypatch.setattr(mature, "AT_ONCE", 5)
    clock.move_to(now + 90 * DAY)
    mature_due()
    clock.move_to(now + 91 * DAY)
    invoices, affiliates = sold

    def pay(affiliate_id):
        def work():
            with unit_of_work() as session:
                pay_now(
                    session,
                    affiliate_id,
                    amount=600,
                    method=PayoutMethod.WIRE,
                    reference="VIR",
                    actor=STAFF,
                    now=clock.now(),
                )

        return work

    def relock(affiliate_id):
        def work():
            with unit_of_work() as session:
                change_risk(
                    session,
                    affiliate_id,
                    RiskLevel.HIGH_RISK,
                    note="odd",
                    relock=True,
                    actor=STAFF,
                    now=clock.now(),
                )

        return work

    works = [refund(key, 1225) for key in invoices]
    for affiliate_id in affiliates:
        works += [pay(affiliate_id), relock(affiliate_id), mature_due, nightly_risk]
    at_once(*works)

    proved()
    with unit_of_work() as session:
        rows = session.scalars(select(Commission)).all()
        assert {row.clawed_back_amount for row in rows} == {306}
        for affiliate_id in affiliates:
            found = balances_of(session, affiliate_id)
            assert found.available == 4 * (1225 - 306) - 600
