"""The hash chain of an affiliate's entries, as the database function computes it too.

An entry's hash is SHA-256, in hexadecimal, over ``prev_hash`` and the entry's canonical
JSON: keys in alphabetical order, no white space, UTF-8, only strings, integers and null;
instants in UTC with microseconds, metadata as the text PostgreSQL gives its jsonb.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands for the previous hash before an affiliate's first entry."""


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def canonical(entry: Any, position: int) -> str:
    """The canonical JSON of an entry joined with its transfer, whose keys are read as text;
    ``position`` counts from 1."""
    return _JSON.encode(
        {
            "account": str(entry.account),
            "affiliate_id": entry.affiliate_id,
            "amount": entry.amount,
            "at": _instant(entry.created_at),
            "balance_after": entry.balance_after,
            "commission_id": entry.commission_id,
            "created_by": entry.created_by,
            "currency": entry.currency,
            "description": entry.description,
            "key": entry.idempotency_key,
            "metadata": entry.metadata_text,
            "position": position,
            "refund_id": entry.refund_id,
            "transfer_id": entry.transfer_id,
            "type": str(entry.type),
            "withdrawal_id": entry.withdrawal_id,
        }
    )


def link(prev_hash: str, canonical_entry: str) -> str:
    """The hash of an entry that follows ``prev_hash``."""
    return hashlib.sha256((prev_hash + canonical_entry).encode()).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
