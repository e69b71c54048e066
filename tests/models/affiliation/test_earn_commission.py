"""Commissions: base, rate, cap, split, lock profile and what is said when there is none."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from models.affiliation import (
    AffiliateProfile,
    BoostType,
    CommissionStatus,
    RateType,
    RedemptionStatus,
    RiskLevel,
)
from models.affiliation.boost import boosted_so_far
from models.affiliation.earn_commission import earn_commission, earn_commissions
from models.affiliation.edit_lock_rules import LockRow, edit_lock_rules
from models.affiliation.explain_commission import explain_commission
from models.affiliation.fact import Cents
from models.affiliation.lock_rule import LockProfile
from models.affiliation.prove_ledger import prove_ledger
from models.billing import InvoiceKind
from models.ledger import LedgerTransfer, balances_of
from models.oversight import SYSTEM, AuditEvent

DAY = timedelta(days=1)

AGES = [
    # age in days, profile, main %, days, extended %, days
    (None, "NEW", 80, 45, 20, 90),
    (0, "NEW", 80, 45, 20, 90),
    (30, "NEW", 80, 45, 20, 90),
    (31, "RECENT", 85, 40, 15, 60),
    (60, "RECENT", 85, 40, 15, 60),
    (61, "VALIDATED", 90, 35, 10, 40),
    (90, "VALIDATED", 90, 35, 10, 40),
    (91, "TRUSTED", 94, 30, 6, 40),
    (4000, "TRUSTED", 94, 30, 6, 40),
]
RISKS = [
    (RiskLevel.AT_RISK, 80, 60, 20, 90),
    (RiskLevel.HIGH_RISK, 70, 90, 30, 120),
    (RiskLevel.EXTREME_RISK, 60, 90, 40, 180),
]


def earn(session, shop, affiliate, now, **invoice):
    customer = shop.brought_by(affiliate)
    return earn_commission(
        session, shop.invoice(customer, **invoice).id, actor=SYSTEM, now=invoice.get("paid_at", now)
    )


class TestEarnCommission:
    def test_the_documents_example(self, session, shop, make, now):
        affiliate = make.affiliate()

        commission = earn(session, shop, affiliate, now)

        assert commission.base_amount == 4083
        assert commission.total_amount == 1225
        assert (commission.main_amount, commission.extended_amount) == (980, 245)
        assert commission.status is CommissionStatus.PENDING_LOCK
        assert commission.locked_until == now + 45 * DAY
        assert commission.extended_locked_until == now + 90 * DAY
        assert affiliate.first_commission_at == now
        assert balances_of(session, affiliate.user_id).locked == 1225
        assert prove_ledger(session).ok

    def test_explains_itself(self, session, shop, make, now):
        commission = earn(session, shop, make.affiliate(), now)

        told = commission.explanation
        assert told["base_amount"] == 4083
        assert (told["rate"], told["rate_source"], told["capped"]) == ("30", "program", False)
        assert (told["lock_profile"], told["lock_rule_version"], told["age_days"]) == ("NEW", 1, 0)
        assert told["from_free_product"] is False
        assert session.query(AuditEvent).filter_by(action="affiliation.commission_earned").one()

    def test_names_itself_on_each_posting(self, session, shop, make, now):
        affiliate = make.affiliate()

        earned = [earn(session, shop, affiliate, now).id for _ in range(2)]

        posted = session.query(LedgerTransfer).order_by(LedgerTransfer.seq)
        assert [transfer.commission_id for transfer in posted] == earned

    def test_twice_earns_once(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.brought_by(affiliate)
        invoice = shop.invoice(customer)

        first = earn_commission(session, invoice.id, actor=SYSTEM, now=now)
        second = earn_commission(session, invoice.id, actor=SYSTEM, now=now + DAY)

        assert first is second
        assert balances_of(session, affiliate.user_id).locked == 1225

    def test_without_vat_the_base_is_the_price(self, session, shop, make, now):
        commission = earn(session, shop, make.affiliate(), now, vat=Decimal(0))

        assert (commission.base_amount, commission.total_amount) == (4900, 1470)

    def test_the_plans_percentage_comes_before_the_programs(self, session, shop, make, now):
        shop.plan.commission_percent = Decimal("12.5")

        commission = earn(session, shop, make.affiliate(), now)

        assert (commission.total_amount, commission.rate_applied) == (510, Decimal("12.5"))
        assert commission.explanation["rate_source"] == "plan"

    @pytest.mark.parametrize(("cents", "total"), [(1000, 1000), (4083, 4083), (5000, 4083)])
    def test_a_fixed_rate_is_capped_at_the_base(self, session, shop, make, now, cents, total):
        shop.program.default_rate_type = RateType.FIXED
        shop.program.default_rate = Decimal(cents)

        commission = earn(session, shop, make.affiliate(), now)

        assert commission.total_amount == total
        assert commission.explanation["capped"] is (cents > total)

    def test_a_renewal_earns_too_and_does_not_move_the_age(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.brought_by(affiliate)
        earn_commission(session, shop.invoice(customer).id, actor=SYSTEM, now=now)
        later = now + 31 * DAY
        renewal = shop.invoice(customer, kind=InvoiceKind.RENEWAL, paid_at=later)

        commission = earn_commission(session, renewal.id, actor=SYSTEM, now=later)

        assert commission.explanation["lock_profile"] == "RECENT"
        assert affiliate.first_commission_at == now


class TestLockProfile:
    @pytest.mark.parametrize(("age", "profile", "main", "days", "rest", "rest_days"), AGES)
    def test_by_age(self, session, shop, make, now, age, profile, main, days, rest, rest_days):
        first = None if age is None else now - age * DAY
        commission = earn(session, shop, make.affiliate(first_commission_at=first), now)

        assert commission.explanation["lock_profile"] == profile
        assert commission.main_amount == 1225 * main // 100
        assert commission.extended_amount == 1225 - 1225 * main // 100
        assert commission.locked_until == now + days * DAY
        assert commission.extended_locked_until == now + rest_days * DAY

    @pytest.mark.parametrize(
        ("almost", "profile"), [(31, "NEW"), (61, "RECENT"), (91, "VALIDATED")]
    )
    def test_days_are_whole(self, session, shop, make, now, almost, profile):
        first = now - almost * DAY + timedelta(microseconds=1)
        commission = earn(session, shop, make.affiliate(first_commission_at=first), now)

        assert commission.explanation["lock_profile"] == profile

    @pytest.mark.parametrize(("level", "main", "days", "rest", "rest_days"), RISKS)
    @pytest.mark.parametrize("age", [0, 45, 400])
    def test_risk_overrides_age(
        self, session, shop, make, now, level, main, days, rest, rest_days, age
    ):
        affiliate = make.affiliate(risk_level=level, first_commission_at=now - age * DAY)
        commission = earn(session, shop, affiliate, now)

        assert commission.explanation["lock_profile"] == level.value
        assert commission.main_amount == 1225 * main // 100
        assert (commission.main_lock_days, commission.extended_lock_days) == (days, rest_days)

    def test_days_are_24_hours_across_a_clock_change(self, session, shop, make, now):
        commission = earn(session, shop, make.affiliate(), now)

        assert commission.locked_until - commission.earned_at == timedelta(hours=24 * 45)

    def test_an_edited_table_counts_from_its_date(self, session, shop, make, now, staff):
        before = earn(session, shop, make.affiliate(), now)
        row = LockRow(LockProfile.NEW, Decimal("33.33"), 10, Decimal("66.67"), 20)
        edit_lock_rules(session, [row], actor=staff, now=now + DAY)

        still = earn(session, shop, make.affiliate(), now, paid_at=now + DAY - timedelta(seconds=1))
        after = earn(session, shop, make.affiliate(), now, paid_at=now + DAY)

        assert before.lock_rule_version_id == still.lock_rule_version_id
        assert after.explanation["lock_rule_version"] == 2
        assert (after.main_amount, after.extended_amount) == (408, 817)
        assert after.main_lock_days == 10


class TestNoCommission:
    def reason(self, session, shop, customer, now, **invoice):
        row = shop.invoice(customer, **invoice)
        assert earn_commission(session, row.id, actor=SYSTEM, now=now) is None
        return row.no_commission_reason

    def test_nobody_brought_the_customer(self, session, shop, now):
        assert self.reason(session, shop, shop.customer(), now) == "not_attributed"

    def test_own_purchase(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.brought_by(affiliate, self_referral=True)

        assert self.reason(session, shop, customer, now) == "self_referral"
        assert balances_of(session, affiliate.user_id).locked == 0

    def test_a_deleted_affiliate(self, session, shop, make, now):
        affiliate = make.affiliate()
        customer = shop.brought_by(affiliate)
        affiliate.user.closed_at = now
        session.flush()

        before = shop.invoice(customer, paid_at=now - DAY)
        assert earn_commission(session, before.id, actor=SYSTEM, now=now)
        assert self.reason(session, shop, customer, now, kind=InvoiceKind.RENEWAL) == (
            "affiliate_gone"
        )

    def test_nothing_to_pay(self, session, shop, make, now):
        customer = shop.brought_by(make.affiliate())

        assert self.reason(session, shop, customer, now, price=0) == "zero_base"

    def test_an_inactive_program(self, session, shop, make, now):
        shop.program.is_active = False
        customer = shop.brought_by(make.affiliate())

        assert self.reason(session, shop, customer, now) == "program_inactive"

    @pytest.mark.parametrize("kind", [InvoiceKind.RENEWAL, InvoiceKind.UPGRADE])
    def test_renewals_where_they_pay_nothing(self, session, shop, make, now, kind):
        shop.program.include_renewals = False
        customer = shop.brought_by(make.affiliate())

        assert self.reason(session, shop, customer, now, kind=kind) == "renewals_excluded"
        assert earn_commission(session, shop.invoice(customer).id, actor=SYSTEM, now=now)

    def test_less_than_half_a_cent(self, session, shop, make, now):
        shop.plan.commission_percent = Decimal(0)
        customer = shop.brought_by(make.affiliate())

        assert self.reason(session, shop, customer, now) == "rounds_to_zero"

    def test_a_replaced_attribution_earns_nothing_more(self, session, shop, make, now):
        customer = shop.brought_by(make.affiliate(), replaced_at=now)

        assert self.reason(session, shop, customer, now) == "not_attributed"


def test_one_cent_changed_in_a_commission_is_found(session, shop, make, now):
    affiliate = make.affiliate()
    commission = earn(session, shop, affiliate, now)
    commission.extended_amount += 1
    commission.total_amount += 1
    session.flush()

    report = prove_ledger(session)

    assert report.affiliate_id == affiliate.user_id
    assert f"affiliate_commissions {commission.id}: earned 1226" in report.difference
    assert session.get(AffiliateProfile, affiliate.user_id) is affiliate


class TestManyAtOnce:
    def test_a_few_statements_whatever_their_number(self, session, shop, make, now):
        affiliates = [make.affiliate() for _ in range(3)]
        few, many = (
            [
                shop.invoice(shop.brought_by(affiliates[n % 3]), kind=InvoiceKind.RENEWAL)
                for n in range(count)
            ]
            for count in (3, 30)
        )

        first = statements(session, lambda: earn_commissions(session, few, actor=SYSTEM, now=now))
        more = statements(session, lambda: earn_commissions(session, many, actor=SYSTEM, now=now))

        assert more <= first <= 12
        assert balances_of(session, affiliates[0].user_id).locked == 11 * 1225
        assert prove_ledger(session).ok

    def test_several_of_one_affiliate_are_earned_in_order(self, session, shop, make, now):
        customer = shop.brought_by(make.affiliate())
        invoices = [
            shop.invoice(customer, kind=InvoiceKind.RENEWAL, paid_at=now + days * DAY)
            for days in (0, 0, 31)
        ]

        earned = earn_commissions(session, invoices, actor=SYSTEM, now=now)

        assert [each.invoice_id for each in earned] == [each.id for each in invoices]
        assert [each.explanation["lock_profile"] for each in earned] == ["NEW", "NEW", "RECENT"]
        assert [each.explanation["first_commission_at"] for each in earned] == [
            None,
            now.isoformat(),
            now.isoformat(),
        ]

    def test_each_keeps_its_own_reason_and_a_second_call_earns_nothing_more(
        self, session, shop, make, now
    ):
        own = shop.brought_by(make.affiliate(), self_referral=True)
        invoices = [shop.invoice(c) for c in (shop.brought_by(make.affiliate()), own)]
        invoices.append(shop.invoice(shop.customer()))

        first = earn_commissions(session, invoices, actor=SYSTEM, now=now)
        second = earn_commissions(session, invoices[::-1], actor=SYSTEM, now=now + DAY)

        assert first[0] is not None
        assert second == first[::-1]
        assert [each.no_commission_reason for each in invoices] == [
            None,
            "self_referral",
            "not_attributed",
        ]

    def test_none_is_none(self, session, now):
        assert earn_commissions(session, [], actor=SYSTEM, now=now) == []


class TestBoosts:
    @pytest.mark.parametrize(
        ("boost_type", "value", "total", "rate", "extra"),
        [
            (BoostType.PERCENTAGE_INCREASE, "5", 1429, "35", 204),
            (BoostType.PERCENTAGE_INCREASE, "2.5", 1327, "32.5", 102),
            (BoostType.PERCENTAGE_INCREASE, "100", 4083, "130", 2858),
            (BoostType.FLAT_BONUS, "500", 1725, "30", 500),
            (BoostType.FLAT_BONUS, "3000", 4083, "30", 2858),
        ],
    )
    def test_adds_points_or_cents(
        self, session, shop, make, now, boost_type, value, total, rate, extra
    ):
        affiliate = make.affiliate()
        boost = make.boost("BOOST-1", boost_type=boost_type, boost_value=Decimal(value))
        redemption = make.redemption(affiliate, boost)

        commission = earn(session, shop, affiliate, now)

        assert commission.total_amount == total
        assert commission.rate_applied == Decimal(rate)
        assert commission.boost_redemption_id == redemption.id
        assert boosted_so_far(session, redemption.id) == (1, extra)
        assert commission.explanation["boost"] == {
            "code": "BOOST-1",
            "boost_type": boost_type.value,
            "boost_value": value,
            "boost_amount": extra,
        }
        assert commission.explanation["rate"] == "30"
        told = {fact.kind: fact.values for fact in explain_commission(commission)}
        assert told["rate"]["rate"] == 30
        assert "total" not in told["rate"]  # 30 % alone does not come to it
        assert told["boost"].get("total", Cents(4083)) == Cents(total)
        assert told["boost"].get("rate", commission.rate_applied) == Decimal(rate)
        assert prove_ledger(session).ok

    @pytest.mark.parametrize(
        ("boost_type", "value", "uncapped"),
        [(BoostType.PERCENTAGE_INCREASE, "80", 4491), (BoostType.FLAT_BONUS, "3000", 4225)],
    )
    def test_beyond_the_base_it_is_told_before_and_after_the_cap(
        self, session, shop, make, now, boost_type, value, uncapped
    ):
        affiliate = make.affiliate()
        boost = make.boost("BOOST-1", boost_type=boost_type, boost_value=Decimal(value))
        make.redemption(affiliate, boost)

        commission = earn(session, shop, affiliate, now)

        told = {fact.kind: fact for fact in explain_commission(commission)}
        assert told["boost"].values["uncapped"] == Cents(uncapped)
        assert "total" not in told["boost"].values
        assert told["capped"].values == {"total": Cents(4083)}
        for fact in told.values():
            assert fact.text % dict.fromkeys(fact.values, "x")

    def test_points_on_a_fixed_rate_are_a_share_of_the_base(self, session, shop, make, now):
        shop.program.default_rate_type = RateType.FIXED
        shop.program.default_rate = Decimal(1000)
        affiliate = make.affiliate()
        make.redemption(affiliate, make.boost(boost_value=Decimal(5)))

        commission = earn(session, shop, affiliate, now)

        assert (commission.total_amount, commission.rate_applied) == (1204, 1000)

    @pytest.mark.parametrize(
        ("redeemed", "expires", "is_boosted"),
        [(0, 1, True), (1, 2, False), (-2, 0, False), (-2, None, True)],
    )
    def test_only_while_it_is_in_force(
        self, session, shop, make, now, redeemed, expires, is_boosted
    ):
        affiliate = make.affiliate()
        make.redemption(
            affiliate,
            make.boost(),
            redeemed_at=now + redeemed * DAY,
            expires_at=None if expires is None else now + expires * DAY,
        )

        commission = earn(session, shop, affiliate, now)

        assert (commission.boost_redemption_id is not None) is is_boosted
        assert commission.total_amount == (1429 if is_boosted else 1225)

    @pytest.mark.parametrize("status", [RedemptionStatus.EXPIRED, RedemptionStatus.DEACTIVATED])
    def test_not_once_it_is_over(self, session, shop, make, now, status):
        affiliate = make.affiliate()
        make.redemption(affiliate, make.boost(), status=status)

        assert earn(session, shop, affiliate, now).total_amount == 1225

    def test_only_within_its_scope(self, session, shop, make, now):
        affiliate = make.affiliate()
        make.redemption(affiliate, make.boost(products=[make.product()]))
        assert earn(session, shop, affiliate, now).boost_amount == 0

        other = make.affiliate()
        make.redemption(other, make.boost(products=[make.product(), shop.product]))
        assert earn(session, shop, other, now).boost_amount == 204


def statements(session, work):
    """How many statements some work sends."""
    sent = []

    def note(_connection, _cursor, statement, _values, _context, _many):
        if "SAVEPOINT" not in statement:
            sent.append(statement)

    event.listen(session.connection().engine, "before_cursor_execute", note)
    try:
        work()
        session.flush()
    finally:
        event.remove(session.connection().engine, "before_cursor_execute", note)
    return len(sent)
