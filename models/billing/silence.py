"""How long a silence means that a charge is still on its way, and from when on it never was."""

from datetime import timedelta

from models.billing.vault_client import CONNECT_SECONDS
from models.settings import current_settings

CALLS_OF_A_CHECKOUT = 3
"""A customer at the PSP, the card through the vault, and the charge."""
LEAST_SILENCE = timedelta(seconds=90)
"""How long past its own time-out a charge may still turn up at the PSP."""
SEND_WITHIN = timedelta(seconds=60)
"""An invoice's charge that could not be sent so soon after it was written down is not sent."""
ABANDONED_AFTER = timedelta(hours=24)
"""A bank's question left open this long is not going to be answered."""


def give_up_after() -> timedelta:
    """How long after its attempt began a checkout's charge can no longer be on its way: each
    of its calls may take as long as the settings allow, and the last one is the charge."""
    return CALLS_OF_A_CHECKOUT * longest_call() + LEAST_SILENCE


def give_up_invoice_after() -> timedelta:
    """The same for an invoice's charge, which is sent soon or never."""
    return SEND_WITHIN + longest_call() + LEAST_SILENCE


def longest_call() -> timedelta:
    """How long one call may wait for its answer."""
    return timedelta(seconds=CONNECT_SECONDS + current_settings().psp_timeout_seconds)
