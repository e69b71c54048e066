"""What an affiliate may know of whom they brought: counts, sums and masked addresses.

Asked of the database's own functions, which answer for the member who reads and nobody else:
a session that is not a member's finds nothing here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, column, func, select
from sqlalchemy.orm import Session

from models.billing import InvoiceKind
from models.catalog import BillingInterval
from models.money import round_half_up


@dataclass(frozen=True, slots=True)
class Sale:
    """What a commission was earned on; ``client`` is a masked address."""

    client: str
    product: str
    plan: str
    invoice: str
    kind: InvoiceKind


@dataclass(frozen=True, slots=True)
class Clients:
    """Active clients whom the affiliate brought (see ``active_clients``), and their worth per
    month in cents excluding tax; trials are active, and worth nothing yet."""

    running: int
    monthly: int


@dataclass(frozen=True, slots=True)
class Checkouts:
    """How many clicks of a span began a checkout, and how many ended in a sale: a purchase with
    something to pay, now or later, and not the affiliate's own."""

    begun: int
    bought: int


def sales_behind(session: Session, commission_ids: Iterable[UUID]) -> dict[UUID, Sale]:
    """The sales that some of the reader's own commissions were earned on."""
    asked = bindparam("asked", list(commission_ids), ARRAY(Uuid()))
    rows = select("*").select_from(
        func.my_sales(asked).table_valued(
            column("commission_id", Uuid()),
            column("client", Text()),
            column("product", Text()),
            column("plan", Text()),
            column("invoice", Text()),
            column("kind", Text()),
        )
    )
    return {
        row.commission_id: Sale(
            row.client, row.product, row.plan, row.invoice or "", InvoiceKind(row.kind)
        )
        for row in session.execute(rows)
    }


def products_sold(session: Session) -> list[tuple[UUID, str]]:
    """The programs that the reader has commissions of, with their products' names."""
    rows = select("*").select_from(
        func.my_sold_products().table_valued(
            column("program_id", Uuid()), column("product", Text())
        )
    )
    return [(row.program_id, row.product) for row in session.execute(rows)]


def clients_brought(session: Session, *, vat_rate: Decimal, now: datetime) -> Clients:
    """Whom the reader brought and who is still there; their worth is rounded half-up, once."""
    rows = select("*").select_from(
        func.my_clients(now).table_valued("billing_interval", "running", "paying", "prices")
    )
    running, worth = 0, Fraction(0)
    for row in session.execute(rows):
        running += row.running
        months = BillingInterval(row.billing_interval).months
        if months is not None:
            worth += Fraction(int(row.prices), months) / (1 + Fraction(vat_rate))
    return Clients(running=running, monthly=round_half_up(worth))


def checkouts_since(session: Session, since: datetime) -> Checkouts:
    """What became of the reader's clicks since an instant."""
    row = session.execute(
        select("*").select_from(func.my_checkouts(since).table_valued("begun", "bought"))
    ).one()
    return Checkouts(begun=row.begun, bought=row.bought)


def own_purchases(session: Session) -> int:
    """How many purchases by the reader's own link were their own, and earned nothing."""
    return session.scalar(select(func.my_own_purchases())) or 0
