"""Clawbacks: how much, from which part, what is kept of it, and what the ledger says."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from models.affiliation import Commission, CommissionStatus
from models.affiliation.claw_back import claw_back
from models.affiliation.explain_clawback import clawbacks_of
from models.affiliation.prove_ledger import prove_ledger
from models.ids import new_id
from models.ledger import LedgerTransfer, TransferType, balances_of
from models.oversight import SYSTEM, OutboxEvent
from tests.models.affiliation.sales import Sale

DAY = timedelta(days=1)


@pytest.fixture
def sale(session, shop, make, now):
    return Sale(session, shop, make.affiliate(), now)


def clawed(commission):
    return (
        commission.clawed_from_extended,
        commission.clawed_from_main,
        commission.clawed_from_available,
    )


class TestWhileAllIsLocked:
    def test_the_extended_part_goes_first(self, session, sale):
        sale.refund(980)

        assert clawed(sale.commission) == (245, 0, 0)
        assert sale.balances == (980, 0)
        assert sale.commission.status is CommissionStatus.PENDING_LOCK
        assert prove_ledger(session).ok

    def test_then_the_main_part(self, session, sale):
        sale.refund(2450)

        assert clawed(sale.commission) == (245, 368, 0)  # 612.5 is rounded half-up to 613
        assert sale.balances == (612, 0)
        assert prove_ledger(session).ok

    def test_all_of_it(self, session, sale):
        sale.refund(4900)

        assert clawed(sale.commission) == (245, 980, 0)
        assert sale.balances == (0, 0)
        assert sale.commission.status is CommissionStatus.CLAWED_BACK
        assert prove_ledger(session).ok

    @pytest.mark.parametrize("parts", [[4900], [2450, 2450], [700] * 7, [1, 4898, 1]])
    def test_in_parts_it_adds_up_to_the_whole(self, session, sale, parts):
        for part in parts:
            sale.refund(part)
            paid, total = 4900, 1225
            assert sale.commission.clawed_back_amount == (
                (2 * total * sale.refunded + paid) // (2 * paid)
            )
            assert prove_ledger(session).ok

        assert sale.commission.status is CommissionStatus.CLAWED_BACK
        assert balances_of(session, sale.affiliate_id).clawed_back == 1225


class TestTwice:
    def test_the_same_refund_takes_once(self, session, sale):
        refund = sale.refund(980)

        claw_back(
            session,
            invoice=sale.invoice,
            refund=refund,
            refunded_in_all=980,
            actor=SYSTEM,
            now=sale.now + DAY,
        )

        posted = session.query(LedgerTransfer).filter_by(type=TransferType.COMMISSION_CLAWED_BACK)
        assert posted.count() == 1
        assert sale.commission.clawed_back_amount == 245

    def test_a_refund_of_less_than_half_a_cents_share_takes_nothing(self, session, sale):
        sale.refund(1)

        assert sale.commission.clawed_back_amount == 0
        assert sale.balances == (1225, 0)


class TestWhatIsKept:
    def test_the_transfer_and_the_commission_say_what_was_taken_from_where(self, session, sale):
        refund = sale.refund(2450)

        (told,) = sale.commission.explanation["clawbacks"]
        assert told["refund"] == str(refund.id)
        assert (told["refunded_in_all"], told["paid"], told["clawed_in_all"]) == (2450, 4900, 613)
        (kept,) = clawbacks_of(session, sale.commission.id)
        assert (kept.from_extended, kept.from_main, kept.from_available) == (245, 368, 0)
        assert (kept.refunded, kept.refunded_in_all, kept.paid) == (2450, 2450, 4900)

    def test_tells_it(self, session, sale):
        sale.refund(4900)

        kind = "affiliation.commission_clawed_back"
        assert session.query(OutboxEvent).filter_by(kind=kind).one().data["clawed_amount"] == 1225


def test_an_invoice_that_earned_nothing_has_nothing_to_take(session, shop, now):
    answer = claw_back(
        session,
        invoice=shop.invoice(shop.customer()),
        refund=SimpleNamespace(id=new_id(), amount=4900),
        refunded_in_all=4900,
        actor=SYSTEM,
        now=now,
    )

    assert answer is None


def test_only_that_invoices_commission_is_touched(session, shop, make, now):
    affiliate = make.affiliate()
    first, other = (Sale(session, shop, affiliate, now) for _ in range(2))

    first.refund(4900)

    assert other.commission.clawed_back_amount == 0
    assert balances_of(session, affiliate.user_id).locked == 1225


@pytest.mark.parametrize(
    "changes",
    [
        {"clawed_from_extended": 244, "clawed_from_main": 1},
        {"clawed_back_amount": 246, "clawed_from_main": 1},
    ],
)
def test_a_changed_clawback_is_found_also_where_it_only_changes_the_day(session, sale, changes):
    sale.refund(980)
    for name, value in changes.items():
        setattr(sale.commission, name, value)
    session.flush()

    assert f"affiliate_commissions {sale.commission.id}" in prove_ledger(session).difference


def test_two_changes_that_cancel_out_name_the_first_commission(session, shop, make, now):
    affiliate = make.affiliate()
    first, other = (Sale(session, shop, affiliate, now).commission for _ in range(2))
    for commission, cents in ((first, 1), (other, -1)):
        commission.total_amount += cents
        commission.main_amount += cents
    session.flush()

    report = prove_ledger(session)

    assert f"{Commission.__tablename__} {first.id}" in report.difference
    assert report.affiliate_id == affiliate.user_id
