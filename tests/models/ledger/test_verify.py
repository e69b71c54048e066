"""The proof finds whatever was changed behind the ledger's back, and names the row."""

import pytest
from sqlalchemy import select

from models.affiliation import PayoutMethod, WithdrawalStatus
from models.ledger import (
    Account,
    Claim,
    LedgerEntry,
    TransferType,
    balances_of,
    balances_of_all,
    post,
    verify_ledger,
)
from models.ledger.transfer import LedgerTransfer
from models.session import unit_of_work
from tests.factories import Make

T = TransferType
OF_WITHDRAWALS = {
    T.WITHDRAWAL_REQUESTED,
    T.WITHDRAWAL_APPROVED,
    T.WITHDRAWAL_PAID,
    T.FEE_DEDUCTED,
    T.WITHDRAWAL_REJECTED,
}
STORY = [
    (T.COMMISSION_EARNED, {Account.LOCKED: 12250, Account.COMMISSIONS: -12250}),
    (T.COMMISSION_MATURED, {Account.LOCKED: -9800, Account.AVAILABLE: 9800}),
    (T.WITHDRAWAL_REQUESTED, {Account.AVAILABLE: -6000, Account.RESERVED: 6000}),
    (T.WITHDRAWAL_APPROVED, {Account.RESERVED: 0}),
    (T.FEE_DEDUCTED, {Account.RESERVED: -180, Account.FEES: 180}),
    (T.WITHDRAWAL_PAID, {Account.RESERVED: -5820, Account.PAID_OUT: 5820}),
    (
        T.COMMISSION_CLAWED_BACK,
        {Account.LOCKED: -2450, Account.AVAILABLE: -9800, Account.COMMISSIONS: 12250},
    ),
    (T.ADJUSTMENT_CREDIT, {Account.AVAILABLE: 100, Account.ADJUSTMENTS: -100}),
]


@pytest.fixture
def affiliates(committed, now):
    """Two affiliates, both with the whole story, committed."""
    with unit_of_work() as session:
        make = Make(session)
        made = [make.affiliate(), make.affiliate()]
        for affiliate in made:
            withdrawal = make.withdrawal(
                affiliate,
                6000,
                fee_amount=180,
                status=WithdrawalStatus.PAID,
                approved_at=now,
                paid_at=now,
                payment_method=PayoutMethod.WIRE,
                payout_reference="VIR-1",
            )
            commission = make.commission(affiliate, 12250)
            for number, (type, entries) in enumerate(STORY):
                post(
                    session,
                    type,
                    affiliate_id=affiliate.user_id,
                    key=f"{affiliate.user_id}:{number}",
                    at=now,
                    entries=entries,
                    description=f"{type} « {number} » \x7f\t\"'",
                    metadata={"number": number, "deep": {"é": [1.50, True]}},
                    withdrawal_id=withdrawal.id if type in OF_WITHDRAWALS else None,
                    commission_id=commission.id if "COMMISSION" in type else None,
                )
    return made


def verified(**options):
    with unit_of_work() as session:
        return verify_ledger(session, **options)


@pytest.mark.unproved
class TestVerify:
    def test_an_untouched_ledger_holds_and_says_how_much(self, affiliates):
        report = verified()

        assert report.ok, report.difference
        assert (report.transfers, report.entries, report.affiliates) == (16, 32, 2)
        assert report.head == verified().head

    def test_balances(self, affiliates):
        with unit_of_work() as session:
            found = balances_of(session, affiliates[0].user_id)
            assert balances_of_all(session)[affiliates[1].user_id] == found
        assert (found.locked, found.available, found.reserved) == (0, -5900, 0)
        assert (found.debt, found.paid_out, found.fees) == (5900, 5820, 180)
        assert (found.earned, found.clawed_back, found.adjusted) == (12250, 12250, 100)

    @pytest.mark.parametrize(
        "column", ["amount = amount + 1", "balance_after = balance_after - 1", "hash = 'x'"]
    )
    def test_one_cent_in_an_entry_is_found_and_named(self, affiliates, tamper, column):
        with unit_of_work() as session:
            seq = session.scalars(
                select(LedgerEntry.seq)
                .where(LedgerEntry.account == Account.AVAILABLE)
                .order_by(LedgerEntry.seq)
            ).all()[1]

        tamper(f"UPDATE ledger_entries SET {column} WHERE seq = :seq", seq=seq)

        report = verified()
        assert not report.ok
        assert f"ledger_entries seq {seq} " in report.difference

    def test_two_cents_that_cancel_out_are_found(self, affiliates, tamper):
        with unit_of_work() as session:
            entry = session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)).first()
        for account, sign in ((Account.LOCKED, "+"), (Account.COMMISSIONS, "-")):
            tamper(
                f"UPDATE ledger_entries SET amount = amount {sign} 1"
                " WHERE transfer_id = :transfer AND account = :account",
                transfer=entry.transfer_id,
                account=account,
            )

        assert f"ledger_entries seq {entry.seq} " in verified().difference

    @pytest.mark.parametrize(
        "column",
        ["description = 'x'", "created_at = created_at + interval '1 us'", "metadata = '{}'"],
    )
    def test_a_changed_transfer_is_found_and_named(self, affiliates, tamper, column):
        with unit_of_work() as session:
            transfer = session.scalars(select(LedgerTransfer.id)).all()[5]

        tamper(f"UPDATE ledger_transfers SET {column} WHERE id = :id", id=transfer)

        assert str(transfer) in verified().difference

    def test_a_transfer_moved_in_the_order_is_found_and_named(self, affiliates, tamper):
        with unit_of_work() as session:
            transfers = session.scalars(
                select(LedgerTransfer.id)
                .where(LedgerTransfer.affiliate_id == affiliates[0].user_id)
                .order_by(LedgerTransfer.seq)
            ).all()

        tamper("UPDATE ledger_transfers SET seq = DEFAULT WHERE id = :id", id=transfers[5])

        assert f"(transfer {transfers[6]}, " in verified().difference

    def test_a_running_balance_is_held_against_its_entries(self, affiliates, tamper):
        tamper(
            "UPDATE ledger_accounts SET balance = balance + 1"
            " WHERE affiliate_id = :id AND account = 'AVAILABLE'",
            id=affiliates[1].user_id,
        )

        report = verified()
        assert report.affiliate_id == affiliates[1].user_id
        assert "AVAILABLE" in report.difference

    def test_a_last_entry_taken_away_is_found(self, affiliates, tamper):
        with unit_of_work() as session:
            last = session.scalars(select(LedgerEntry.seq).order_by(LedgerEntry.seq.desc())).first()

        tamper("DELETE FROM ledger_entries WHERE seq = :seq", seq=last)

        assert not verified().ok

    def test_a_transfer_without_entries_is_found(self, affiliates, tamper):
        tamper(
            "INSERT INTO ledger_transfers (id, type, affiliate_id, description, idempotency_key,"
            " metadata, created_at) VALUES (gen_random_uuid(), 'ADJUSTMENT_DEBIT', :id, '', 'x',"
            " '{}', now())",
            id=affiliates[0].user_id,
        )

        assert "has no entries" in verified().difference

    def test_a_claim_that_disagrees_is_a_difference(self, affiliates):
        entry = LedgerEntry.__table__
        half = select(entry.c.affiliate_id, entry.c.amount).where(
            entry.c.account == "FEES", entry.c.affiliate_id == affiliates[0].user_id
        )

        report = verified(claims=[Claim(Account.FEES, "what the fees' rows", half)])

        assert report.affiliate_id == affiliates[1].user_id
        assert "says 0, the entries sum to 180" in report.difference
