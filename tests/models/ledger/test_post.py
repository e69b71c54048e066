"""Posting: shapes, balances, keys, refusals, and many at once on one affiliate."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from models.affiliation import Commission
from models.ids import new_id
from models.ledger import (
    Account,
    BalanceTooLow,
    KeyTaken,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    MalformedTransfer,
    TransferType,
    balances_of,
    post,
    verify_ledger,
)
from models.ledger.shapes import EITHER, SIGNS
from models.session import member_session, unit_of_work
from tests.factories import Make

EARNED = {Account.LOCKED: 1225, Account.COMMISSIONS: -1225}
HOUSE = [account for account in Account if account not in ("LOCKED", "AVAILABLE", "RESERVED")]


def commission_of(session, affiliate):
    """The key of a commission of this affiliate, the same each time."""
    mine = select(Commission.id).where(Commission.affiliate_id == affiliate.user_id)
    return session.scalar(mine.order_by(Commission.id)) or Make(session).commission(affiliate).id


def earn(session, affiliate, now, key="commission:1", **changes):
    values = {
        "affiliate_id": affiliate.user_id,
        "commission_id": commission_of(session, affiliate),
        "key": key,
        "at": now,
        "entries": EARNED,
        "description": 'Invoice "WS-2026-000001" – é 🎉 \\ \n',
        "metadata": {"b": 1, "a": {"z": "é", "y": [1, 2.5, None]}},
    }
    return post(session, TransferType.COMMISSION_EARNED, **(values | changes))


class TestPost:
    def test_moves_the_balances(self, session, make, now):
        affiliate = make.affiliate()

        transfer = earn(session, affiliate, now)

        assert transfer.type is TransferType.COMMISSION_EARNED
        assert transfer.created_at == now
        entries = session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)).all()
        assert [(e.account, e.amount, e.balance_after) for e in entries] == [
            (Account.LOCKED, 1225, 1225),
            (Account.COMMISSIONS, -1225, None),
        ]
        assert entries[0].prev_hash == "0" * 64
        assert entries[1].prev_hash == entries[0].hash
        assert balances_of(session, affiliate.user_id).locked == 1225

    def test_twice_posts_once(self, session, make, now):
        affiliate = make.affiliate()

        first = earn(session, affiliate, now)
        second = earn(session, affiliate, now)

        assert first.id == second.id
        assert session.scalar(select(func.count()).select_from(LedgerTransfer)) == 1
        assert balances_of(session, affiliate.user_id).locked == 1225

    @pytest.mark.parametrize(
        "change",
        [
            {"entries": {Account.LOCKED: 1226, Account.COMMISSIONS: -1226}},
            {"refund_id": new_id()},
        ],
    )
    def test_the_same_key_with_other_content_is_refused(self, session, make, now, change):
        affiliate = make.affiliate()
        earn(session, affiliate, now)

        with pytest.raises(KeyTaken), session.begin_nested():
            earn(session, affiliate, now, **change)

        assert balances_of(session, affiliate.user_id).locked == 1225

    def test_the_same_key_for_another_affiliate_is_refused(self, session, make, now):
        earn(session, make.affiliate(), now)
        other = make.affiliate()

        with pytest.raises(KeyTaken), session.begin_nested():
            earn(session, other, now)

        assert balances_of(session, other.user_id).locked == 0

    def test_available_may_go_below_zero_and_is_debt(self, session, make, now):
        affiliate = make.affiliate()
        entries = {Account.AVAILABLE: -300, Account.COMMISSIONS: 300}

        post(
            session,
            TransferType.COMMISSION_CLAWED_BACK,
            affiliate_id=affiliate.user_id,
            key="clawback:1",
            at=now,
            entries=entries,
            description="",
            commission_id=commission_of(session, affiliate),
        )

        assert balances_of(session, affiliate.user_id).debt == 300

    @pytest.mark.parametrize(
        ("type", "entries"),
        [
            (TransferType.COMMISSION_MATURED, {Account.LOCKED: -1226, Account.AVAILABLE: 1226}),
            (TransferType.WITHDRAWAL_PAID, {Account.RESERVED: -1, Account.PAID_OUT: 1}),
        ],
    )
    def test_locked_and_reserved_never_go_below_zero(self, session, make, now, type, entries):
        affiliate = make.affiliate()
        earn(session, affiliate, now)

        about = {}
        if type is TransferType.WITHDRAWAL_PAID:
            about["withdrawal_id"] = make.withdrawal(affiliate, 1).id
        with pytest.raises(BalanceTooLow), session.begin_nested():
            earn_other(session, affiliate, now, type, entries, **about)

        assert verify_ledger(session).ok

    def test_an_unknown_affiliate_gets_nothing(self, session, make, now):
        with pytest.raises(DBAPIError), session.begin_nested():
            earn(session, make.affiliate(), now, affiliate_id=new_id())


def earn_other(session, affiliate, now, type, entries, **about):
    about.setdefault("commission_id", commission_of(session, affiliate))
    return post(
        session,
        type,
        affiliate_id=affiliate.user_id,
        key=f"{type}:1",
        at=now,
        entries=entries,
        description="",
        **about,
    )


class TestShapes:
    @pytest.mark.parametrize("type", TransferType)
    def test_document_05_lists_every_type(self, type):
        assert type in SIGNS

    @pytest.mark.parametrize("type", TransferType)
    def test_a_wrong_sign_a_missing_or_a_foreign_account_is_a_bug(self, session, make, now, type):
        affiliate = make.affiliate()
        right = {account: sign * 10 for account, sign in SIGNS[type].items()}
        wrong = [
            {account: -amount or 5 for account, amount in right.items()},
            right | {Account.FEES: 1, Account.ADJUSTMENTS: -1},
            {},
        ]
        if type not in EITHER:
            wrong.append(dict(list(right.items())[1:]))
        for entries in wrong:
            with pytest.raises(MalformedTransfer):
                earn_other(session, affiliate, now, type, entries)

    def test_what_does_not_sum_to_zero_is_a_bug(self, session, make, now):
        with pytest.raises(MalformedTransfer):
            earn_other(
                session,
                make.affiliate(),
                now,
                TransferType.COMMISSION_EARNED,
                {Account.LOCKED: 10, Account.COMMISSIONS: -9},
            )


POSTING = (
    "ROW(gen_random_uuid(), :type, :affiliate, :key, now(), 'x',"
    " CAST(:commission AS uuid), NULL, NULL, NULL, '{}',"
    " 'EUR', :locked, NULL, NULL, :commissions, NULL, NULL, NULL)::ledger_posting"
)


class TestTheDatabaseItself:
    def test_refuses_what_does_not_sum_to_zero(self, session, make, now):
        values = {"type": "COMMISSION_EARNED", "key": "k", "locked": 5, "commissions": -4}
        affiliate = make.affiliate()
        values["affiliate"] = str(affiliate.user_id)
        values["commission"] = str(commission_of(session, affiliate))

        session.execute(text(f"SELECT * FROM ledger_post(ARRAY[{POSTING}])"), values)
        with pytest.raises(DBAPIError, match="does not sum to zero"):
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    def test_posts_many_in_one_statement_with_repeats(self, session, make, now):
        affiliates = [make.affiliate(), make.affiliate()]
        keys = [commission_of(session, affiliate) for affiliate in affiliates]
        rows = [
            f"ROW(gen_random_uuid(), 'COMMISSION_EARNED', '{affiliates[n % 2].user_id}',"
            f" 'many:{n % 40}', now(), 'x', '{keys[n % 2]}', NULL, NULL, NULL, '{{}}',"
            " 'EUR', 10, NULL, NULL,"
            " -10, NULL, NULL, NULL)::ledger_posting"
            for n in range(50)
        ]

        posted = session.execute(
            text(f"SELECT idempotency_key FROM ledger_post(ARRAY[{', '.join(rows)}])")
        ).all()

        assert len(posted) == 50
        assert balances_of(session, affiliates[0].user_id).locked == 200
        assert balances_of(session, affiliates[1].user_id).locked == 200
        report = verify_ledger(session)
        assert (report.transfers, report.entries, report.difference) == (40, 80, None)

    def test_a_transfer_of_nothing_but_debits_is_refused_at_once(self, session, make, now):
        affiliate = make.affiliate()
        earn(session, affiliate, now)
        values = {
            "type": "COMMISSION_CLAWED_BACK",
            "affiliate": str(affiliate.user_id),
            "commission": str(commission_of(session, affiliate)),
            "key": "k",
            "locked": -5,
            "commissions": -5,
        }
        with pytest.raises(DBAPIError, match="does not sum to zero"), session.begin_nested():
            session.execute(text(f"SELECT * FROM ledger_post(ARRAY[{POSTING}])"), values)

    def test_a_movement_about_a_commission_names_it(self, session, make, now):
        with pytest.raises(DBAPIError, match="names_its_commission"), session.begin_nested():
            earn(session, make.affiliate(), now, commission_id=None)


WRITES = [
    "INSERT INTO ledger_transfers (id, type, affiliate_id, description, idempotency_key, metadata,"
    " created_at) VALUES (gen_random_uuid(), 'COMMISSION_EARNED', gen_random_uuid(), '', 'k', '{}',"
    " now())",
    "INSERT INTO ledger_entries (transfer_id, account, affiliate_id, amount, currency, prev_hash,"
    " hash) VALUES (gen_random_uuid(), 'FEES', gen_random_uuid(), 0, 'EUR', '', '')",
    "UPDATE ledger_entries SET amount = amount + 1",
    "UPDATE ledger_transfers SET description = 'x'",
    "UPDATE ledger_accounts SET balance = balance + 1",
    "UPDATE ledger_heads SET entries = 0",
    *(
        f"{act} {table}"
        for act in ("DELETE FROM", "TRUNCATE")
        for table in ("ledger_entries", "ledger_transfers", "ledger_accounts", "ledger_heads")
    ),
]

OPENING = [
    "INSERT INTO ledger_heads VALUES (gen_random_uuid(), '', 0)",
    "INSERT INTO ledger_accounts VALUES (gen_random_uuid(), 'AVAILABLE', 0, 'EUR')",
]


FRAME = "PL/pgSQL function ledger_post(ledger_posting[]) line 9 at SQL statement"
SAID = [
    r"/*\nledger_post( */",
    rf"/*\n{FRAME}*/",
    rf'/*"\n{FRAME}*/',
    rf'/*"\n{FRAME}\nSQL statement "*/',
    rf"--\n-- {FRAME}",
]
BLOCKS = [
    "DO $$ BEGIN PERFORM 'ledger_post('; UPDATE ledger_heads SET entries = 0; END $$",
    *(
        f"DO $$ BEGIN EXECUTE E'UPDATE ledger_heads SET entries = 0 {said}'; END $$"
        for said in SAID
    ),
]
NAMED_ALIKE = [
    "ledger_post(postings ledger_posting[])",
    "ledger_open()",
    '"ledger_post(ledger_posting[])"()',
    '"x\nledger_post(ledger_posting[]) "()',
]


class TestNobodyWritesDirectly:
    @pytest.mark.parametrize("statement", WRITES)
    def test_staff(self, session, statement):
        with pytest.raises(DBAPIError, match="permission denied"):
            session.execute(text(statement))

    @pytest.mark.parametrize("statement", [*WRITES, "SELECT * FROM ledger_post('{}')"])
    def test_member(self, database, statement):
        with (
            pytest.raises(DBAPIError, match="permission denied"),
            member_session(None) as session,
        ):
            session.execute(text(statement))

    @pytest.mark.parametrize("statement", [*WRITES, *OPENING])
    def test_not_even_the_tables_owner(self, owner, statement):
        refusals = r"append-only|posting function alone|truncate a table referenced"
        with pytest.raises(DBAPIError, match=refusals):
            owner.execute(text(statement))

    @pytest.mark.parametrize("block", BLOCKS)
    def test_nor_a_block_of_the_owners(self, owner, block):
        with pytest.raises(DBAPIError, match="posting function alone"):
            owner.exec_driver_sql(block)

    @pytest.mark.parametrize("name", NAMED_ALIKE)
    @pytest.mark.parametrize("language", ["sql", "plpgsql"])
    def test_nor_a_function_that_is_named_alike(self, owner, name, language):
        body = "UPDATE ledger_heads SET entries = 0;"
        body = body if language == "sql" else f"BEGIN {body} END"
        owner.exec_driver_sql("CREATE SCHEMA elsewhere")
        owner.exec_driver_sql(
            f"CREATE FUNCTION elsewhere.{name} RETURNS void LANGUAGE {language} AS $${body}$$"
        )
        call = name.replace("postings ledger_posting[]", "ARRAY[]::ledger_posting[]")
        with pytest.raises(DBAPIError, match="posting function alone"):
            owner.exec_driver_sql(f"SELECT elsewhere.{call}")


@pytest.mark.unproved
class TestAHotAffiliate:
    def test_sixteen_at_once_lose_and_double_nothing(self, committed, now):
        with unit_of_work() as session:
            affiliate = Make(session).affiliate()
            commission_of(session, affiliate)

        def earn_some(worker):
            for number in range(10):
                with unit_of_work() as session:
                    earn(session, affiliate, now, key=f"hot:{worker % 8}:{number}")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(earn_some, range(16)))

        with unit_of_work() as session:
            report = verify_ledger(session)
            assert report.ok, report.difference
            assert report.transfers == 80
            assert balances_of(session, affiliate.user_id).locked == 80 * 1225
            balance = session.get(LedgerAccount, (affiliate.user_id, Account.LOCKED))
            assert balance.balance == 80 * 1225

    def test_opposite_orders_wait_and_do_not_deadlock(self, committed, now):
        with unit_of_work() as session:
            make = Make(session)
            pair = [make.affiliate(), make.affiliate()]
            keys = {each.user_id: commission_of(session, each) for each in pair}

        def post_both(worker):
            order = pair if worker % 2 else pair[::-1]
            rows = ", ".join(
                f"ROW(gen_random_uuid(), 'COMMISSION_EARNED', '{affiliate.user_id}',"
                f" 'pair:{worker}:{affiliate.user_id}', now(), 'x',"
                f" '{keys[affiliate.user_id]}', NULL, NULL, NULL, '{{}}',"
                " 'EUR', 10, NULL, NULL, -10, NULL, NULL, NULL)::ledger_posting"
                for affiliate in order
            )
            with unit_of_work() as session:
                session.execute(text(f"SELECT * FROM ledger_post(ARRAY[{rows}])"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(post_both, range(32)))

        with unit_of_work() as session:
            assert verify_ledger(session).transfers == 64
