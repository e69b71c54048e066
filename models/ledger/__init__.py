"""The ledger: an append-only double-entry record of every cent an affiliate earned or was paid."""

from models.ledger.transfer import (
    OF_AFFILIATE,
    Account,
    LedgerAccount,
    LedgerEntry,
    LedgerHead,
    LedgerTransfer,
    TransferType,
)

__all__ = [
    "OF_AFFILIATE",
    "Account",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerHead",
    "LedgerTransfer",
    "TransferType",
]
