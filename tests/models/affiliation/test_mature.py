"""Maturing: what is released when, to whom, in which order, and broken off half-way."""

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation import Commission, CommissionStatus, RiskLevel, mature
from models.affiliation.mature import lock_elapsed, mature_due, next_maturing, release_due
from models.affiliation.prove_ledger import prove_ledger
from models.ledger import LedgerTransfer, TransferType, balances_of
from models.oversight import OutboxEvent
from models.session import unit_of_work
from tests.models.affiliation.sales import Sale, Shop

DAY = timedelta(days=1)
US = timedelta(microseconds=1)
C = CommissionStatus


def run(session, now):
    """What the job does, in one transaction."""
    lock_elapsed(session, now=now, most=1000)
    found, _ = release_due(session, now=now, most=1000)
    session.expire_all()
    return found


@pytest.fixture
def sale(session, shop, make, now):
    return Sale(session, shop, make.affiliate(), now)


class TestDays:
    def test_locked_after_14_days_and_not_before(self, session, sale, now):
        assert session.scalar(next_maturing()) == now + 14 * DAY
        assert lock_elapsed(session, now=now + 14 * DAY - US, most=9) == 0
        assert lock_elapsed(session, now=now + 14 * DAY, most=9) == 1
        session.expire_all()
        assert lock_elapsed(session, now=now + 14 * DAY, most=9) == 0
        assert sale.commission.status is C.LOCKED
        assert session.scalar(next_maturing()) == now + 45 * DAY

    @pytest.mark.parametrize(
        ("after", "status", "balances"),
        [
            (45 * DAY - US, C.LOCKED, (1225, 0)),
            (45 * DAY, C.PARTIALLY_MATURED, (245, 980)),
            (90 * DAY - US, C.PARTIALLY_MATURED, (245, 980)),
            (90 * DAY, C.MATURED, (0, 1225)),
            (400 * DAY, C.MATURED, (0, 1225)),
        ],
    )
    def test_a_new_affiliates_parts(self, session, sale, now, after, status, balances):
        run(session, now + after)
        assert run(session, now + after) == 0

        assert sale.commission.status is status
        assert sale.balances == balances
        assert prove_ledger(session).ok

    @pytest.mark.parametrize(
        ("level", "main", "rest"),
        [
            (RiskLevel.AT_RISK, 60, 90),
            (RiskLevel.HIGH_RISK, 90, 120),
            (RiskLevel.EXTREME_RISK, 90, 180),
        ],
    )
    def test_by_risk(self, session, shop, make, now, level, main, rest):
        sale = Sale(session, shop, make.affiliate(risk_level=level), now)
        for day, status in (
            (main - 1, C.LOCKED),
            (main, C.PARTIALLY_MATURED),
            (rest - 1, C.PARTIALLY_MATURED),
            (rest, C.MATURED),
        ):
            run(session, now + day * DAY)
            assert sale.commission.status is status
        assert session.scalar(next_maturing()) is None

    def test_shorter_than_the_right_to_withdraw_passes_locked_over(self, session, sale, now):
        sale.commission.locked_until = now + DAY
        run(session, now + DAY)

        assert sale.commission.status is C.PARTIALLY_MATURED


class TestTransfers:
    def test_one_a_part_oldest_first(self, session, shop, make, now):
        affiliate = make.affiliate()
        later = Sale(session, shop, affiliate, now + 2 * DAY)
        older = Sale(session, shop, affiliate, now)
        run(session, now + 95 * DAY)

        posted = session.scalars(
            select(LedgerTransfer)
            .where(LedgerTransfer.type == TransferType.COMMISSION_MATURED)
            .order_by(LedgerTransfer.seq)
        ).all()
        assert [(each.commission_id, each.extra["part"]) for each in posted] == [
            (older.commission.id, "main"),
            (later.commission.id, "main"),
            (older.commission.id, "extended"),
            (later.commission.id, "extended"),
        ]
        first = posted[0]
        assert first.idempotency_key == f"commission-matured:{older.commission.id}:main"
        assert first.description == older.invoice.number
        assert [each.id for each in posted] == sorted(each.id for each in posted)

    def test_in_chunks_the_oldest_parts_go_first(self, session, shop, make, now):
        affiliate = make.affiliate()
        for days in (3, 1, 2):
            Sale(session, shop, affiliate, now + days * DAY)
        due = now + 100 * DAY
        while release_due(session, now=due, most=1)[0]:
            pass

        days = session.scalars(
            select(Commission.earned_at)
            .join(LedgerTransfer, LedgerTransfer.commission_id == Commission.id)
            .where(LedgerTransfer.type == TransferType.COMMISSION_MATURED)
            .order_by(LedgerTransfer.seq)
        ).all()
        assert days == [now + n * DAY for n in (1, 2, 3, 1, 2, 3)]
        assert prove_ledger(session).ok

    def test_tells_each_affiliate_once(self, session, shop, make, now):
        affiliates = [make.affiliate() for _ in range(2)]
        for affiliate in (*affiliates, affiliates[0]):
            Sale(session, shop, affiliate, now)
        run(session, now + 45 * DAY)

        told = session.scalars(
            select(OutboxEvent).where(OutboxEvent.kind == "affiliation.commissions_matured")
        ).all()
        assert {each.subject_id: each.data["released_amount"] for each in told} == {
            str(affiliates[0].user_id): 1960,
            str(affiliates[1].user_id): 980,
        }


class TestAfterClawbacks:
    def test_what_was_clawed_back_is_not_released(self, session, sale, now):
        sale.refund(2450)
        run(session, now + 45 * DAY)

        assert sale.balances == (0, 612)
        assert sale.commission.status is C.PARTIALLY_MATURED
        run(session, now + 90 * DAY)
        assert sale.balances == (0, 612)
        assert sale.commission.status is C.MATURED
        assert prove_ledger(session).ok

    def test_nothing_left_is_never_released(self, session, sale, now):
        sale.refund(4900)

        assert run(session, now + 90 * DAY) == 0
        assert sale.commission.status is C.CLAWED_BACK
        assert session.scalar(next_maturing()) is None

    @pytest.mark.parametrize("parts", [[4900], [2450, 2450], [700] * 7])
    @pytest.mark.parametrize("before", [0, 20, 45, 90])
    def test_cumulative_at_every_stage(self, session, sale, now, parts, before):
        """The first refund comes after ``before`` days, each further one ten days later."""
        for number, part in enumerate(parts):
            sale.now = now + (before + 10 * number) * DAY
            run(session, sale.now)
            sale.refund(part)
            given = 1225 - sale.commission.clawed_back_amount
            assert sum(sale.balances) == given
            assert prove_ledger(session).ok
        run(session, now + 400 * DAY)

        assert sale.commission.status is C.CLAWED_BACK
        assert sale.balances == (0, 0)
        assert prove_ledger(session).ok

    def test_after_a_release_the_locked_part_goes_first_then_it_is_debt(self, session, sale, now):
        run(session, now + 45 * DAY)
        sale.commission.paid_amount = 0
        sale.refund(4900)

        commission = sale.commission
        assert commission.clawed_from_extended == 245
        assert commission.clawed_from_main == 0
        assert commission.clawed_from_available == 980
        assert sale.balances == (0, 0)

    def test_a_release_pays_debt_down_by_itself(self, session, shop, make, now, staff):
        affiliate = make.affiliate()
        spent = Sale(session, shop, affiliate, now)
        run(session, now + 90 * DAY)
        spend(session, affiliate, 1225, now)
        spent.refund(4900)
        assert balances_of(session, affiliate.user_id).debt == 1225
        Sale(session, shop, affiliate, now + 60 * DAY)

        run(session, now + 200 * DAY)

        assert balances_of(session, affiliate.user_id).debt == 0
        assert balances_of(session, affiliate.user_id).available == 0


def spend(session, affiliate, cents, now):
    """Take cents from what is available, as an owner's correction does."""
    from models.ledger import Account, post

    post(
        session,
        TransferType.ADJUSTMENT_DEBIT,
        affiliate_id=affiliate.user_id,
        key="spent",
        at=now,
        entries={Account.AVAILABLE: -cents, Account.ADJUSTMENTS: cents},
        description="spent",
    )


class TestPaidOut:
    def test_a_clawback_of_the_unpaid_rest_makes_it_paid(self, session, sale, now):
        run(session, now + 45 * DAY)
        sale.commission.paid_amount = 980

        sale.refund(980)

        assert sale.commission.clawed_from_extended == 245
        assert sale.commission.status is C.PAID
        run(session, now + 90 * DAY)
        assert sale.commission.status is C.PAID

    def test_one_paid_can_still_be_clawed_back(self, session, sale, now):
        run(session, now + 90 * DAY)
        sale.commission.paid_amount = 1225
        sale.commission.follow_money()
        assert sale.commission.status is C.PAID

        sale.refund(2450)
        assert sale.commission.status is C.PAID
        sale.refund(2450)
        assert sale.commission.status is C.CLAWED_BACK


@pytest.fixture
def sold(committed, now):
    """Twelve committed sales of three affiliates, a day apart."""
    from tests.factories import Make

    with unit_of_work() as session:
        make = Make(session)
        shop = Shop(make, now)
        affiliates = [make.affiliate() for _ in range(3)]
        for number in range(12):
            Sale(session, shop, affiliates[number % 3], now + number * DAY)
    return [affiliate.user_id for affiliate in affiliates]


class TestTheRun:
    def test_counts_what_it_did_and_then_finds_nothing(self, sold, now, monkeypatch):
        monkeypatch.setattr(mature, "AT_ONCE", 5)
        clock.move_to(now + 400 * DAY)
        wanted = {"locked": 12, "released": 24, "released_amount": 12 * 1225}

        assert mature_due(dry_run=True) == wanted
        assert mature_due() == wanted
        assert mature_due() == dict.fromkeys(wanted, 0)
        assert mature_due(dry_run=True) == dict.fromkeys(wanted, 0)
        with unit_of_work() as session:
            assert prove_ledger(session).ok

    def test_broken_off_in_any_chunk_it_goes_on_from_there(self, sold, now, monkeypatch):
        class Killed(BaseException):
            """Nobody catches a worker's end."""

        monkeypatch.setattr(mature, "AT_ONCE", 5)
        clock.move_to(now + 400 * DAY)
        whole, chunk = mature._tell, 0
        for last in (0, 1, 2, 100):
            chunk = 0

            def tell(session, released, last=last):
                nonlocal chunk
                if chunk == last:
                    raise Killed
                chunk += 1
                whole(session, released)

            monkeypatch.setattr(mature, "_tell", tell)
            with suppress(Killed):
                mature_due()
            with unit_of_work() as session:
                assert prove_ledger(session).ok

        with unit_of_work() as session:
            matured = session.scalars(
                select(LedgerTransfer).where(LedgerTransfer.type == TransferType.COMMISSION_MATURED)
            ).all()
            assert len({each.idempotency_key for each in matured}) == len(matured) == 24
            for affiliate_id in sold:
                assert balances_of(session, affiliate_id).available == 4 * 1225
