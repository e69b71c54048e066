"""The shape of each type of transfer: which accounts it moves, and in which direction."""

from collections.abc import Mapping

from models.ledger.transfer import Account, TransferType

CREDIT, DEBIT, MEMO = 1, -1, 0

SIGNS: dict[TransferType, dict[Account, int]] = {
    TransferType.COMMISSION_EARNED: {Account.LOCKED: CREDIT, Account.COMMISSIONS: DEBIT},
    TransferType.COMMISSION_MATURED: {Account.LOCKED: DEBIT, Account.AVAILABLE: CREDIT},
    TransferType.COMMISSION_CLAWED_BACK: {
        Account.LOCKED: DEBIT,
        Account.AVAILABLE: DEBIT,
        Account.COMMISSIONS: CREDIT,
    },
    TransferType.WITHDRAWAL_REQUESTED: {Account.AVAILABLE: DEBIT, Account.RESERVED: CREDIT},
    TransferType.WITHDRAWAL_APPROVED: {Account.RESERVED: MEMO},
    TransferType.WITHDRAWAL_PAID: {Account.RESERVED: DEBIT, Account.PAID_OUT: CREDIT},
    TransferType.FEE_DEDUCTED: {Account.RESERVED: DEBIT, Account.FEES: CREDIT},
    TransferType.WITHDRAWAL_REJECTED: {Account.RESERVED: DEBIT, Account.AVAILABLE: CREDIT},
    TransferType.ADJUSTMENT_CREDIT: {Account.AVAILABLE: CREDIT, Account.ADJUSTMENTS: DEBIT},
    TransferType.ADJUSTMENT_DEBIT: {Account.AVAILABLE: DEBIT, Account.ADJUSTMENTS: CREDIT},
}

EITHER: dict[TransferType, frozenset[Account]] = {
    TransferType.COMMISSION_CLAWED_BACK: frozenset({Account.LOCKED, Account.AVAILABLE})
}
"""Accounts of which one is enough: a clawback takes from what is locked, available, or both."""


class MalformedTransfer(Exception):
    """Entries that this type of transfer cannot have: a bug in the caller, never an answer."""


def check_shape(type: TransferType, entries: Mapping[Account, int]) -> None:
    """Hold a transfer's entries against its type. Raises MalformedTransfer."""
    signs = SIGNS[type]
    either = EITHER.get(type, frozenset())
    missing = signs.keys() - either - entries.keys()
    if missing or (either and not either & entries.keys()):
        raise MalformedTransfer(f"{type} lacks {', '.join(sorted(missing or either))}")
    for account, amount in entries.items():
        if account not in signs or _sign(amount) != signs[account]:
            raise MalformedTransfer(f"{type} cannot move {account} by {amount}")
    if sum(entries.values()):
        raise MalformedTransfer(f"{type} does not sum to zero")


def _sign(amount: int) -> int:
    return (amount > 0) - (amount < 0)
