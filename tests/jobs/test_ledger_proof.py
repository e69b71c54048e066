"""`ledger verify` names the row of one changed cent; `ledger statement` tells any instant."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool

from jobs.alert_listeners import alert_ledger
from jobs.ledger import statement_in_words, verify, verify_in_words
from models.affiliation import PayoutMethod
from models.affiliation.payouts.adjust_balance import adjust_balance
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.business_days import next_business_day
from models.affiliation.payouts.decide_withdrawal import (
    approve_withdrawal,
    cancel_withdrawal,
    reject_withdrawal,
)
from models.affiliation.payouts.make_batch import make_batch
from models.affiliation.payouts.pay_withdrawal import pay_withdrawal
from models.clock import today
from models.ids import new_id
from models.ledger import LedgerTransfer
from models.oversight import Actor, AuditEvent, OutboxEvent, OutgoingMail
from models.session import unit_of_work
from tests.earnings import Earnings
from tests.factories import Make

HOUR = timedelta(hours=1)
OWNER = Actor(role="OWNER")


@pytest.fixture
def story(committed, now):
    """An affiliate who earned, was adjusted, withdrew three ways; one step an hour."""
    with unit_of_work() as session:
        earnings = Earnings(Make(session), now)
        alice = earnings.affiliate(slug="alice")
        commission = earnings.commission(alice, 20_000)
        earnings.release(commission, "main", at=now + HOUR)
        earnings.release(commission, "extended", at=now + 2 * HOUR)
        key = alice.user_id
        adjust_balance(session, key, 500, reason="Gift", actor=OWNER, now=now + 3 * HOUR)
        adjust_balance(session, key, -100, reason="Slip", actor=OWNER, now=now + 4 * HOUR)
        paid = ask_withdrawal(session, key, 10_000, actor=OWNER, now=now + 5 * HOUR)
        approve_withdrawal(session, paid.id, actor=OWNER, now=now + 6 * HOUR)
        pay_withdrawal(
            session,
            paid.id,
            method=PayoutMethod.WIRE,
            reference="VIR-1",
            actor=OWNER,
            now=now + 7 * HOUR,
        )
        waits = ask_withdrawal(session, key, 5_100, actor=OWNER, now=now + 8 * HOUR)
        approve_withdrawal(session, waits.id, actor=OWNER, now=now + 8 * HOUR)
        make_batch(
            session,
            [waits.id],
            execution_date=next_business_day(today()),
            actor=OWNER,
            now=now + 8 * HOUR,
        )
        gone = ask_withdrawal(session, key, 5_000, actor=OWNER, now=now + 9 * HOUR)
        cancel_withdrawal(session, gone.id, actor=OWNER, now=now + 10 * HOUR)
    return alice


@pytest.fixture
def tamper(database):
    """Change rows as the superuser, committed, with triggers and foreign keys asleep."""
    engine = create_engine(database.running.superuser_url(database.name), poolclass=NullPool)

    def run(statement, **values):
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            assert connection.execute(text(statement), values).rowcount == 1

    return run


PAID = "status = 'PAID'"
WAITS = "status = 'APPROVED'"
CENTS = [
    ("ledger_entries", "amount = amount + 1", "account = 'FEES'"),
    ("ledger_entries", "amount = amount + 1", "account = 'RESERVED' AND amount = 10000"),
    ("ledger_entries", "balance_after = balance_after + 1", "account = 'LOCKED' AND amount > 0"),
    ("ledger_accounts", "balance = balance + 1", "account = 'LOCKED'"),
    ("ledger_accounts", "balance = balance - 1", "account = 'AVAILABLE'"),
    ("ledger_accounts", "balance = balance + 1", "account = 'RESERVED'"),
    ("ledger_heads", "entries = entries + 1", "true"),
    ("ledger_entries", "currency = 'USD'", "account = 'FEES'"),
    ("ledger_accounts", "currency = 'USD'", "account = 'AVAILABLE'"),
    (
        "affiliate_commissions",
        "total_amount = total_amount - 1, main_amount = main_amount - 1",
        "true",
    ),
    ("affiliate_commissions", "paid_amount = paid_amount + 1", "true"),
    ("affiliate_commissions", "base_amount = base_amount + 1", "true"),
    (
        "affiliate_commissions",
        "main_amount = main_amount - 1, extended_amount = extended_amount + 1",
        "true",
    ),
    ("affiliate_commissions", "status = 'LOCKED'", "true"),
    ("affiliate_commissions", "status = 'CLAWED_BACK'", "true"),
    (
        "affiliate_commissions",
        "clawed_back_amount = 1, clawed_from_available = 1",
        "true",
    ),
    (
        "withdrawal_requests",
        "requested_amount = requested_amount + 1, net_amount = net_amount + 1",
        PAID,
    ),
    (
        "withdrawal_requests",
        "requested_amount = requested_amount - 1, net_amount = net_amount - 1",
        WAITS,
    ),
    ("withdrawal_requests", "fee_amount = fee_amount + 1, net_amount = net_amount - 1", PAID),
    ("withdrawal_requests", "fee_amount = fee_amount - 1, net_amount = net_amount + 1", WAITS),
    (
        "withdrawal_requests",
        "fee_amount = fee_amount - 1, net_amount = net_amount + 1",
        "status = 'CANCELLED'",
    ),
    ("withdrawal_requests", "status = 'CANCELLED', cancelled_at = now()", WAITS),
    ("withdrawal_requests", "status = 'PENDING_REVIEW', approved_at = null", WAITS),
    ("withdrawal_allocations", "amount = amount - 1", "true"),
    ("sepa_batches", "total = total + 1", "true"),
    ("sepa_batches", "count = count + 1", "true"),
    ("sepa_batches", "xml = replace(xml, '49.47', '49.48')", "true"),
]
NAMES = {
    "ledger_entries": "SELECT 'seq ' || seq",
    "ledger_accounts": "SELECT affiliate_id || ' ' || account",
    "ledger_heads": "SELECT affiliate_id::text",
    "withdrawal_allocations": "SELECT withdrawal_id::text",
    "ledger_transfers": "SELECT id::text",
}


@pytest.mark.unproved
class TestOneCent:
    def test_the_untouched_story_holds(self, story, capsys):
        assert verify_in_words() == 0
        assert "The ledger holds." in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("table", "change", "where"), CENTS, ids=lambda value: value[:40].replace(" ", "-")
    )
    def test_is_found_in_every_table_and_its_row_named(
        self, story, tamper, capsys, table, change, where
    ):
        with unit_of_work() as session:
            name = NAMES.get(table, "SELECT id::text")
            row = session.execute(
                text(f"{name}, ctid::text FROM {table} WHERE {where} LIMIT 1")
            ).one()

        tamper(f"UPDATE {table} SET {change} WHERE ctid = CAST(:place AS tid)", place=row[1])

        assert verify_in_words() == 1
        told = capsys.readouterr().err
        assert table in told
        assert row[0] in told

    def test_alerts_the_owner_with_the_nightly_run(self, story, tamper):
        tamper("UPDATE sepa_batches SET total = total + 1")

        counts = verify()

        assert counts["differences"] == 1
        assert "sepa_batches" in counts["difference"]
        with unit_of_work() as session:
            told = select(AuditEvent.data).where(AuditEvent.action == "ledger.verify_failed")
            assert "sepa_batches" in session.scalars(told).one()["difference"]

    def test_mails_each_difference_of_a_day_once(self, story, tamper):
        def mailed():
            verify()
            with unit_of_work() as session:
                failed = OutboxEvent.kind == "ledger.verify_failed"
                for event in session.scalars(select(OutboxEvent).where(failed)):
                    alert_ledger(session, event)
            with unit_of_work() as session:
                mails = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
                return [mail.context["detail"] for mail in mails if mail.kind == "staff_alert"]

        tamper("UPDATE sepa_batches SET total = total + 1")
        assert len(mailed()) == len(mailed()) == 1

        tamper("UPDATE withdrawal_allocations SET amount = amount - 1")
        first, second = mailed()
        assert "sepa_batches" in first
        assert "withdrawal_allocations" in second

    def test_a_changed_transfer_is_named_by_its_entry(self, story, tamper, capsys):
        """An entry's hash covers its transfer: either may be what was changed."""
        with unit_of_work() as session:
            key = session.scalars(
                select(LedgerTransfer.id).where(LedgerTransfer.type == "FEE_DEDUCTED")
            ).one()

        tamper("UPDATE ledger_transfers SET metadata = '{}' WHERE id = :id", id=key)

        assert verify_in_words() == 1
        assert f"(transfer {key}, " in capsys.readouterr().err

    def test_a_balance_of_nobody_is_told_of(self, story, tamper):
        key = new_id()
        tamper("INSERT INTO ledger_accounts VALUES (:id, 'AVAILABLE', 100, 'EUR')", id=str(key))

        assert verify()["difference"] == f"ledger_accounts {key} AVAILABLE has no ledger_heads"

    @pytest.mark.parametrize(
        ("approved", "rejected", "change"),
        [
            (False, False, "status = 'APPROVED', approved_at = now()"),
            (True, False, "status = 'PENDING_REVIEW'"),
            (False, True, "approved_at = now()"),
            (True, True, "approved_at = null"),
        ],
    )
    def test_an_approval_that_nobody_posted_is_found_and_one_left_out(
        self, story, tamper, now, approved, rejected, change
    ):
        with unit_of_work() as session:
            row = ask_withdrawal(session, story.user_id, 5_000, actor=OWNER, now=now).id
            if approved:
                approve_withdrawal(session, row, actor=OWNER, now=now)
            if rejected:
                reject_withdrawal(session, row, reason="No.", actor=OWNER, now=now)
        assert verify()["differences"] == 0

        tamper(f"UPDATE withdrawal_requests SET {change} WHERE id = :id", id=row)

        difference = verify()["difference"]
        assert difference.startswith(f"withdrawal_requests {row} ")
        assert "approvals" in difference

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM affiliate_commissions",
            "DELETE FROM withdrawal_allocations",
            "DELETE FROM withdrawal_requests WHERE status = 'CANCELLED'",
            "DELETE FROM ledger_transfers WHERE type = 'FEE_DEDUCTED'",
        ],
    )
    def test_a_row_taken_away_is_found(self, story, tamper, statement):
        tamper(statement)

        assert verify_in_words() == 1


STOOD = [
    # hours after the start: locked, available, reserved, paid out, fees
    (0, 20_000, 0, 0, 0, 0),
    (1, 4_000, 16_000, 0, 0, 0),
    (2, 0, 20_000, 0, 0, 0),
    (3, 0, 20_500, 0, 0, 0),
    (4, 0, 20_400, 0, 0, 0),
    (5, 0, 10_400, 10_000, 0, 0),
    (6, 0, 10_400, 10_000, 0, 0),
    (7, 0, 10_400, 0, 9_700, 300),
    (8, 0, 5_300, 5_100, 9_700, 300),
    (9, 0, 300, 10_100, 9_700, 300),
    (10, 0, 5_300, 5_100, 9_700, 300),
]


class TestStatement:
    @pytest.mark.parametrize(
        ("hours", "locked", "available", "reserved", "paid_out", "fees"), STOOD
    )
    def test_shows_the_balances_as_they_stood(
        self, story, now, capsys, hours, locked, available, reserved, paid_out, fees
    ):
        assert statement_in_words("alice", at=(now + hours * HOUR).isoformat()) == 0

        told = dict(line.rsplit("  ", 1) for line in capsys.readouterr().out.splitlines()[1:])
        told = {name.strip(): amount.strip() for name, amount in told.items()}
        for name, cents in (
            ("locked", locked),
            ("available", available),
            ("reserved", reserved),
            ("paid out", paid_out),
            ("fees", fees),
        ):
            assert told[name] == f"{cents // 100}.{cents % 100:02d} €"

    def test_before_everything_is_nothing(self, story, now, capsys):
        statement_in_words("alice", at=(now - HOUR).isoformat())

        assert "0.00 €" in capsys.readouterr().out.splitlines()[1]

    def test_at_a_date_is_its_end_in_paris(self, story, capsys):
        statement_in_words("alice", at="2026-03-10")

        assert "T22:59:59Z" in capsys.readouterr().out

    def test_of_nobody_is_refused(self, story, capsys):
        assert statement_in_words("bob", at=None) == 2
        assert "bob" in capsys.readouterr().err
