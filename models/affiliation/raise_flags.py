"""Fraud flags: raised by what is seen, put away by a person. Nothing follows from them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, literal_column
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.affiliation.fraud_flag import FraudFlag
from models.affiliation.fraud_signs import signs
from models.ids import new_id
from models.oversight import Actor, emit


def raise_flags(session: Session, *, now: datetime) -> int:
    """Write down what looks odd now; answers how many flags are new.

    What was seen before is renewed, and stays put away where somebody did so. A second call
    raises nothing more.
    """
    found = signs(session, now=now)
    if not found:
        return 0
    statement = insert(FraudFlag).values(
        [
            {
                "id": new_id(),
                "affiliate_id": sign.affiliate_id,
                "kind": sign.kind,
                "evidence_key": sign.key,
                "evidence": sign.evidence,
                "first_seen_at": now,
                "last_seen_at": now,
            }
            for sign in found
        ]
    )
    is_new = session.scalars(
        statement.on_conflict_do_update(
            index_elements=["affiliate_id", "kind", "evidence_key"],
            set_={"evidence": statement.excluded.evidence, "last_seen_at": now},
        ).returning(_IS_NEW)
    )
    return sum(is_new)


_IS_NEW = literal_column("xmax = 0", Boolean)
"""Of a row that was just written, whether there was none before: one that was updated instead is
locked by its writer until the commit."""


def dismiss_flag(
    session: Session, flag_id: UUID, *, reason: str, actor: Actor, now: datetime
) -> FraudFlag:
    """Put a flag away for good: seen again it stays away. A second call changes nothing."""
    flag = FraudFlag.for_update(session, flag_id)
    if flag.dismissed_at is not None:
        return flag
    flag.dismissed_at, flag.dismissed_by = now, actor.user_id
    emit(session, "affiliation.flag_dismissed", flag, actor=actor, reason=reason.strip() or None)
    return flag
