"""Figure 8: ``ledger.post()``, each in a transaction, against pgbench with the same statements.

Our clients are processes with a connection each, as workers are; pgbench ships with the
embedded PostgreSQL and sends the same three statements (BEGIN, the posting function, COMMIT)
prepared. Both sides post the same number, and each measures itself once it is connected.
"""

import multiprocessing
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import make_url

from models import clock
from models.embedded import ensure
from models.ids import new_id
from models.ledger import Account, TransferType, post
from models.session import unit_of_work
from models.settings import Settings
from tests.bench.ground import DATA, Ground
from tests.bench.measure import Figure, compared, told
from tests.bench.served import acting_in

AFFILIATES = 1000
CLIENTS = 8
KEY = "00000000-0000-7000-8000-"
CASES = (
    # what, connections, affiliates, postings of each connection, goal
    ("ledger.post(), distinct affiliates, 1 connection", 1, AFFILIATES, 1000, 0.40),
    ("ledger.post(), distinct affiliates, 8 connections", CLIENTS, AFFILIATES, 250, 0.40),
    ("ledger.post(), one hot affiliate, 8 connections", CLIENTS, 1, 125, 0.6),
)
SCRIPT = r"""
\set n random(1, {affiliates})
BEGIN;
SELECT * FROM ledger_post(ARRAY[ROW(gen_random_uuid(), 'ADJUSTMENT_CREDIT',
    ('{key}' || lpad(:n::text, 12, '0'))::uuid, gen_random_uuid()::text, now(), 'bench',
    NULL, NULL, NULL, NULL, '{{}}', 'EUR', NULL, 1, NULL, NULL, NULL, NULL, -1)::ledger_posting]);
COMMIT;
"""


def figures(ground: Ground) -> Iterator[Figure]:
    """One connection, eight, and eight on one affiliate."""
    fill(ground)
    ground.engine.dispose()  # the clients are forked: no connection may be in two processes
    with crew(ground.settings) as pipes:
        for what, connections, affiliates, postings, goal in CASES:
            yield compared(
                "8",
                what,
                "pgbench, the same statements",
                partial(ours, pipes[:connections], affiliates, postings),
                partial(theirs, ground, connections, affiliates, postings),
                at_least=goal,
                rows=connections * postings,
                timed=told,
            )


def ours(pipes: list[Connection], affiliates: int, postings: int) -> float:
    """Seconds from the first client's first posting to the last one's last."""
    for place, pipe in enumerate(pipes):
        pipe.send((place, affiliates, postings))
    spans = [pipe.recv() for pipe in pipes]
    return max(ended for _, ended in spans) - min(started for started, _ in spans)


def theirs(ground: Ground, connections: int, affiliates: int, postings: int) -> float:
    """Seconds that pgbench took for as many, without connecting."""
    url = make_url(ground.settings.database_url)
    programs = ensure(DATA).place.postgres_programs
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.sql"
        script.write_text(SCRIPT.format(affiliates=affiliates, key=KEY))
        options = ["-n", "-M", "prepared", "-c", str(connections), "-t", str(postings)]
        place = ["-h", str(url.query["host"]), "-U", str(url.username), str(url.database)]
        said = subprocess.run(
            [str(programs / "pgbench"), *options, "-f", str(script), *place],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found, said
    return connections * postings / float(found[1])


@contextmanager
def crew(settings: Settings) -> Iterator[list[Connection]]:
    """Eight clients that wait for work, each a process with a connection of its own."""
    forked = multiprocessing.get_context("fork")
    pipes, processes = [], []
    for _ in range(CLIENTS):
        here, there = forked.Pipe()
        process = forked.Process(target=client, args=(there, settings), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    try:
        yield pipes
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(10)


def client(pipe: Connection, settings: Settings) -> None:
    """Post what is asked until told that there is nothing more."""
    with acting_in(settings):
        while (work := pipe.recv()) is not None:
            place, affiliates, postings = work
            post_one(0, affiliates)  # connected before the clock starts
            started = time.monotonic()
            for number in range(postings):
                post_one(place * postings + number, affiliates)
            pipe.send((started, time.monotonic()))


def post_one(number: int, affiliates: int) -> Any:
    """One posting in a transaction of its own."""
    with unit_of_work() as session:
        return post(
            session,
            TransferType.ADJUSTMENT_CREDIT,
            affiliate_id=UUID(f"{KEY}{number % affiliates + 1:012d}"),
            key=str(new_id()),
            at=clock.now(),
            entries={Account.AVAILABLE: 1, Account.ADJUSTMENTS: -1},
            description="bench",
        )


def fill(ground: Ground) -> None:
    """As many affiliates with empty accounts, under keys that both sides can count."""
    ground.execute(
        f"""
        INSERT INTO users (id, platform, email, display_name, bio, locale, user_type,
                           is_suspended, created_at, updated_at)
        SELECT ('{KEY}' || lpad(n::text, 12, '0'))::uuid, 'WEOKTO', 'bench-' || n || '@example.org',
               '', '', 'fr', 'AFFILIATE', false, now(), now()
        FROM generate_series(1, {AFFILIATES}) n;
        INSERT INTO affiliate_profiles (user_id, affiliate_slug, risk_level, risk_pinned,
                                        total_refunds, refund_rate, rated_invoices,
                                        payout_holder, internal_notes, created_at, updated_at)
        SELECT id, replace(split_part(email, '@', 1), '.', '-'), 'NORMAL', false, 0, 0, 0, '', '',
               now(), now()
        FROM users WHERE email LIKE 'bench-%';
        ANALYZE;
        """
    )
