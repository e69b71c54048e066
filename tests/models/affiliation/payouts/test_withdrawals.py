"""Asking, cancelling, approving, rejecting and paying: accepted, refused, done twice."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from models.accounts import User
from models.affiliation import PayoutMethod, Withdrawal, WithdrawalAllocation, WithdrawalStatus
from models.affiliation.payouts.adjust_balance import (
    AdjustmentUnexplained,
    BadAdjustment,
    adjust_balance,
)
from models.affiliation.payouts.ask_withdrawal import (
    BelowMinimum,
    DetailsMissing,
    InDebt,
    NotEnough,
    OtherAsked,
    Suspended,
    TooLittle,
    ask_withdrawal,
    preview_withdrawal,
)
from models.affiliation.payouts.decide_withdrawal import (
    ReasonMissing,
    approve_withdrawal,
    cancel_withdrawal,
    reject_withdrawal,
)
from models.affiliation.payouts.fee import terms_of
from models.affiliation.payouts.pay_withdrawal import (
    BadProof,
    ReferenceMissing,
    pay_now,
    pay_withdrawal,
)
from models.affiliation.prove_ledger import prove_ledger
from models.errors import IllegalTransition, Missing
from models.ids import first_id_at
from models.ledger import LedgerTransfer, balances_of
from models.oversight import SYSTEM, history_of
from models.settings import use_settings

S = WithdrawalStatus
MINUTE = timedelta(minutes=1)
WIRED = {"method": PayoutMethod.WIRE, "reference": "VIR-1"}


@pytest.fixture
def ask(session, earnings, now):
    """Ask for cents of an affiliate's; gives the withdrawal."""

    def asked(affiliate, amount=10_000, **options):
        return ask_withdrawal(session, affiliate.user_id, amount, actor=SYSTEM, now=now, **options)

    return asked


def holds(session):
    """The database's own checks, then the whole proof."""
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    report = prove_ledger(session)
    assert report.ok, report.difference


def figures(session, affiliate):
    found = balances_of(session, affiliate.user_id)
    return found.available, found.reserved, found.paid_out, found.fees


def happened(session, row):
    key = str(getattr(row, "id", None) or row.user_id)
    return [event.action for event in history_of(session, row.__tablename__, key)]


class TestFee:
    @pytest.mark.parametrize(
        ("amount", "fee"),
        [
            (1, 0),
            (16, 0),
            (17, 1),
            (49, 1),
            (50, 2),
            (83, 2),
            (84, 3),
            (5000, 150),
            (5016, 150),
            (5017, 151),
            (5050, 152),
            (10_000, 300),
            (99_999_999, 3_000_000),
        ],
    )
    def test_is_three_percent_half_up(self, amount, fee):
        assert (terms_of(amount).fee, terms_of(amount).net) == (fee, amount - fee)

    def test_follows_the_setting(self, settings):
        use_settings(settings.model_copy(update={"withdrawal_fee_rate": Decimal("0.025")}))

        assert terms_of(100).fee == 3
        assert terms_of(10_020).fee == 251

    def test_is_nothing_where_waived(self):
        assert terms_of(10_000, waive_fee=True).net == 10_000


class TestAsk:
    def test_reserves_what_was_available(self, session, earnings, ask):
        affiliate = earnings.affiliate(15_000)

        withdrawal = ask(affiliate)

        assert (withdrawal.status, withdrawal.fee_amount, withdrawal.net_amount) == (
            S.PENDING_REVIEW,
            300,
            9700,
        )
        assert (withdrawal.iban_last4, withdrawal.holder) == ("0189", "Zoé Ampère")
        assert figures(session, affiliate) == (5000, 10_000, 0, 0)
        assert happened(session, withdrawal) == ["affiliation.withdrawal_asked"]
        holds(session)

    def test_shows_fee_and_net_before(self, session, earnings):
        affiliate = earnings.affiliate(15_000)

        asked = preview_withdrawal(session, affiliate.user_id, 5050)

        assert (asked.terms.fee, asked.terms.net, asked.available) == (152, 4898, 15_000)
        assert session.scalars(select(Withdrawal)).all() == []

    def test_everything_down_to_the_last_cent(self, session, earnings, ask):
        affiliate = earnings.affiliate(5001)

        ask(affiliate, 5001)

        assert figures(session, affiliate) == (0, 5001, 0, 0)

    @pytest.mark.parametrize(
        ("amount", "refusal"),
        [
            (15_001, NotEnough),
            (10**30, NotEnough),
            (4999, BelowMinimum),
            (1, BelowMinimum),
            (0, TooLittle),
            (-5000, TooLittle),
        ],
    )
    def test_not_any_amount(self, session, earnings, ask, amount, refusal):
        affiliate = earnings.affiliate(15_000)

        with pytest.raises(refusal):
            ask(affiliate, amount)

        assert figures(session, affiliate) == (15_000, 0, 0, 0)

    def test_not_more_than_is_left(self, earnings, ask):
        affiliate = earnings.affiliate(15_000)
        ask(affiliate)

        with pytest.raises(NotEnough):
            ask(affiliate)

    def test_not_in_debt(self, session, earnings, ask, owner, now):
        affiliate = earnings.affiliate()
        adjust_balance(session, affiliate.user_id, -1, reason="x", actor=owner, now=now)

        with pytest.raises(InDebt):
            ask(affiliate)

    def test_not_without_details(self, earnings, ask):
        with pytest.raises(DetailsMissing):
            ask(earnings.affiliate(15_000, details=False))

    def test_not_while_suspended(self, session, earnings, ask):
        affiliate = earnings.affiliate(15_000)
        User.get(session, affiliate.user_id).is_suspended = True

        with pytest.raises(Suspended):
            ask(affiliate)

    def test_sent_twice_asks_once(self, session, earnings, ask):
        affiliate, key = earnings.affiliate(50_000), uuid4()

        first = ask(affiliate, key=key)

        assert ask(affiliate, key=key) is first
        assert figures(session, affiliate) == (40_000, 10_000, 0, 0)
        with pytest.raises(OtherAsked):
            ask(affiliate, 9000, key=key)
        with pytest.raises(OtherAsked):
            ask(earnings.affiliate(50_000), key=key)

    def test_has_a_key_of_its_time_whatever_key_was_sent(self, earnings, ask, now):
        affiliate = earnings.affiliate(50_000)

        asked = ask(affiliate, key=UUID(int=7)), ask(affiliate), ask(affiliate, key=uuid4())

        assert [each.id for each in asked] == sorted(each.id for each in asked)
        assert first_id_at(now) <= asked[0].id < asked[2].id < first_id_at(now + MINUTE)

    def test_keeps_its_destination_when_details_change(self, session, earnings, ask):
        affiliate = earnings.affiliate(15_000)
        withdrawal = ask(affiliate)

        affiliate.payout_iban, affiliate.payout_iban_last4 = "DE89370400440532013000", "3000"
        session.flush()

        assert withdrawal.iban == "FR7630006000011234567890189"


DECIDED = {
    "cancel": lambda session, key, **who: cancel_withdrawal(session, key, **who),
    "approve": lambda session, key, **who: approve_withdrawal(session, key, **who),
    "reject": lambda session, key, **who: reject_withdrawal(session, key, reason="No.", **who),
    "pay": lambda session, key, **who: pay_withdrawal(session, key, **WIRED, **who),
}
MOVES = {
    (): {"cancel", "approve", "reject"},
    ("approve",): {"approve", "reject", "pay"},
    ("approve", "pay"): {"pay"},
    ("approve", "reject"): {"reject"},
    ("reject",): {"reject"},
    ("cancel",): {"cancel"},
}
"""After which acts which acts are accepted; the same one again changes nothing."""


class TestStatusMoves:
    @pytest.mark.parametrize("act", DECIDED)
    @pytest.mark.parametrize("before", MOVES, ids=lambda before: "-".join(before) or "asked")
    def test_from_here(self, session, earnings, ask, owner, now, before, act):
        affiliate = earnings.affiliate(15_000)
        withdrawal = ask(affiliate)
        for each in before:
            DECIDED[each](session, withdrawal.id, actor=owner, now=now)
        stood, again = withdrawal.status, figures(session, affiliate)

        if act in MOVES[before]:
            DECIDED[act](session, withdrawal.id, actor=owner, now=now)
            assert act not in before or (withdrawal.status, figures(session, affiliate)) == (
                stood,
                again,
            )
        else:
            with pytest.raises(IllegalTransition):
                DECIDED[act](session, withdrawal.id, actor=owner, now=now)
            assert withdrawal.status is stood
        holds(session)

    @pytest.mark.parametrize("act", DECIDED)
    def test_nothing_that_does_not_exist(self, session, owner, now, act):
        with pytest.raises(Missing):
            DECIDED[act](session, uuid4(), actor=owner, now=now)


class TestDecide:
    def test_a_rejection_gives_back_and_needs_a_reason(self, session, earnings, ask, owner, now):
        affiliate = earnings.affiliate(15_000)
        withdrawal = ask(affiliate)
        with pytest.raises(ReasonMissing):
            reject_withdrawal(session, withdrawal.id, reason="  ", actor=owner, now=now)

        reject_withdrawal(session, withdrawal.id, reason="Wrong IBAN.", actor=owner, now=now)

        assert figures(session, affiliate) == (15_000, 0, 0, 0)
        assert withdrawal.rejection_reason == "Wrong IBAN."

    def test_an_approval_is_a_memo(self, session, earnings, ask, owner, now):
        withdrawal = ask(earnings.affiliate(15_000))

        approve_withdrawal(session, withdrawal.id, actor=owner, now=now)

        keys = session.scalars(
            select(LedgerTransfer.idempotency_key).order_by(LedgerTransfer.seq)
        ).all()
        assert keys[-2:] == [
            f"withdrawal-requested:{withdrawal.id}",
            f"withdrawal-approved:{withdrawal.id}",
        ]


class TestPay:
    @pytest.fixture
    def approved(self, session, earnings, ask, owner, now):
        withdrawal = ask(earnings.affiliate(6000, 9000))
        return approve_withdrawal(session, withdrawal.id, actor=owner, now=now)

    def pay(self, session, withdrawal, owner, now, **options):
        return pay_withdrawal(session, withdrawal.id, **{**WIRED, **options}, actor=owner, now=now)

    def test_pays_the_net_and_keeps_the_fee(self, session, approved, owner, now):
        self.pay(session, approved, owner, now, proof="https://bank/1.pdf", notes="done")

        assert (approved.status, approved.payout_reference) == (S.PAID, "VIR-1")
        assert (approved.paid_at, approved.payout_proof) == (now, "https://bank/1.pdf")
        found = balances_of(session, approved.affiliate_id)
        assert (found.available, found.reserved, found.paid_out, found.fees) == (
            5000,
            0,
            9700,
            300,
        )
        holds(session)

    def test_a_waived_fee_is_paid_out_too(self, session, approved, owner, now):
        self.pay(session, approved, owner, now, waive_fee=True)

        assert (approved.fee_amount, approved.net_amount, approved.fee_waived) == (0, 10_000, True)
        types = session.scalars(
            select(LedgerTransfer.type).where(LedgerTransfer.withdrawal_id == approved.id)
        ).all()
        assert "FEE_DEDUCTED" not in types
        holds(session)

    def test_twice_pays_once(self, session, approved, owner, now):
        self.pay(session, approved, owner, now)
        self.pay(session, approved, owner, now, reference="VIR-2", waive_fee=True)

        assert approved.payout_reference == "VIR-1"
        assert balances_of(session, approved.affiliate_id).paid_out == 9700
        holds(session)

    @pytest.mark.parametrize("reference", ["", "  ", "x" * 141])
    def test_not_without_a_reference(self, session, approved, owner, now, reference):
        with pytest.raises(ReferenceMissing):
            self.pay(session, approved, owner, now, reference=reference)

    @pytest.mark.parametrize(
        "proof",
        ["javascript:alert(1)", "file:///etc/passwd", "https://[", "x", "http://" + "a" * 600],
    )
    def test_not_with_a_proof_that_is_no_address(self, session, approved, owner, now, proof):
        with pytest.raises(BadProof):
            self.pay(session, approved, owner, now, proof=proof)

    def test_pays_the_commissions_oldest_first(self, session, approved, owner, now):
        self.pay(session, approved, owner, now)

        paid = session.scalars(
            select(WithdrawalAllocation.amount).order_by(WithdrawalAllocation.commission_id)
        ).all()
        assert paid == [6000, 4000]


class TestPayNow:
    def test_creates_approves_and_pays(self, session, earnings, owner, now):
        affiliate = earnings.affiliate(15_000)

        withdrawal = pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)

        assert (withdrawal.status, withdrawal.requested_amount) == (S.PAID, 15_000)
        assert figures(session, affiliate) == (0, 0, 14_550, 450)
        holds(session)

    def test_some_of_it_below_the_minimum_without_details_or_fee(
        self, session, earnings, owner, now
    ):
        affiliate = earnings.affiliate(15_000, details=False)

        withdrawal = pay_now(
            session,
            affiliate.user_id,
            amount=100,
            method=PayoutMethod.MANUAL,
            reference="cash",
            waive_fee=True,
            actor=owner,
            now=now,
        )

        assert (withdrawal.fee_waived, withdrawal.net_amount) == (True, 100)
        assert figures(session, affiliate) == (14_900, 0, 100, 0)
        holds(session)

    @pytest.mark.parametrize(
        ("amount", "refusal"), [(15_001, NotEnough), (0, TooLittle), (-1, TooLittle)]
    )
    def test_not_any_amount(self, session, earnings, owner, now, amount, refusal):
        affiliate = earnings.affiliate(15_000)
        with pytest.raises(refusal):
            pay_now(session, affiliate.user_id, amount=amount, **WIRED, actor=owner, now=now)

    def test_not_from_nothing_or_debt(self, session, earnings, owner, now):
        affiliate = earnings.affiliate()
        with pytest.raises(TooLittle):
            pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)
        adjust_balance(session, affiliate.user_id, -5, reason="x", actor=owner, now=now)
        with pytest.raises(InDebt):
            pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)

    def test_sent_twice_pays_once(self, session, earnings, owner, now):
        affiliate, key = earnings.affiliate(15_000), uuid4()
        for _ in range(2):
            pay_now(session, affiliate.user_id, amount=1000, key=key, **WIRED, actor=owner, now=now)
        assert figures(session, affiliate) == (14_000, 0, 970, 30)

    def test_the_same_key_for_something_else_is_refused(self, session, earnings, owner, now):
        affiliate, other = (earnings.affiliate(15_000) for _ in range(2))
        key = uuid4()
        pay_now(session, affiliate.user_id, amount=1000, key=key, **WIRED, actor=owner, now=now)

        for who, amount in ((affiliate, 2000), (other, 1000), (other, None)):
            with pytest.raises(OtherAsked):
                pay_now(session, who.user_id, amount=amount, key=key, **WIRED, actor=owner, now=now)


class TestAdjust:
    def test_both_ways_into_debt(self, session, earnings, owner, now):
        affiliate = earnings.affiliate(5000)
        adjust_balance(session, affiliate.user_id, 250, reason="Gift", actor=owner, now=now)
        adjust_balance(session, affiliate.user_id, -6000, reason="Error", actor=owner, now=now)

        found = balances_of(session, affiliate.user_id)
        assert (found.available, found.debt, found.adjusted) == (-750, 750, -5750)
        holds(session)

    @pytest.mark.parametrize("amount", [0, 100_000_001, -(10**30)])
    def test_not_any_amount(self, session, earnings, owner, now, amount):
        with pytest.raises(BadAdjustment):
            adjust_balance(
                session, earnings.affiliate().user_id, amount, reason="x", actor=owner, now=now
            )

    def test_not_without_a_reason(self, session, earnings, owner, now):
        with pytest.raises(AdjustmentUnexplained):
            adjust_balance(
                session, earnings.affiliate().user_id, 1, reason=" ", actor=owner, now=now
            )

    def test_sent_twice_adjusts_once(self, session, earnings, owner, now):
        affiliate, key = earnings.affiliate(), uuid4()
        for _ in range(2):
            adjust_balance(
                session, affiliate.user_id, 70, reason="x", actor=owner, now=now, key=key
            )
        assert balances_of(session, affiliate.user_id).available == 70
        assert happened(session, affiliate).count("affiliation.balance_adjusted") == 1

    def test_an_adjustment_can_be_withdrawn_and_pays_no_commission(
        self, session, earnings, owner, now
    ):
        affiliate = earnings.affiliate(1000)
        adjust_balance(session, affiliate.user_id, 9000, reason="Gift", actor=owner, now=now)

        pay_now(session, affiliate.user_id, **WIRED, actor=owner, now=now)

        assert session.scalars(select(WithdrawalAllocation.amount)).all() == [1000]
        holds(session)


WRONG = [
    ("requested_amount = requested_amount + 1, net_amount = net_amount + 1", "stays as it was"),
    ("affiliate_id = gen_random_uuid()", "stays as it was"),
    ("request_key = gen_random_uuid()", "stays as it was"),
    ("holder = 'Somebody else'", "stays as it was"),
    ("iban = 'x'", "stays as it was"),
    ("iban_last4 = '0000'", "stays as it was"),
    ("paypal = 'eve@example.org'", "stays as it was"),
    ("net_amount = net_amount + 1", "amounts_add_up"),
    ("status = 'PAID', paid_at = now()", "paid_explained|approved_dated"),
    ("status = 'CANCELLED', cancelled_at = now()", "does not agree"),
    ("status = 'REJECTED', rejected_at = now()", "rejected_why"),
]


class TestTheDatabaseItself:
    @pytest.mark.parametrize(("change", "refusal"), WRONG, ids=lambda value: value[:20])
    def test_refuses(self, session, earnings, ask, change, refusal):
        withdrawal = ask(earnings.affiliate(15_000))
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        statement = text(f"UPDATE withdrawal_requests SET {change} WHERE id = :id")
        with pytest.raises(DBAPIError, match=refusal):
            session.execute(statement, {"id": withdrawal.id})

    def test_refuses_to_forget(self, session, earnings, owner, now):
        pay_now(session, earnings.affiliate(15_000).user_id, **WIRED, actor=owner, now=now)
        for statement in (
            "DELETE FROM withdrawal_requests",
            "DELETE FROM withdrawal_allocations",
            "UPDATE withdrawal_allocations SET amount = 1",
        ):
            with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
                session.execute(text(statement))

    def test_refuses_a_withdrawal_without_its_posting(self, session, earnings, now):
        affiliate = earnings.affiliate(15_000)
        session.add(
            Withdrawal(
                affiliate_id=affiliate.user_id,
                requested_amount=100,
                fee_amount=3,
                net_amount=97,
                requested_at=now,
            )
        )
        session.flush()
        with pytest.raises(DBAPIError, match="takes what is not available"):
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
