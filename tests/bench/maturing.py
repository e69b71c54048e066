"""Figure 9: releasing a million due parts, against the bare INSERT and UPDATE of the same rows.

One side runs the job's own rule, chunk by chunk, each chunk a transaction: it finds what is
due, locks it, updates the commissions, posts one transfer a part with its two entries, links
them into each affiliate's hash chain, proves that they add up, and tells each affiliate's sum.
The other side inserts the very rows that the first has just written into tables like the real
ones (the same columns, indexes, checks and foreign keys, no triggers) and updates the same
commissions' twins, with as many commits. What remains between them is what a ledger adds.
"""

import os
from collections.abc import Iterator

from sqlalchemy import Engine, create_engine, text

from models import clock
from models.affiliation.mature import AT_ONCE, release_due
from models.session import unit_of_work
from tests.bench.ground import Ground, superuser_url
from tests.bench.measure import ROUNDS, Figure, compared
from tests.bench.served import acting_in
from tests.factories import Make

PARTS = int(os.environ.get("BENCH_PARTS", 1_000_000))
AFFILIATES = 1_000
DAYS = 1_000
"""Commissions were earned over this many days, so that parts fall due one after the other."""

CHUNKS = max(1, PARTS // (AT_ONCE * (ROUNDS + 1)))
"""In each round; the one that is not measured takes as many."""

FILL = (
    """
    INSERT INTO invoices (id, number, customer_id, plan_id, kind, status, period_start,
        amount_excluding_tax, tax_amount, tax_rate, amount_including_tax, currency, due_at,
        paid_at, mentions, created_at, updated_at)
    SELECT gen_random_uuid(), 'WS-2026-' || lpad(n::text, 9, '0'), c.id, c.current_plan_id,
        'RENEWAL', 'PAID', now() - make_interval(secs => n), 4083, 817, 0.2, 4900, 'EUR',
        at, at, '{{}}', at, at
    FROM generate_series(1, {commissions}) n
    CROSS JOIN LATERAL (SELECT now() - interval '1 year'
        - make_interval(secs => n * {days} * 86400.0 / {commissions}) AS at) times
    JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM customers) c
        ON c.place = 1 + n % {affiliates}
    """,
    """
    INSERT INTO affiliate_commissions (id, program_id, affiliate_id, customer_id, invoice_id,
        attribution_id, lock_rule_version_id, status, base_amount, currency, rate_type,
        rate_applied, boost_amount, total_amount, main_amount, extended_amount, main_lock_days,
        extended_lock_days, earned_at, locked_until, extended_locked_until,
        clawed_back_amount, clawed_from_extended, clawed_from_main, clawed_from_available,
        paid_amount, explanation, created_at, updated_at)
    SELECT gen_random_uuid(), p.id, a.affiliate_id, i.customer_id, i.id, a.id, v.id, 'LOCKED',
        4083, 'EUR', 'percentage', 30, 0, 1225, 980, 245, 45, 90, i.paid_at,
        i.paid_at + interval '45 days', i.paid_at + interval '90 days', 0, 0, 0, 0, 0,
        jsonb_build_object('invoice', i.number, 'base_amount', 4083, 'rate', '30'),
        i.paid_at, i.paid_at
    FROM invoices i JOIN affiliate_attributions a ON a.customer_id = i.customer_id
    CROSS JOIN (SELECT id FROM affiliate_programs) p
    CROSS JOIN (SELECT id FROM lock_rule_versions WHERE version = 1) v
    """,
    "SET LOCAL session_replication_role = replica",  # the ledger's tables have one writer
    "UPDATE ledger_accounts SET balance = 1000000000000 WHERE account = 'LOCKED'",
    "SET LOCAL session_replication_role = origin",
)
"""Earned long ago without their own postings: what is locked is simply plenty."""

TWINS = """
CREATE TABLE bare_commissions (LIKE affiliate_commissions INCLUDING ALL);
INSERT INTO bare_commissions SELECT * FROM affiliate_commissions;
CREATE TABLE bare_transfers (LIKE ledger_transfers INCLUDING ALL,
    FOREIGN KEY (affiliate_id) REFERENCES affiliate_profiles,
    FOREIGN KEY (commission_id) REFERENCES bare_commissions);
CREATE TABLE bare_entries (LIKE ledger_entries INCLUDING ALL,
    FOREIGN KEY (transfer_id) REFERENCES bare_transfers,
    FOREIGN KEY (affiliate_id) REFERENCES affiliate_profiles);
"""

BARE = (
    "INSERT INTO bare_transfers OVERRIDING SYSTEM VALUE SELECT * FROM ledger_transfers"
    " WHERE seq > :done AND seq <= :until",
    "INSERT INTO bare_entries OVERRIDING SYSTEM VALUE SELECT e.* FROM ledger_entries e"
    " JOIN ledger_transfers t ON t.id = e.transfer_id WHERE t.seq > :done AND t.seq <= :until",
    """
    UPDATE bare_commissions b SET status = c.status, main_matured_at = c.main_matured_at,
        extended_matured_at = c.extended_matured_at, updated_at = c.updated_at
    FROM affiliate_commissions c, (SELECT DISTINCT commission_id FROM ledger_transfers
        WHERE seq > :done AND seq <= :until) moved
    WHERE c.id = moved.commission_id AND b.id = c.id
    """,
)


def figures(ground: Ground) -> Iterator[Figure]:
    """The rule's chunks and their bare twins in turn."""
    superuser = create_engine(superuser_url(ground.name))
    with acting_in(ground.settings):
        fill(superuser)
        rounds = Rounds(superuser)
        yield compared(
            "9",
            "releasing due parts, in chunks",
            "the same rows inserted, updated bare",
            rounds.release,
            rounds.insert,
            at_most=2.2,
            rows=PARTS,
            note=f"{AFFILIATES:,} affiliates, {AT_ONCE:,} parts a transaction",
        )
    superuser.dispose()


class Rounds:
    """The two sides of each round; the bare one follows what the rule has posted."""

    def __init__(self, superuser: Engine) -> None:
        self.superuser = superuser
        self.done: list[int] = [0]

    def release(self) -> None:
        """As many chunks as a round has, each as the job does it."""
        self.done = self.done[-1:]
        for _ in range(CHUNKS):
            with unit_of_work() as session:
                found, _ = release_due(session, now=clock.now(), most=AT_ONCE)
                assert found
            self.done.append(self._last())

    def insert(self) -> None:
        """The same rows, chunk by chunk."""
        for done, until in zip(self.done, self.done[1:], strict=False):
            with self.superuser.begin() as connection:
                for statement in BARE:
                    connection.execute(text(statement), {"done": done, "until": until})

    def _last(self) -> int:
        with self.superuser.connect() as connection:
            return int(connection.scalar(text("SELECT max(seq) FROM ledger_transfers")) or 0)


def fill(superuser: Engine) -> None:
    """A thousand affiliates with one customer each, and the commissions of all their renewals."""
    with unit_of_work() as session:
        make = Make(session)
        plan = make.plan("bench")
        make.program(plan.product)
        for _ in range(AFFILIATES):
            make.customer_of(make.affiliate(), plan)
    sizes = {"commissions": PARTS // 2, "days": DAYS, "affiliates": AFFILIATES}
    with superuser.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement.format(**sizes).replace(":", r"\:")))
        connection.execute(text(TWINS))
    with superuser.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
