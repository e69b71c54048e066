"""The ledger: an append-only double-entry record of every cent an affiliate earned or was paid."""

from models.ledger.balances import Balances, balances_of, balances_of_all
from models.ledger.post import BalanceTooLow, KeyTaken, Posting, post, post_all
from models.ledger.shapes import MalformedTransfer
from models.ledger.transfer import (
    OF_AFFILIATE,
    Account,
    LedgerAccount,
    LedgerEntry,
    LedgerHead,
    LedgerTransfer,
    TransferType,
)
from models.ledger.verify import Check, Claim, Report, verify_ledger

__all__ = [
    "OF_AFFILIATE",
    "Account",
    "BalanceTooLow",
    "Balances",
    "Check",
    "Claim",
    "KeyTaken",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerHead",
    "LedgerTransfer",
    "MalformedTransfer",
    "Posting",
    "Report",
    "TransferType",
    "balances_of",
    "balances_of_all",
    "post",
    "post_all",
    "verify_ledger",
]
