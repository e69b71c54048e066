"""Payouts: what affiliates ask for, how the owner pays it, and the files for the bank.

Nothing here moves money by itself: the system prepares, the owner pays.
"""

from models.affiliation.payouts.allocation import WithdrawalAllocation
from models.affiliation.payouts.batch import BatchStatus, SepaBatch
from models.affiliation.payouts.withdrawal import (
    WAITING,
    Withdrawal,
    WithdrawalStatus,
)

__all__ = [
    "WAITING",
    "BatchStatus",
    "SepaBatch",
    "Withdrawal",
    "WithdrawalAllocation",
    "WithdrawalStatus",
]
