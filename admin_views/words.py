"""What codes are called in the consoles: statuses with their colours, columns, kinds of act."""

import enum

from flask_babel import gettext

from models.errors import N_

GOOD, WAIT, BAD, OFF, PLAIN = "good", "wait", "bad", "off", "plain"

STATUSES: dict[str, dict[str, tuple[str, str]]] = {
    "Platform": {"WEOKTO": ("WEOKTO", PLAIN), "STAM": ("STAM", PLAIN)},
    "NoticeKind": {
        "TRIAL_ENDING": (N_("End of the trial"), PLAIN),
        "ANNUAL_TERM": (N_("Term of the annual plan"), PLAIN),
        "CARD_EXPIRING": (N_("Card about to expire"), PLAIN),
    },
    "DataRequestKind": {
        "COPY": (N_("Copy of their data"), PLAIN),
        "DELETION": (N_("Deletion of the account"), BAD),
    },
    "MailTopic": {
        "SALES": (N_("Each commission earned"), PLAIN),
        "DIGEST": (N_("Released commissions, on Monday"), PLAIN),
    },
    "DataRequestStatus": {
        "ASKED": (N_("Waiting"), WAIT),
        "READY": (N_("To download"), GOOD),
        "DONE": (N_("Deleted"), OFF),
        "EXPIRED": (N_("No longer kept"), OFF),
        "CANCELLED": (N_("Undone"), OFF),
    },
    "UserType": {
        "CLIENT": (N_("Client"), PLAIN),
        "AFFILIATE": (N_("Affiliate"), GOOD),
        "ADMIN": (N_("Administrator"), WAIT),
        "PRODUCT_MANAGER": (N_("Product manager"), WAIT),
        "OWNER": (N_("Owner"), WAIT),
    },
    "BillingInterval": {
        "ONE_TIME": (N_("Once"), PLAIN),
        "MONTHLY": (N_("Monthly"), PLAIN),
        "QUARTERLY": (N_("Quarterly"), PLAIN),
        "ANNUALLY": (N_("Yearly"), PLAIN),
        "LIFETIME": (N_("Lifetime"), PLAIN),
    },
    "PaymentType": {
        "subscription": (N_("Subscription"), PLAIN),
        "one-time": (N_("One payment"), PLAIN),
    },
    "AccessType": {
        "community": (N_("Community"), PLAIN),
        "formation": (N_("Course"), PLAIN),
        "module": (N_("Module"), PLAIN),
        "channel": (N_("Channel"), PLAIN),
    },
    "CustomerStatus": {
        "TRIAL": (N_("On trial"), WAIT),
        "ACTIVE": (N_("Active"), GOOD),
        "PAST_DUE": (N_("Past due"), BAD),
        "CANCELLED": (N_("Cancelled"), OFF),
        "EXPIRED": (N_("Expired"), OFF),
    },
    "InvoiceStatus": {
        "DRAFT": (N_("Draft"), OFF),
        "PENDING": (N_("Waiting for payment"), WAIT),
        "PAID": (N_("Paid"), GOOD),
        "VOID": (N_("Void"), OFF),
        "REFUNDED": (N_("Refunded"), BAD),
    },
    "InvoiceKind": {
        "FIRST": (N_("First payment"), PLAIN),
        "RENEWAL": (N_("Renewal"), PLAIN),
        "TRIAL": (N_("Trial"), PLAIN),
        "UPGRADE": (N_("Change of plan"), PLAIN),
    },
    "AttemptOutcome": {
        "PENDING": (N_("Answer unknown"), WAIT),
        "NEEDS_ACTION": (N_("At the bank"), WAIT),
        "SUCCEEDED": (N_("Succeeded"), GOOD),
        "DECLINED": (N_("Declined"), BAD),
        "ERROR": (N_("Error"), BAD),
    },
    "CaptureStatus": {
        "PENDING": (N_("Under way"), WAIT),
        "COMPLETED": (N_("Completed"), GOOD),
        "FAILED": (N_("Failed"), BAD),
        "EXPIRED": (N_("Expired"), OFF),
    },
    "CapturePurpose": {
        "PURCHASE": (N_("Purchase"), PLAIN),
        "CARD": (N_("Another card"), PLAIN),
    },
    "EventOutcome": {
        "open": (N_("To explain"), BAD),
        "posted": (N_("Acted upon"), GOOD),
        "duplicate": (N_("Already known"), OFF),
        "ignored": (N_("Ignored"), OFF),
    },
    "RefundStatus": {
        "PENDING": (N_("To decide"), WAIT),
        "APPROVED": (N_("Being sent"), WAIT),
        "REJECTED": (N_("Rejected"), OFF),
        "PROCESSED": (N_("Given back"), GOOD),
    },
    "RiskLevel": {
        "NORMAL": (N_("Normal"), GOOD),
        "AT_RISK": (N_("At risk"), WAIT),
        "HIGH_RISK": (N_("High risk"), BAD),
        "EXTREME_RISK": (N_("Extreme risk"), BAD),
    },
    "LockProfile": {
        "NEW": (N_("New"), PLAIN),
        "RECENT": (N_("Recent"), PLAIN),
        "VALIDATED": (N_("Validated"), PLAIN),
        "TRUSTED": (N_("Trusted"), PLAIN),
        "AT_RISK": (N_("At risk"), WAIT),
        "HIGH_RISK": (N_("High risk"), BAD),
        "EXTREME_RISK": (N_("Extreme risk"), BAD),
    },
    "RateType": {
        "percentage": (N_("Percentage"), PLAIN),
        "fixed": (N_("Fixed amount"), PLAIN),
    },
    "CommissionStatus": {
        "PENDING_LOCK": (N_("Cooling-off"), WAIT),
        "LOCKED": (N_("Locked"), WAIT),
        "PARTIALLY_MATURED": (N_("Partly released"), GOOD),
        "MATURED": (N_("Released"), GOOD),
        "PAID": (N_("Paid out"), GOOD),
        "CLAWED_BACK": (N_("Taken back"), BAD),
    },
    "WithdrawalStatus": {
        "PENDING_REVIEW": (N_("To review"), WAIT),
        "APPROVED": (N_("Approved"), WAIT),
        "PAID": (N_("Paid out"), GOOD),
        "REJECTED": (N_("Rejected"), BAD),
        "CANCELLED": (N_("Request cancelled"), OFF),
    },
    "PayoutMethod": {
        "wire": (N_("Bank transfer"), PLAIN),
        "paypal": (N_("PayPal"), PLAIN),
        "stripe": (N_("Stripe"), PLAIN),
        "manual": (N_("By hand"), PLAIN),
    },
    "BatchStatus": {
        "EXPORTED": (N_("At the bank"), WAIT),
        "SETTLED": (N_("Settled"), GOOD),
        "GIVEN_UP": (N_("Given up"), OFF),
    },
    "BoostType": {
        "percentage_increase": (N_("Points more"), PLAIN),
        "flat_bonus": (N_("Fixed bonus"), PLAIN),
    },
    "BoostScope": {
        "GLOBAL": (N_("All products"), PLAIN),
        "SPECIFIC": (N_("Some products"), PLAIN),
    },
    "RedemptionStatus": {
        "ACTIVE": (N_("In force"), GOOD),
        "EXPIRED": (N_("Over"), OFF),
        "DEACTIVATED": (N_("Ended early"), OFF),
    },
    "FlagKind": {
        "SAME_IP": (N_("Many purchases from one address"), BAD),
        "SAME_CARD": (N_("Many purchases with one card"), BAD),
        "OWN_EMAIL": (N_("A buyer's email like their own"), BAD),
        "CLICK_BURST": (N_("Bursts of clicks without purchases"), BAD),
        "REFUND_CLUSTER": (N_("Many refunds at once"), BAD),
    },
    "TransferType": {
        "COMMISSION_EARNED": (N_("Commission earned"), GOOD),
        "COMMISSION_MATURED": (N_("Commission released"), GOOD),
        "COMMISSION_CLAWED_BACK": (N_("Commission taken back"), BAD),
        "WITHDRAWAL_REQUESTED": (N_("Withdrawal asked for"), WAIT),
        "WITHDRAWAL_APPROVED": (N_("Withdrawal approved"), WAIT),
        "WITHDRAWAL_PAID": (N_("Withdrawal paid"), GOOD),
        "FEE_DEDUCTED": (N_("Fee deducted"), OFF),
        "WITHDRAWAL_REJECTED": (N_("Withdrawal given back"), OFF),
        "ADJUSTMENT_CREDIT": (N_("Adjustment in favour"), GOOD),
        "ADJUSTMENT_DEBIT": (N_("Adjustment against"), BAD),
    },
    "Account": {
        "LOCKED": (N_("Locked"), WAIT),
        "AVAILABLE": (N_("Available"), GOOD),
        "RESERVED": (N_("Reserved"), WAIT),
        "COMMISSIONS": (N_("House: commissions"), PLAIN),
        "FEES": (N_("House: fees"), PLAIN),
        "PAID_OUT": (N_("House: paid out"), PLAIN),
        "ADJUSTMENTS": (N_("House: adjustments"), PLAIN),
    },
    "MailStatus": {
        "QUEUED": (N_("Waiting"), WAIT),
        "SENT": (N_("Sent"), GOOD),
        "FAILED": (N_("Failed"), BAD),
    },
    "MemberRole": {
        "MEMBER": (N_("Member"), PLAIN),
        "MODERATOR": (N_("Moderator"), WAIT),
        "ADMIN": (N_("Administrator"), WAIT),
    },
    "WebhookStatus": {
        "QUEUED": (N_("Waiting"), WAIT),
        "DELIVERED": (N_("Delivered"), GOOD),
        "FAILED": (N_("Failed"), BAD),
    },
    "RunStatus": {
        "QUEUED": (N_("Waiting"), WAIT),
        "RUNNING": (N_("Running"), WAIT),
        "DONE": (N_("Done"), GOOD),
        "FAILED": (N_("Failed"), BAD),
    },
}
"""Per kind of status: each value's words and its colour."""

LEVELS = {"WARNING": WAIT, "ERROR": BAD, "CRITICAL": BAD}


def status_words(kind: type[enum.Enum] | None, value: object) -> tuple[str, str]:
    """A status in the reader's words, and the name of its colour."""
    known = STATUSES.get(kind.__name__ if kind else "", {})
    text, colour = known.get(str(value), (str(value), LEVELS.get(str(value), PLAIN)))
    return gettext(text), colour


def choices_of(kind: type[enum.Enum]) -> list[tuple[str, str]]:
    """Every value of a status with its words, for a list to choose from."""
    return [(str(member.value), status_words(kind, member)[0]) for member in kind]
