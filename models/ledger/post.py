"""Posting: the one way money moves in the ledger, over the database's one writer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models.errors import N_, DomainError
from models.ids import new_id
from models.ledger.shapes import check_shape
from models.ledger.transfer import Account, LedgerTransfer, TransferType
from models.money import CURRENCY

OTHER_CONTENT = "WL001"
BELOW_ZERO = {"ck_ledger_accounts_not_below_zero", "ck_ledger_entries_not_below_zero"}

_POST = select(LedgerTransfer).from_statement(
    text(
        "SELECT * FROM ledger_post(ARRAY[ROW(:id, :type, :affiliate_id, :key, :at, :description,"
        " :commission_id, :withdrawal_id, :refund_id, :created_by, :metadata, :currency, :LOCKED,"
        " :AVAILABLE, :RESERVED, :COMMISSIONS, :FEES, :PAID_OUT, :ADJUSTMENTS)::ledger_posting])"
    )
)

_POST_ALL = text(
    "SELECT count(*) FROM ledger_post((SELECT array_agg("
    "jsonb_populate_record(CAST(NULL AS ledger_posting), posting) ORDER BY n) "
    "FROM jsonb_array_elements(CAST(:postings AS jsonb)) WITH ORDINALITY each (posting, n)))"
)


class KeyTaken(DomainError):
    """The same idempotency key was posted before with other content."""

    code = "ledger_key_taken"
    message = N_("This movement was already posted with other content: %(key)s.")


class BalanceTooLow(DomainError):
    """What is locked or reserved does not cover the movement."""

    code = "balance_too_low"
    message = N_("The balance does not cover this movement.")


@dataclass(frozen=True)
class Posting:
    """One transfer to be posted with others; the fields are those of ``post``."""

    type: TransferType
    affiliate_id: UUID
    key: str
    entries: Mapping[Account, int]
    description: str
    commission_id: UUID | None = None
    withdrawal_id: UUID | None = None
    refund_id: UUID | None = None
    created_by: UUID | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def post_all(session: Session, postings: Sequence[Posting], *, at: datetime) -> None:
    """Post transfers in the order given, in one statement; of one affiliate or of many.

    As ``post``, for each of them: keys posted before with the same content are passed over.
    """
    if not postings:
        return
    for posting in postings:
        check_shape(posting.type, posting.entries)
    session.flush()
    rows = json.dumps([_row(posting, at) for posting in postings])
    try:
        session.execute(_POST_ALL, {"postings": rows})
    except DBAPIError as error:
        raise _refusal(error, postings[0].key) or error from error


def _row(posting: Posting, at: datetime) -> dict[str, Any]:
    """A posting as PostgreSQL's ``ledger_posting`` reads it from JSON."""
    return {
        "id": str(new_id()),
        "type": str(posting.type),
        "affiliate_id": str(posting.affiliate_id),
        "key": posting.key,
        "at": at.isoformat(),
        "description": posting.description,
        "commission_id": _text(posting.commission_id),
        "withdrawal_id": _text(posting.withdrawal_id),
        "refund_id": _text(posting.refund_id),
        "created_by": _text(posting.created_by),
        "metadata": posting.metadata,
        "currency": CURRENCY,
        **{str(account).lower(): amount for account, amount in posting.entries.items()},
    }


def post(
    session: Session,
    type: TransferType,
    *,
    affiliate_id: UUID,
    key: str,
    at: datetime,
    entries: Mapping[Account, int],
    description: str,
    commission_id: UUID | None = None,
    withdrawal_id: UUID | None = None,
    refund_id: UUID | None = None,
    created_by: UUID | None = None,
    metadata: dict[str, Any] | None = None,
) -> LedgerTransfer:
    """Post one transfer of an affiliate, in cents; call it late in the transaction.

    From here to the commit the affiliate's other postings wait. The same key posts once: a
    second call returns the first transfer. Raises KeyTaken where that one had another type,
    affiliate, subject or amounts, BalanceTooLow where LOCKED or RESERVED would go below
    zero (the transaction can then only be rolled back), MalformedTransfer for a bug.
    """
    check_shape(type, entries)
    session.flush()
    values = {
        "id": str(new_id()),
        "type": str(type),
        "affiliate_id": str(affiliate_id),
        "key": key,
        "at": at,
        "description": description,
        "commission_id": _text(commission_id),
        "withdrawal_id": _text(withdrawal_id),
        "refund_id": _text(refund_id),
        "created_by": _text(created_by),
        "metadata": json.dumps(metadata or {}),
        "currency": CURRENCY,
        **{str(account): entries.get(account) for account in Account},
    }
    try:
        return session.scalars(_POST, values).one()
    except DBAPIError as error:
        raise _refusal(error, key) or error from error


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


def _refusal(error: DBAPIError, key: str) -> DomainError | None:
    """The business refusal behind a database error, where there is one."""
    if getattr(error.orig, "pgcode", None) == OTHER_CONTENT:
        return KeyTaken(key=key)
    said = getattr(error.orig, "diag", None)
    if said is not None and said.constraint_name in BELOW_ZERO:
        return BalanceTooLow()
    return None
