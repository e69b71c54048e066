"""Jobs of affiliation and the ledger, each twice, and the ledger's two commands."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.pool import NullPool

from jobs import affiliation, due, ledger
from models import clock, quick_redis
from models.affiliation import TrackingEvent
from models.affiliation.record_click import Visit, record_click
from models.ledger import Account, TransferType, post
from models.oversight import OutboxEvent
from models.session import unit_of_work
from tests.factories import Make


@pytest.fixture
def alice(committed, redis, now, monkeypatch):
    monkeypatch.setattr(quick_redis, "_left_alone_until", 0.0)
    with unit_of_work() as session:
        alice = Make(session).affiliate("alice")
        commission = Make(session).commission(alice)
        commission.clawed_back_amount = commission.clawed_from_main = 1225
        commission.follow_money()
        post(
            session,
            TransferType.COMMISSION_EARNED,
            affiliate_id=alice.user_id,
            key="earned:1",
            at=now,
            entries={Account.LOCKED: 1225, Account.COMMISSIONS: -1225},
            description="",
            commission_id=commission.id,
        )
        post(
            session,
            TransferType.COMMISSION_CLAWED_BACK,
            affiliate_id=alice.user_id,
            key="clawed:1",
            at=now + timedelta(days=2),
            entries={Account.LOCKED: -1225, Account.COMMISSIONS: 1225},
            description="",
            commission_id=commission.id,
        )
    return alice


class TestJobs:
    def test_flushing_clicks(self, alice, now):
        with unit_of_work() as session:
            assert due.clicks(session) is None
            visit = Visit(slug="alice", platform="STAM", visitor_key="v", ip="203.0.113.7")
            record_click(session, visit, now=now)
            assert due.clicks(session) == now

        assert affiliation.flush_clicks() == {"stored": 1}
        assert affiliation.flush_clicks() == {"stored": 0}
        with unit_of_work() as session:
            assert session.scalars(select(TrackingEvent)).one().affiliate_id == alice.user_id
            assert session.scalar(due.tidying(session)) == now + timedelta(days=30)

    def test_maturing(self, alice):
        nothing = {"locked": 0, "released": 0, "released_amount": 0}
        assert affiliation.mature(dry_run=True) == nothing
        assert affiliation.mature() == affiliation.mature() == nothing

    def test_tidying(self, alice):
        clock.advance(timedelta(days=4000))

        done = {"addresses_hashed": 0, "boosts_expired": 0, "joinings_ended": 0}
        assert affiliation.tidy() == {"months_made": 4, **done}
        assert affiliation.tidy() == {"months_made": 0, **done}

    def test_proving(self, alice):
        first = ledger.verify()

        assert (first["transfers"], first["differences"]) == (2, 0)
        assert ledger.verify() == first


class TestCommands:
    def test_verify(self, alice, capsys):
        assert ledger.verify_in_words() == 0
        assert "2 transfers, 4 entries, 1 affiliates" in capsys.readouterr().out

    @pytest.mark.unproved
    def test_verify_fails_on_one_cent_and_tells_the_owner(self, alice, database, capsys):
        engine = create_engine(database.running.superuser_url(database.name), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("UPDATE ledger_entries SET amount = 1226 WHERE amount = 1225"))

        assert ledger.verify_in_words() == 1
        assert "ledger_entries seq" in capsys.readouterr().err
        with unit_of_work() as session:
            kinds = session.scalars(select(OutboxEvent.kind)).all()
        assert "ledger.verify_failed" in kinds

    @pytest.mark.parametrize(
        ("at", "locked"), [("2026-03-09", "0.00"), ("2026-03-10", "12.25"), ("2026-03-13", "0.00")]
    )
    def test_statement(self, alice, capsys, at, locked):
        assert ledger.statement_in_words("alice", at=at) == 0
        lines = dict(line.rsplit("  ", 1) for line in capsys.readouterr().out.splitlines()[1:])
        assert {name.strip(): value for name, value in lines.items()}["locked"].strip() == (
            f"{locked} €"
        )

    @pytest.mark.parametrize(("slug", "at"), [("nobody", None), ("alice", "yesterday")])
    def test_statement_of_nothing(self, alice, slug, at):
        assert ledger.statement_in_words(slug, at=at) == 2
