"""When a customer is next charged, as their row stands: what they and the owner are shown."""

from datetime import datetime, timedelta

from models.billing.customer import Customer, CustomerStatus
from models.billing.quote import Quote
from models.settings import current_settings


def next_charge(customer: Customer) -> datetime | None:
    """The instant of the next charge, None where nothing is to come.

    The end of the trial, the end of the paid period of what renews, or the next retry of a
    failed payment; nothing for what was cancelled, was given free, or has paid its last cycle.
    """
    if customer.cancel_at_period_end or customer.is_complimentary:
        return None
    match customer.status:
        case CustomerStatus.TRIAL:
            return customer.trial_ends_at
        case CustomerStatus.ACTIVE:
            return customer.subscription_ends_at if pays_again(customer) else None
        case CustomerStatus.PAST_DUE:
            return _next_retry(customer)
    return None


def pays_again(customer: Customer) -> bool:
    """Whether the terms have another period charged after those already paid."""
    terms = Quote.from_json(customer.terms)
    most = terms.max_billing_cycles
    return terms.interval.renews and (most is None or customer.billing_cycles_done < most)


def _next_retry(customer: Customer) -> datetime | None:
    """First failure + so many days of 24 hours, as the settings list them."""
    days = current_settings().dunning_days
    if customer.first_failed_at is None or customer.dunning_step >= len(days):
        return None
    return customer.first_failed_at + timedelta(hours=24 * int(days[customer.dunning_step]))
