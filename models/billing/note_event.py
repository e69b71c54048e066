"""Keeping every word from the payment side before it is acted upon, once per word."""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, object_session

from models.base import Json
from models.billing.provider_event import EventOutcome, ProviderEvent
from models.card_numbers import HIDDEN, is_card_number, without_card_numbers
from models.ids import new_id
from models.oversight import SYSTEM, emit

VAULT = "vault"
PSP = "psp"
LOOK_UP = "look_up"
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
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
        "body": kept_body(body),
        "outcome": EventOutcome.OPEN,
        "received_at": now,
        "repeats": 0,
    }
    kept: ProviderEvent = session.scalars(_KEEP, values).one()
    return kept


_KEEP = (
    insert(ProviderEvent)
    .on_conflict_do_update(
        index_elements=["source", "external_id"],
        set_={"repeats": ProviderEvent.repeats + 1},
    )
    .returning(ProviderEvent)
    .execution_options(populate_existing=True)
)


def kept_body(value: Any) -> Any:
    """What may be kept of a word: no secret, and nothing that looks like a card number."""
    if isinstance(value, dict):
        return {
            _storable(name): kept_body(item)
            for name, item in value.items()
            if name not in NEVER_KEPT
        }
    if isinstance(value, list):
        return [kept_body(item) for item in value]
    if isinstance(value, str):
        return _storable(value)
    return HIDDEN if type(value) is int and is_card_number(str(value)) else value


def _storable(text: str) -> str:
    """A text without card numbers and without what PostgreSQL's JSON cannot hold."""
    return without_card_numbers(_UNSTORABLE.sub("", text))


def explain_word(
    session: Session,
    source: str,
    external_id: str,
    outcome: EventOutcome,
    *,
    reason: str | None,
    now: datetime,
) -> None:
    """Say what became of a word that was kept before, by what it is known by outside."""
    session.execute(
        _EXPLAIN,
        {
            "from_source": source,
            "known_as": external_id,
            "became": outcome,
            "because": reason,
            "at": None if outcome is EventOutcome.OPEN else now,
        },
    )


_EXPLAIN = (
    update(ProviderEvent)
    .where(
        ProviderEvent.source == bindparam("from_source"),
        ProviderEvent.external_id == bindparam("known_as"),
        ProviderEvent.outcome == EventOutcome.OPEN,
    )
    .values(outcome=bindparam("became"), reason=bindparam("because"), handled_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)


def explain_event(
    event: ProviderEvent, outcome: EventOutcome, *, reason: str | None, now: datetime
) -> None:
    """Say what became of a word; one already explained keeps its explanation.

    One that stays ``open`` with a reason waits for a person, and that is told as a fact.
    """
    if event.outcome is not EventOutcome.OPEN:
        return
    is_news = outcome is EventOutcome.OPEN and reason != event.reason
    event.outcome = outcome
    event.reason = reason
    event.handled_at = None if outcome is EventOutcome.OPEN else now
    session = object_session(event)
    if is_news and session is not None:
        tell_open(session, event)


def tell_open(session: Session, event: ProviderEvent) -> None:
    """Tell that a word of the payment side waits for a person to explain it."""
    data = {"kind": event.kind, "source": event.source, "because": event.reason}
    emit(session, "billing.word_left_open", event, actor=SYSTEM, data=data)
