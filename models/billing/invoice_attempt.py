"""One attempt at an invoice: its row, and the charge that it stands for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import among
from models.billing.payment_attempt import AttemptOutcome
from models.billing.payment_method import PaymentMethod
from models.billing.provider import ChargeRequest
from models.ids import new_id

Columns = dict[str, Any]


@dataclass(frozen=True)
class Card:
    """What a charge needs of a payment method; the vault's token stays where it is."""

    id: UUID
    psp_customer_id: str
    psp_payment_method_id: str


def cards_by_id(session: Session, method_ids: Collection[UUID | None]) -> Mapping[UUID, Card]:
    """The payment methods of these keys, by key."""
    keys = [key for key in method_ids if key is not None]
    return {row.id: Card(*row) for row in session.execute(_CARDS, {"keys": keys})}


_CARDS = select(
    PaymentMethod.id, PaymentMethod.psp_customer_id, PaymentMethod.psp_payment_method_id
).where(among(PaymentMethod.id, "keys"))


def attempt_for(
    invoice: Columns, number: int, card: Card | None, *, uses_retry: bool, now: datetime
) -> Columns:
    """The columns of an attempt; its key names the invoice and the number of the attempt."""
    return {
        "id": new_id(),
        "invoice_id": invoice["id"],
        "attempt_no": number,
        "idempotency_key": f"inv_{invoice['id']}_{number}",
        "amount": invoice["amount_including_tax"],
        "currency": invoice["currency"],
        "outcome": AttemptOutcome.PENDING,
        "uses_retry": uses_retry,
        "payment_method_id": card.id if card else None,
        "psp_customer_id": card.psp_customer_id if card else None,
        "started_at": now,
    }


def charge_for(
    attempt: Columns,
    card: Card,
    *,
    customer_id: UUID,
    description: str,
    return_url: str | None = None,
) -> ChargeRequest:
    """What is sent for an attempt; without ``return_url`` the customer is not there."""
    return ChargeRequest(
        attempt_key=attempt["idempotency_key"],
        amount=attempt["amount"],
        currency=attempt["currency"],
        psp_customer_id=card.psp_customer_id,
        payment_method_id=card.psp_payment_method_id,
        off_session=return_url is None,
        return_url=return_url,
        description=description,
        metadata={"invoice_id": str(attempt["invoice_id"]), "customer_id": str(customer_id)},
    )
