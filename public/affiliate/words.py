"""What an affiliate reads where the system has a code: statuses, movements, facts."""

from datetime import datetime
from decimal import Decimal

from flask_babel import format_datetime
from flask_babel import gettext as _

from models.affiliation import CommissionStatus
from models.affiliation.boost import RedemptionStatus
from models.affiliation.fact import Cents, Fact, Value, Word
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts import WithdrawalStatus
from models.errors import N_
from models.ledger import Account, TransferType
from public.amounts import cents_text, number_text

GOOD, WAIT, BAD, OFF = "good", "wait", "bad", "off"

COMMISSIONS = {
    CommissionStatus.PENDING_LOCK: (N_("Cooling-off"), WAIT),
    CommissionStatus.LOCKED: (N_("Still locked"), WAIT),
    CommissionStatus.PARTIALLY_MATURED: (N_("Partly released"), GOOD),
    CommissionStatus.MATURED: (N_("Released"), GOOD),
    CommissionStatus.PAID: (N_("Paid to you"), GOOD),
    CommissionStatus.CLAWED_BACK: (N_("All taken back"), BAD),
}

WITHDRAWALS = {
    WithdrawalStatus.PENDING_REVIEW: (N_("Under review"), WAIT),
    WithdrawalStatus.APPROVED: (N_("Approved"), WAIT),
    WithdrawalStatus.PAID: (N_("Paid out"), GOOD),
    WithdrawalStatus.REJECTED: (N_("Rejected"), BAD),
    WithdrawalStatus.CANCELLED: (N_("Request cancelled"), OFF),
}

BOOSTS = {
    RedemptionStatus.ACTIVE: (N_("In force"), GOOD),
    RedemptionStatus.EXPIRED: (N_("Over"), OFF),
    RedemptionStatus.DEACTIVATED: (N_("Ended early"), OFF),
}

METHODS = {
    PayoutMethod.WIRE: N_("Bank transfer"),
    PayoutMethod.PAYPAL: N_("PayPal"),
    PayoutMethod.STRIPE: N_("Stripe"),
    PayoutMethod.MANUAL: N_("By hand"),
}

MOVEMENTS = {
    TransferType.COMMISSION_EARNED: N_("Commission earned"),
    TransferType.COMMISSION_MATURED: N_("Commission released"),
    TransferType.COMMISSION_CLAWED_BACK: N_("Commission taken back"),
    TransferType.WITHDRAWAL_REQUESTED: N_("Withdrawal asked for"),
    TransferType.WITHDRAWAL_APPROVED: N_("Withdrawal approved"),
    TransferType.WITHDRAWAL_PAID: N_("Withdrawal paid"),
    TransferType.FEE_DEDUCTED: N_("Fee deducted"),
    TransferType.WITHDRAWAL_REJECTED: N_("Withdrawal given back"),
    TransferType.ADJUSTMENT_CREDIT: N_("Adjustment in favour"),
    TransferType.ADJUSTMENT_DEBIT: N_("Adjustment against"),
}

ACCOUNTS = {
    Account.LOCKED: N_("Locked"),
    Account.AVAILABLE: N_("Available"),
    Account.RESERVED: N_("Reserved"),
}


def movement_text(type: TransferType) -> str:
    """A movement of the ledger in words."""
    return _(MOVEMENTS[type])


def account_text(account: Account) -> str:
    """One of the affiliate's own accounts in words."""
    return _(ACCOUNTS[account])


def in_words(fact: Fact) -> str:
    """One fact of an explanation as a sentence of the reader's language."""
    return _(fact.text) % {name: _shown(value) for name, value in fact.values.items()}


def _shown(value: Value) -> str:
    match value:
        case Cents(amount):
            return cents_text(amount)
        case Word(text):
            return _(text)
        case datetime():
            return str(format_datetime(value, "short"))
        case Decimal() | int():
            return number_text(value)
    return value
