"""Risk: refund figures, levels over nights, what a person decides, and locking anew."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from time import sleep

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation import AffiliateProfile, Commission, RiskLevel, RiskLevelChange
from models.affiliation.change_risk import change_risk, preview_risk
from models.affiliation.explain_commission import explain_commission
from models.affiliation.nightly_risk import next_rating, nightly_risk
from models.affiliation.prove_ledger import prove_ledger
from models.affiliation.refund_figures import refund_figures
from models.billing import Invoice, InvoiceStatus
from models.billing.refund_invoice import refund_invoice
from models.ledger import balances_of
from models.oversight import SYSTEM, OutboxEvent
from models.session import unit_of_work
from tests.factories import Make
from tests.models.affiliation.sales import STAFF, Sale, Shop

DAY = timedelta(days=1)
R = RiskLevel


@pytest.fixture
def brought(committed, now):
    """Commit an affiliate with sales, some of them refunded; answers their key."""

    def bring(sales, refunds, amount=None, **profile):
        with unit_of_work() as session:
            make = Make(session)
            shop = Shop(make, now)
            affiliate = make.affiliate(**profile)
            made = [Sale(session, shop, affiliate, now) for _ in range(sales)]
            for sale in made[:refunds]:
                refund_invoice(
                    session,
                    sale.invoice.id,
                    amount=amount,
                    reason="wanted back",
                    actor=STAFF,
                    now=now,
                )
        return affiliate.user_id

    return bring


def night(days, start):
    """The nightly run, some days after a start."""
    clock.move_to(start + days * DAY)
    return nightly_risk()


def profile_of(key):
    with unit_of_work() as session:
        return AffiliateProfile.get(session, key)


class TestFigures:
    def test_a_refund_brings_them_up_to_date_at_once(self, brought):
        profile = profile_of(brought(3, 1))

        assert profile.refund_rate == Decimal("0.3333")
        assert (profile.total_refunds, profile.rated_invoices) == (1, 3)

    def test_an_invoice_counts_once_and_a_part_counts_whole(self, session, shop, make, now):
        affiliate = make.affiliate()
        sale = Sale(session, shop, affiliate, now)
        Sale(session, shop, affiliate, now)
        for _ in range(3):
            refund_invoice(session, sale.invoice.id, amount=100, reason="r", actor=STAFF, now=now)

        figures = refund_figures(session, now=now, affiliates=[affiliate.user_id])[
            affiliate.user_id
        ]
        assert (figures.invoices, figures.refunded, figures.refunded_ever) == (2, 1, 1)

    def test_only_the_last_90_days_make_the_rate(self, session, shop, make, now):
        affiliate = make.affiliate()
        sale = Sale(session, shop, affiliate, now)
        refund_invoice(session, sale.invoice.id, reason="r", actor=STAFF, now=now)

        then = refund_figures(session, now=now + 90 * DAY, affiliates=[affiliate.user_id])[
            affiliate.user_id
        ]
        assert (then.invoices, then.refunded, then.refunded_ever) == (0, 0, 1)
        assert then.rate == 0

    def test_the_real_refund_claws_back(self, brought):
        key = brought(1, 1)

        with unit_of_work() as session:
            commission = session.scalars(select(Commission)).one()
            assert commission.clawed_back_amount == 1225
            assert balances_of(session, key).locked == 0
            assert prove_ledger(session).ok


class TestNights:
    @pytest.mark.parametrize(
        ("sales", "refunds", "level", "asked"),
        [
            (9, 9, R.NORMAL, False),  # too few to count
            (10, 1, R.NORMAL, False),
            (20, 3, R.AT_RISK, False),  # 15 % exactly
            (27, 4, R.NORMAL, False),  # 14.8 %
            (20, 5, R.HIGH_RISK, False),
            (10, 4, R.HIGH_RISK, True),
            (10, 10, R.HIGH_RISK, True),
        ],
    )
    def test_thresholds(self, brought, now, sales, refunds, level, asked):
        key = brought(sales, refunds)

        for _ in range(2):
            night(1, now)

        profile = profile_of(key)
        assert profile.risk_level is level
        assert (profile.extreme_asked_at is not None) is asked
        with unit_of_work() as session:
            kind = "affiliation.risk_decision_asked"
            assert session.query(OutboxEvent).filter_by(kind=kind).count() == asked

    def test_a_refund_at_once_is_not_overwritten(self, brought, now):
        key = brought(10, 3)
        clock.move_to(now + DAY)
        with unit_of_work() as session:
            invoice_id = session.scalars(
                select(Invoice.id).where(Invoice.status == InvoiceStatus.PAID).limit(1)
            ).one()

        with ThreadPoolExecutor(1) as threads:
            with unit_of_work() as session:
                refund_invoice(session, invoice_id, reason="r", actor=STAFF, now=clock.now())
                night_of_others = threads.submit(nightly_risk)
                sleep(1)
            night_of_others.result()

        profile = profile_of(key)
        assert (profile.refund_rate, profile.total_refunds) == (Decimal("0.4"), 4)
        assert profile.extreme_asked_at is not None

    def test_the_next_chunk_goes_on_where_one_ended(self, brought, now, monkeypatch):
        monkeypatch.setattr("models.affiliation.nightly_risk.AT_ONCE", 1)
        keys = [brought(10, 2), brought(3, 0), brought(10, 3)]

        assert night(1, now)["rated"] == 3

        assert [profile_of(key).risk_level for key in keys] == [R.AT_RISK, R.NORMAL, R.HIGH_RISK]
        assert [profile_of(key).rated_invoices for key in keys] == [10, 3, 10]

    def test_a_dry_run_changes_nothing(self, brought, now):
        key = brought(10, 3)
        clock.move_to(now + DAY)

        assert nightly_risk(dry_run=True)["raised"] == 1
        assert profile_of(key).risk_level is R.NORMAL
        assert nightly_risk()["raised"] == 1
        assert nightly_risk()["raised"] == 0

    def test_comes_down_one_level_a_night_after_30_calm_days(self, brought, now):
        key = brought(10, 3)
        night(1, now)
        assert profile_of(key).risk_level is R.HIGH_RISK
        levels = {}
        for day in range(90, 124):
            night(day, now)
            levels[day] = profile_of(key).risk_level

        assert levels[119] is R.HIGH_RISK
        assert levels[120] is R.AT_RISK
        assert levels[121] is R.NORMAL
        night(121, now)
        with unit_of_work() as session:
            assert session.query(RiskLevelChange).count() == 3

    def test_a_pinned_level_stays(self, brought, now):
        key = brought(10, 5, risk_level=R.AT_RISK, risk_pinned=True)

        for day in (1, 100, 140, 141):
            night(day, now)

        assert profile_of(key).risk_level is R.AT_RISK

    def test_a_persons_level_is_not_moved_by_too_few_invoices(self, brought, now):
        key = brought(2, 0)
        with unit_of_work() as session:
            change_risk(session, key, R.HIGH_RISK, note="looks odd", actor=STAFF, now=now)

        for day in (1, 31, 60, 61, 62):
            night(day, now)

        assert profile_of(key).risk_level is R.HIGH_RISK

    def test_a_persons_level_lasts_30_days_where_enough_count(self, brought, now):
        key = brought(12, 0)
        night(1, now)
        with unit_of_work() as session:
            change_risk(session, key, R.EXTREME_RISK, note="odd", actor=STAFF, now=clock.now())
        night(2, now)
        night(31, now)
        assert profile_of(key).risk_level is R.EXTREME_RISK
        night(32, now)
        assert profile_of(key).risk_level is R.HIGH_RISK

    def test_there_is_nothing_to_look_at_before_a_refund(self, session, shop, make, now):
        affiliate = make.affiliate()
        sale = Sale(session, shop, affiliate, now)
        assert session.scalar(next_rating()) is None

        refund_invoice(session, sale.invoice.id, reason="r", actor=STAFF, now=now)
        assert session.scalar(next_rating()) == now


class TestRelock:
    @pytest.mark.parametrize(
        ("level", "days"),
        [
            (R.NORMAL, (45, 90)),
            (R.AT_RISK, (60, 90)),
            (R.HIGH_RISK, (90, 120)),
            (R.EXTREME_RISK, (90, 180)),
        ],
    )
    def test_lengthens_what_is_still_locked(self, session, shop, make, now, level, days):
        sale = Sale(session, shop, make.affiliate(), now)

        change_risk(
            session,
            sale.affiliate_id,
            level,
            note="why",
            relock=True,
            actor=SYSTEM,
            now=now + 10 * DAY,
        )

        commission = sale.commission
        assert (commission.main_lock_days, commission.extended_lock_days) == days
        assert commission.locked_until == now + days[0] * DAY
        assert commission.extended_locked_until == now + days[1] * DAY
        assert (commission.main_amount, commission.extended_amount) == (980, 245)

    def test_never_shortens(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(risk_level=R.EXTREME_RISK), now)

        change_risk(
            session, sale.affiliate_id, R.NORMAL, note="why", relock=True, actor=SYSTEM, now=now
        )

        assert sale.commission.main_lock_days == 90
        assert sale.commission.extended_lock_days == 180

    def test_without_it_dates_stay(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(), now)

        change_risk(session, sale.affiliate_id, R.HIGH_RISK, note="why", actor=SYSTEM, now=now)

        assert sale.commission.main_lock_days == 45
        assert "relocked" not in sale.commission.explanation

    def test_keeps_what_it_was_and_does_it_once(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(), now)
        for _ in range(2):
            change_risk(
                session,
                sale.affiliate_id,
                R.HIGH_RISK,
                note="why",
                relock=True,
                actor=SYSTEM,
                now=now,
            )

        (told,) = sale.commission.explanation["relocked"]
        assert told["risk_level"] == "HIGH_RISK"
        assert told["locked_until"] == (now + 45 * DAY).isoformat()
        assert session.query(RiskLevelChange).count() == 1

    def test_is_explained_in_words(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(), now)
        days = {R.AT_RISK: 1, R.HIGH_RISK: 2, R.EXTREME_RISK: 3}
        for level, day in days.items():
            change_risk(
                session,
                sale.affiliate_id,
                level,
                note="why",
                relock=True,
                actor=SYSTEM,
                now=now + day * DAY,
            )

        told = [fact for fact in explain_commission(sale.commission) if fact.kind == "relocked"]

        assert [
            {name: value for name, value in fact.values.items() if name != "level"} for fact in told
        ] == [
            {"at": now + DAY, "main": now + 45 * DAY},
            {"at": now + 2 * DAY, "main": now + 60 * DAY, "extended": now + 90 * DAY},
            {"at": now + 3 * DAY, "extended": now + 120 * DAY},
        ]
        sentences = [
            fact.text
            % {
                name: getattr(value, "text", None) or f"{value:%d/%m}"
                for name, value in fact.values.items()
            }
            for fact in told
        ]
        assert sentences[0] == (
            "On 11/03 the main part was locked for longer, under the risk level “At risk”: "
            "until then it was to unlock on 24/04."
        )
        assert sentences[1].startswith("On 12/03 both parts")
        assert "“Extreme risk”" in sentences[2]

    def test_what_was_locked_once_is_not_told_of_locking_anew(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(), now)

        assert "relocked" not in [fact.kind for fact in explain_commission(sale.commission)]

    def test_a_preview_lists_the_days_before_and_after(self, session, shop, make, now):
        sale = Sale(session, shop, make.affiliate(), now)

        shown = preview_risk(session, sale.affiliate_id, R.HIGH_RISK, now=now)

        days = [(each.on - now.date()).days for each in shown.upcoming]
        assert days == [45, 90]
        assert [(each.on - now.date()).days for each in shown.relocked] == [90, 120]
        assert [each.amount for each in shown.relocked] == [980, 245]
        assert (shown.commissions_locked, shown.amount_locked) == (1, 1225)
