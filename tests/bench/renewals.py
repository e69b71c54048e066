"""Figure 10: a run of renewals through RQ with a provider that answers at once.

Against one set-based statement a table that writes the same rows, which is the least a
database can do, and against one job a customer on RQ's forking worker, which is how it is
often done. The run's memory is its process's most against what it was after the first round.
"""

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from redis import Redis
from rq import Queue, Worker
from sqlalchemy import select, text

from jobs.queue import enqueue, join_queue
from jobs.worker import Worker as OurWorker
from models import clock
from models import session as boundary
from models.base import Json
from models.billing import Customer
from models.billing.charge_answers import send_charges, settle_answers
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.billing.open_renewals import open_renewals
from models.billing.provider import ChargeRequest, Payment, PaymentOutcome
from models.billing.quote import quote_of
from models.catalog import Plan
from models.session import staff_reading, unit_of_work
from models.settings import current_settings
from tests.bench.ground import Ground
from tests.bench.measure import ROUNDS, Figure, by_turns, seconds_of
from tests.bench.served import acting_in
from tests.factories import Make

RENEWALS = int(os.environ.get("BENCH_RENEWALS", "100000"))
APART = 100
"""So many customers are renewed by a job each: a rate is enough, and forking is slow."""


class Instant(InProcessProvider):
    """Says yes at once and remembers nothing, so that only our own work is measured."""

    def charge(self, request: ChargeRequest) -> Payment:
        return Payment(
            PaymentOutcome.SUCCEEDED,
            attempt_key=request.attempt_key,
            payment_id=f"pi_{request.attempt_key}",
            amount=request.amount,
            currency=request.currency,
            psp_status="succeeded",
        )


def figures(ground: Ground) -> Iterator[Figure]:
    """``RENEWALS`` in all, as many a round as the rounds share out."""
    a_round = RENEWALS // (ROUNDS + 1)
    with acting_in(ground.settings):
        fill(ground, a_round)
        join_queue()
        use_provider(Instant())
        gc.freeze()  # as a worker's process does at its start
        try:
            yield from _measure(ground, a_round)
        finally:
            use_provider(None)


def _measure(ground: Ground, a_round: int) -> Iterator[Figure]:
    groups = {"ours": iter(range(ROUNDS + 1)), "theirs": iter(range(ROUNDS + 1))}
    memory: list[int] = []

    def ours() -> None:
        make_due(ground, 0, next(groups["ours"]))
        enqueue("billing-renew-due")
        OurWorker([Queue("money", connection=redis())], connection=redis()).work(
            burst=True, logging_level="WARNING"
        )
        memory.append(resident())

    def theirs() -> None:
        one_statement(ground, next(groups["theirs"]))

    ratios, mine, yours = by_turns(ours, theirs)
    paid = ground.scalar("SELECT count(*) FROM invoices WHERE mentions <> '{}'")
    yield Figure(
        "10",
        "renewing through RQ, a provider that is instant",
        "the same rows, one statement a table",
        ratio=sorted(ratios)[len(ratios) // 2],
        ours_seconds=mine,
        theirs_seconds=yours,
        rows=a_round,
        rounds=ratios,
        note=f"{paid:,} renewed in all; the least a database can do, no goal",
    )
    apart = seconds_of(lambda: one_job_each(ground))
    yield Figure(
        "10",
        "the same, renewals a second",
        "a job each, RQ's forking worker",
        ratio=(a_round / mine) / (APART / apart),
        at_least=100,
        ours_seconds=mine / a_round,
        theirs_seconds=apart / APART,
        rows=a_round,
        note="seconds for one renewal",
    )
    yield Figure(
        "10",
        "memory of the run's process, at most",
        "after its first round",
        ratio=max(memory) / memory[0],
        at_most=1.1,
        rows=a_round * len(memory),
        note=f"{max(memory) // 1024:,} KiB",
    )


def redis() -> Redis:
    return Redis.from_url(current_settings().redis_url)


def resident() -> int:
    """This process's resident memory in bytes."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def make_due(ground: Ground, side: int, group: int) -> None:
    """Let one round's customers of a side fall due now."""
    ground.execute(
        "UPDATE customers SET next_charge_at = subscription_ends_at"
        f" WHERE metadata ->> 'group' = '{side}:{group}'"
    )


def one_job_each(ground: Ground) -> None:
    """Renew a few customers by a job each on the forking worker, as the queue's users often do."""
    with staff_reading() as session:
        wanted = Customer.extra["group"].astext == "2:0"
        keys = session.scalars(select(Customer.id).where(wanted).limit(APART)).all()
    make_due(ground, 2, 0)
    queue = Queue("apart", connection=redis())
    for key in keys:
        queue.enqueue(renew_one, str(key), result_ttl=0)
    boundary.dispose()
    Worker([queue], connection=redis()).work(burst=True, logging_level="WARNING")
    left = ground.scalar("SELECT count(*) FROM customers WHERE next_charge_at <= now()")
    assert left == 0, f"{left} were not renewed"


def renew_one(customer_id: str) -> None:
    """One customer's renewal by the same rules, a job of its own."""
    now = clock.now()
    with unit_of_work() as session:
        opened = open_renewals(session, [UUID(customer_id)], now=now, since=now)
    settle_answers(send_charges(opened.charges))
    boundary.dispose()


def fill(ground: Ground, a_round: int) -> None:
    """A plan, and for each side and round so many customers whose period ended today."""
    with unit_of_work() as session:
        plan: Plan = Make(session).plan("bench")
        terms: Json = quote_of(plan.product, plan).to_json()
        plan_id, product_id = plan.id, plan.product_id
    sizes = [(0, n, a_round) for n in range(ROUNDS + 1)]
    sizes += [(1, n, a_round) for n in range(ROUNDS + 1)] + [(2, 0, APART)]
    with ground.engine.begin() as connection:
        for side, group, count in sizes:
            connection.execute(
                text(FILL),
                {
                    "group": f"{side}:{group}",
                    "count": count,
                    "plan": plan_id,
                    "product": product_id,
                    "terms": json.dumps(terms),
                },
            )
    ground.execute(
        "UPDATE customers c SET default_payment_method_id = m.id"
        " FROM payment_methods m WHERE m.customer_id = c.id"
    )
    ground.execute("ANALYZE")


FILL = """
WITH people AS (
    INSERT INTO users (id, platform, email, display_name, bio, locale, user_type, is_suspended,
                       created_at, updated_at)
    SELECT uuidv7(), 'STAM', 'p' || n || '-' || :group || '@example.org', '', '', 'fr', 'CLIENT',
           false, now(), now()
    FROM generate_series(1, :count) n
    RETURNING id
), buyers AS (
    INSERT INTO customers (id, user_id, product_id, current_plan_id, terms, status,
                           subscription_ends_at, billing_anchor_at, periods_since_anchor,
                           billing_cycles_done, cancel_at_period_end, is_complimentary,
                           dunning_step, metadata, created_at, updated_at)
    SELECT uuidv7(), id, :product, :plan, cast(:terms AS jsonb), 'ACTIVE', now(),
           now() - interval '1 month', 1, 1, false, false, 0,
           jsonb_build_object('group', cast(:group AS text)), now(), now()
    FROM people
    RETURNING id
)
INSERT INTO payment_methods (id, customer_id, vault_token, vault_reference, psp_customer_id,
                             psp_payment_method_id, brand, last4, is_default, created_at)
SELECT uuidv7(), id, 'bench', 'bench', 'cus_' || id, 'pm_' || id, 'visa', '4242', true, now()
FROM buyers
"""

DUE = "(SELECT * FROM customers WHERE metadata ->> 'group' = '1:{group}')"

AT_LEAST = (
    """
    INSERT INTO invoices (id, customer_id, plan_id, kind, status, period_start, period_end,
        amount_excluding_tax, tax_amount, tax_rate, amount_including_tax, currency, due_at,
        payment_method_id, mentions, created_at, updated_at)
    SELECT uuidv7(), id, current_plan_id, 'RENEWAL', 'PENDING', subscription_ends_at,
        subscription_ends_at + interval '1 month', 4083, 817, 0.2, 4900, 'EUR',
        subscription_ends_at, default_payment_method_id, '{{}}', now(), now()
    FROM {due} c
    """,
    """
    INSERT INTO invoice_lines (id, invoice_id, position, label, quantity, unit_amount, total)
    SELECT uuidv7(), i.id, 0, 'Bench', 1, 4900, 4900
    FROM invoices i JOIN {due} c ON c.id = i.customer_id
    """,
    """
    INSERT INTO payment_attempts (id, invoice_id, payment_method_id, attempt_no, uses_retry,
        idempotency_key, amount, currency, outcome, psp_customer_id, started_at)
    SELECT uuidv7(), i.id, i.payment_method_id, 1, true, 'inv_' || i.id || '_1', 4900, 'EUR',
        'PENDING', 'cus_' || c.id, now()
    FROM invoices i JOIN {due} c ON c.id = i.customer_id
    """,
    """
    UPDATE payment_attempts a SET outcome = 'SUCCEEDED', finished_at = now(),
        psp_payment_id = 'pi_' || a.id
    FROM invoices i JOIN {due} c ON c.id = i.customer_id WHERE i.id = a.invoice_id
    """,
    """
    UPDATE invoices i SET status = 'PAID', paid_at = now(), psp_status = 'succeeded',
        number = 'XX-' || i.id, psp_payment_id = 'pi_' || i.id, updated_at = now(),
        no_commission_reason = 'not_attributed'
    FROM {due} c WHERE c.id = i.customer_id
    """,
    """
    UPDATE customers c SET subscription_ends_at = c.subscription_ends_at + interval '1 month',
        next_charge_at = c.subscription_ends_at + interval '1 month', updated_at = now(),
        periods_since_anchor = 2, billing_cycles_done = 2
    FROM {due} d WHERE d.id = c.id
    """,
    """
    INSERT INTO audit_events (id, at, action, subject_table, subject_id, actor_role, before,
        after, data)
    SELECT uuidv7(), now(), 'billing.invoice_paid', 'invoices', i.id, 'system',
        '{{"status": "PENDING"}}', '{{"status": "PAID"}}', jsonb_build_object('customer_id', c.id)
    FROM invoices i JOIN {due} c ON c.id = i.customer_id
    """,
    """
    INSERT INTO outbox_events (id, kind, subject_table, subject_id, data, created_at, attempts)
    SELECT uuidv7(), 'billing.invoice_paid', 'invoices', i.id,
        jsonb_build_object('customer_id', c.id), now(), 0
    FROM invoices i JOIN {due} c ON c.id = i.customer_id
    """,
)
"""One statement for each of the rows that a renewal writes."""


def one_statement(ground: Ground, group: int) -> None:
    """Write what a run of renewals writes, set by set, in one transaction."""
    due = DUE.format(group=group)
    with ground.engine.begin() as connection:
        for statement in AT_LEAST:
            connection.exec_driver_sql(statement.format(due=due))
