"""Keeping every word from the payment side before it is acted upon, once per word."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import Json
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.card_numbers import has_card_number
from models.ids import new_id

VAULT = "vault"
PSP = "psp"
LOOK_UP = "look_up"
HIDDEN = "[card number]"
NEVER_KEPT = frozenset({"client_secret", "number", "cvc", "token"})


def note_event(
    session: Session, source: str, external_id: str, *, kind: str, body: Json, now: datetime
) -> ProviderEvent:
    """The row of one word, made ``open``; a repetition raises ``repeats`` and keeps the first.

    Deliveries at once wait for one another here. Secrets and whatever looks like a card
    number are taken out of ``body``.
    """
    values = {
        "id": new_id(),
        "source": source,
        "external_id": external_id,
        "kind": kind,
        "body": _without_secrets(body),
        "outcome": EventOutcome.OPEN,
        "received_at": now,
        "repeats": 0,
    }
    event_id: UUID = session.execute(
        insert(ProviderEvent)
        .values(values)
        .on_conflict_do_update(
            index_elements=["source", "external_id"],
            set_={"repeats": ProviderEvent.repeats + 1},
        )
        .returning(ProviderEvent.id)
    ).scalar_one()
    return ProviderEvent.for_update(session, event_id)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_secrets(item) for name, item in value.items() if name not in NEVER_KEPT
        }
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return HIDDEN if isinstance(value, str) and has_card_number(value) else value


def explain_event(
    event: ProviderEvent, outcome: EventOutcome, *, reason: str | None, now: datetime
) -> None:
    """Say what became of a word; one already explained keeps its explanation."""
    if event.outcome is not EventOutcome.OPEN:
        return
    event.outcome = outcome
    event.reason = reason
    event.handled_at = None if outcome is EventOutcome.OPEN else now
