"""Jobs of billing: a card to be charged, attempts of unknown outcome, checkouts out of time."""

from typing import Any
from uuid import UUID

from jobs.queue import job
from models.billing.charge_new_card import charge_new_card, charge_new_cards
from models.billing.complete_checkout import complete_checkout
from models.billing.end_periods import end_due_periods
from models.billing.expire_captures import expire_and_close
from models.billing.give_notices import remind_due
from models.billing.receive_card import COMPLETE
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import resolve_unknown
from models.billing.send_refunds import send_refunds
from models.billing.settle_card import CHARGE
from models.billing.void_switches import void_forgotten_switches


@job(COMPLETE, queue="money", timeout=300)
def complete(capture_id: str) -> None:
    """Charge the card of a checkout. Safe to run twice: the attempt's row says who charges."""
    complete_checkout(UUID(capture_id))


@job("billing-resolve-unknown", queue="money", timeout=600)
def resolve() -> dict[str, int]:
    """Ask the PSP what became of open attempts, and charge cards whose job was lost."""
    counts, cards = resolve_unknown(), charge_new_cards()
    errors = counts["errors"] + cards["errors"]
    return {**counts, **cards, **void_forgotten_switches(), "errors": errors}


@job(CHARGE, queue="money", timeout=300)
def charge_card(customer_id: str) -> None:
    """Charge a new card for what is due. Safe to run twice: an attempt of it ends the matter."""
    charge_new_card(UUID(customer_id))


@job("billing-remind", timeout=600)
def remind() -> dict[str, int]:
    """Tell customers ahead of a trial's end, of an annual term, of a card too old."""
    return remind_due()


@job("billing-renew-due", queue="money", timeout=6600)
def renew(dry_run: bool = False) -> dict[str, Any]:
    """Charge renewals, trials that ended and retries. Resumes where a killed run stopped."""
    return renew_due(dry_run=dry_run)


@job("billing-end-periods", queue="money", timeout=600)
def end() -> dict[str, int]:
    """End what is not renewed, and pause the unpaid whose grace is over."""
    return end_due_periods()


@job("billing-expire-captures", queue="money", timeout=300)
def expire() -> dict[str, int]:
    """Expire checkouts whose time is up, and take their card forms away."""
    return expire_and_close()


@job("billing-send-refunds", queue="money", timeout=600)
def send() -> dict[str, int]:
    """Send approved refunds to the PSP, and ask about those it has not answered for sure."""
    return send_refunds()
