"""The run of renewals: whoever is due is charged, in chunks, each of three steps.

A composition. One transaction writes down the invoices and attempts of a chunk, the charges
go out while none is open, and another settles the answers. A process that dies in between
leaves attempts of unknown outcome, which nobody charges again before they are resolved.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from models import clock
from models.billing.begin_period import next_period
from models.billing.charge_answers import send_charges, settle_answers
from models.billing.choose_provider import current_provider
from models.billing.customer import Customer
from models.billing.due_renewals import Place, due_places
from models.billing.open_renewals import Opened, OpenedCharge, open_renewals
from models.billing.several_at_once import by_halves
from models.session import staff_reading, unit_of_work

CHUNK = 1000
CALLS_A_TURN = 16
"""Where calls take their time, so many follow one another before their answers are settled."""


def renew_due(*, dry_run: bool = False) -> dict[str, Any]:
    """Charge every renewal, ended trial and retry that is due; safe at any hour and twice.

    Answers how many were due, charged, declined, of unknown outcome and in error, the cents
    charged, and the seconds it took. One customer's failure stops nobody else. A dry run
    charges nobody and says who would be charged what.
    """
    if dry_run:
        return _who_would_pay()
    began, since = time.monotonic(), clock.now()
    counts = {"due": 0, "charged": 0, "declined": 0, "unknown": 0, "errors": 0, "amount": 0}
    for places in _by_chunks(since, _most_at_once()):
        _renew_chunk([place.customer_id for place in places], since, counts)
    return counts | {"seconds": round(time.monotonic() - began)}


def _most_at_once() -> int:
    at_once = current_provider().calls_at_once
    return CHUNK if at_once == 1 else at_once * CALLS_A_TURN


def _by_chunks(since: datetime, most: int) -> Iterator[Sequence[Place]]:
    """Who is due, so many at once, until nobody is; a renewal may leave the next one due."""
    after: Place | None = None
    while True:
        with staff_reading() as session:
            places = due_places(session, now=clock.now(), since=since, after=after, limit=most)
        if not places:
            return
        yield places
        after = places[-1]


def _renew_chunk(customer_ids: Sequence[UUID], since: datetime, counts: dict[str, int]) -> None:
    def open_them(ids: Sequence[UUID]) -> Opened:
        with unit_of_work() as session:
            return open_renewals(session, ids, now=clock.now(), since=since)

    opened, not_opened = by_halves(customer_ids, open_them)
    counts["errors"] += len(not_opened)
    charges: list[OpenedCharge] = []
    for part in opened:
        charges += part.charges
        counts["due"] += part.due
        counts["errors"] += part.errors
    settlements, not_settled = by_halves(send_charges(charges), settle_answers)
    counts["errors"] += len(not_settled)
    for done in settlements:
        counts["charged"] += done.charged
        counts["amount"] += done.amount
        counts["declined"] += done.declined
        counts["unknown"] += done.unknown
        counts["errors"] += done.errors


MOST_SHOWN = 200
"""So many customers a dry run names; all of them are counted."""


def _who_would_pay() -> dict[str, Any]:
    due = amount = 0
    shown: list[dict[str, Any]] = []
    for places in _by_chunks(clock.now(), CHUNK):
        with staff_reading() as session:
            for customer in session.scalars(_in_order(places)):
                price = next_period(customer).quote.price
                due, amount = due + 1, amount + price
                if len(shown) < MOST_SHOWN:
                    shown.append({"customer_id": str(customer.id), "amount": price})
    return {"due": due, "amount": amount, "would_charge": shown}


def _in_order(places: Sequence[Place]) -> Select[Customer]:
    return (
        select(Customer)
        .where(Customer.id.in_([place.customer_id for place in places]))
        .order_by(Customer.next_charge_at, Customer.id)
    )
