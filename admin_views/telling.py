"""What a preview says of rows beyond their columns: sums and consequences in words.

Each kind of row that needs it has a function here, asked once the rule has run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_views.formats import euros
from models.accounts import User
from models.base import Base
from models.billing import AccessGrant, Customer, Invoice, Refund
from models.billing.refund import left_to_refund


@dataclass(frozen=True)
class Effect:
    """One thing that changes: what, and its value before and after."""

    what: str
    before: str = ""
    after: str = ""


def tell(session: Session, rows: list[Base]) -> list[Effect]:
    """The further effects of rows that a rule made or changed."""
    return [effect for row in rows if type(row) in TOLD for effect in TOLD[type(row)](session, row)]


def _of_refund(session: Session, refund: Refund) -> list[Effect]:
    """What the client gets, what is left of the invoice, and the accesses that close."""
    if not refund.is_granted:
        return []
    invoice = Invoice.get(session, refund.invoice_id)
    left = left_to_refund(session, invoice)
    before = left + refund.amount
    email = session.scalar(
        select(User.email).join(Customer).where(Customer.id == refund.customer_id)
    )
    number = invoice.number or ""
    effects = [
        Effect(gettext("Given back to %(email)s", email=email), "", euros(refund.amount)),
        Effect(gettext("Left to refund on %(number)s", number=number), euros(before), euros(left)),
    ]
    closed = session.scalar(
        select(func.count()).where(
            AccessGrant.customer_id == refund.customer_id,
            AccessGrant.revoked_at == refund.approved_at,
        )
    )
    if closed:
        effects.append(Effect(gettext("Accesses closed"), "", str(closed)))
    return effects


TOLD: dict[type[Base], Callable[[Session, Any], list[Effect]]] = {Refund: _of_refund}
