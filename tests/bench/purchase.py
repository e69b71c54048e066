"""Figure 11: one purchase's transaction, against its own statements sent bare.

Two databases begin alike. In the one the rule settles purchases, and what SQLAlchemy sends
is written down; in the other psycopg2 sends those very statements a moment later, with the
same values and the same commits. What remains between them is Python.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg2.extras import register_uuid
from sqlalchemy import Engine, event

from models import clock
from models import session as boundary
from models.affiliation.click_id import click_id_of
from models.billing import AttemptOutcome, CaptureEndpoint, PaymentAttempt
from models.billing.provider import Payment, PaymentOutcome
from models.billing.quote import quote_of
from models.billing.record_answer import record_answer
from models.ids import new_id
from models.oversight import SYSTEM
from models.session import unit_of_work
from tests.bench.ground import Ground, copied
from tests.bench.measure import ROUNDS, Figure, compared
from tests.bench.served import acting_in
from tests.factories import Make

PURCHASES = 100
AFFILIATES = 20

Sent = tuple[str, Any, bool]


@dataclass
class Notes:
    """What was sent for each purchase of the latest round, in order."""

    purchases: list[list[Sent]] = field(default_factory=list)


def figures(ground: Ground) -> Iterator[Figure]:
    """Purchases by a click that earns: customer, card, invoice, access, commission, ledger."""
    with acting_in(ground.settings):
        attempts = fill((ROUNDS + 1) * PURCHASES)
    ground.execute("ANALYZE")
    with copied(ground) as twin, acting_in(ground.settings):
        bare = twin.engine.raw_connection().driver_connection
        notes, waiting = Notes(), iter(attempts)
        try:
            with listening(boundary.engine_of("staff"), notes):
                figure = compared(
                    "11",
                    "a purchase, in one transaction",
                    "its statements sent bare",
                    lambda: settle(waiting, notes),
                    lambda: replay(bare, notes),
                    at_most=2.5,
                    rows=PURCHASES,
                )
        finally:
            bare.close()
    figure.note = f"{len(notes.purchases[-1])} statements a purchase"
    yield figure


def settle(waiting: Iterator[PaymentAttempt], notes: Notes) -> None:
    """Hear of as many payments as a round has, each in its own transaction."""
    notes.purchases.clear()
    for _ in range(PURCHASES):
        notes.purchases.append([])
        attempt = next(waiting)
        paid = Payment(
            PaymentOutcome.SUCCEEDED,
            payment_id=f"pi_{attempt.id}",
            amount=attempt.amount,
            currency=attempt.currency,
        )
        with unit_of_work() as session:
            record_answer(session, attempt.id, paid, actor=SYSTEM, now=clock.now())


def replay(bare: Any, notes: Notes) -> None:
    """Send the statements of the latest round, and read what they give."""
    for statements in notes.purchases:
        with bare, bare.cursor() as cursor:
            for statement, values, many in statements:
                (cursor.executemany if many else cursor.execute)(statement, values)
                if cursor.description:
                    cursor.fetchall()


@contextmanager
def listening(engine: Engine, notes: Notes) -> Iterator[None]:
    """Write down each statement as the driver gets it."""

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _m: bool) -> None:
        many = isinstance(values, list)  # rows that went as one statement come as one dict
        notes.purchases[-1].append((statement, values, many))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


def fill(count: int) -> list[PaymentAttempt]:
    """As many checkouts whose card is known and whose charge is on its way."""
    register_uuid()
    with unit_of_work() as session:
        make = Make(session)
        button = make.button("bench", plan=make.plan("bench"))
        make.program(button.product)
        brought_by = [make.affiliate().user_id for _ in range(AFFILIATES)]
        return [
            on_its_way(make, button, brought_by[number % AFFILIATES], number)
            for number in range(count)
        ]


def on_its_way(make: Make, button: Any, affiliate: UUID, number: int) -> PaymentAttempt:
    """One checkout by a click, and its attempt."""
    quote = quote_of(button.product, button.plan)
    capture: CaptureEndpoint = make.capture(
        button=button,
        quote=quote.to_json(),
        amount=quote.amount,
        affiliate_click_id=click_id_of(new_id(), affiliate),
        card_received_at=clock.now(),
        vault_token=f"{number:064x}",
        vault_reference=f"user-{number}",
        psp_customer_id=f"cus_{number}",
        psp_payment_method_id=f"pm_{number}",
        card_fingerprint=f"fingerprint-{number}",
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2040,
    )
    attempt: PaymentAttempt = make.add(
        PaymentAttempt(
            capture_id=capture.id,
            attempt_no=1,
            idempotency_key=f"bench-{number}",
            amount=quote.amount,
            outcome=AttemptOutcome.PENDING,
            asked_at=clock.now(),
        )
    )
    return attempt
