"""A run that releases commissions, killed at each of its commits: the next one goes on."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.affiliation.mature import mature_due
from models.affiliation.prove_ledger import prove_ledger
from models.ledger import LedgerTransfer, TransferType, balances_of
from models.session import unit_of_work
from tests.factories import Make
from tests.models.affiliation.sales import Sale, Shop

DAY = timedelta(days=1)
SALES = 6


@pytest.fixture
def affiliates(committed, now):
    """Two affiliates with three committed sales each, all due in 90 days."""
    with unit_of_work() as session:
        make = Make(session)
        shop = Shop(make, now)
        made = [make.affiliate() for _ in range(2)]
        for number in range(SALES):
            Sale(session, shop, made[number % 2], now)
    return [each.user_id for each in made]


def killed(settings, at, where, number):
    """Let a process release what is due until it dies."""
    names = ("database_url", "redis_url", "data_dir")
    told = {name.upper(): str(getattr(settings, name)) for name in names}
    arguments = [at.isoformat(), where, str(number)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dies_while_maturing", *arguments],
        env={**os.environ, **told, "ENV": "test"},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_nothing_is_lost_or_doubled(affiliates, settings, now, where, number):
    due = now + 90 * DAY
    killed(settings, due, where, number)
    clock.move_to(due)
    with unit_of_work() as session:
        assert prove_ledger(session).ok

    mature_due()

    with unit_of_work() as session:
        assert prove_ledger(session).ok
        keys = session.scalars(
            select(LedgerTransfer.idempotency_key).where(
                LedgerTransfer.type == TransferType.COMMISSION_MATURED
            )
        ).all()
        assert len(set(keys)) == len(keys) == 2 * SALES
        for affiliate_id in affiliates:
            assert balances_of(session, affiliate_id).available == 3 * 1225
