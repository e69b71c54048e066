"""Refunds: what a client may ask, what the owner gives, and what it ends."""

from datetime import timedelta

from tests.reference import affiliates
from tests.reference.arithmetic import local_day
from tests.reference.things import Refund, Refused


def request(business, invoice):
    """A client's request: within the days of the right to withdraw, for all that is left."""
    if any(each.status == "PENDING" for each in invoice.refunds):
        return
    last_day = local_day(invoice.paid_at) + timedelta(days=business.terms.withdrawal_days)
    rest = invoice.paid - invoice.spoken_for
    if local_day(business.now) > last_day or rest == 0:
        raise Refused
    _note(business, invoice, rest, "PENDING")


def refund(business, invoice, amount):
    """The owner's own: any time, the whole rest or a part of it."""
    if amount is None and invoice.status == "REFUNDED":
        return
    rest = invoice.paid - invoice.spoken_for
    amount = rest if amount is None else amount
    if amount > rest or amount == 0:
        raise Refused
    _give(business, _note(business, invoice, amount, "APPROVED"))


def approve(business, invoice):
    asked = _last(invoice)
    if asked.status == "PENDING":
        _give(business, asked)
    elif asked.status == "REJECTED":
        raise Refused


def reject(business, invoice):
    asked = _last(invoice)
    if asked.status == "PENDING":
        asked.status = "REJECTED"
    elif asked.status == "PROCESSED":
        raise Refused


def _last(invoice):
    if not invoice.refunds:
        raise Refused
    return invoice.refunds[-1]


def _note(business, invoice, amount, status):
    made = Refund(invoice, amount, status)
    invoice.refunds.append(made)
    business.refunds.append(made)
    return made


def _give(business, given):
    invoice, customer = given.invoice, given.invoice.customer
    given.status = "PROCESSED"
    affiliates.claw_back(business, invoice)
    if invoice.refunded == invoice.paid:
        invoice.status = "REFUNDED"
        if customer.running and _is_current(business, invoice, customer):
            business.end(customer, "CANCELLED")
            customer.ends_at = business.now
    if invoice.affiliate:
        affiliates.refund_figures(business, invoice.affiliate)


def _is_current(business, invoice, customer):
    """Whether the invoice paid for the period the customer is in, or for ever."""
    opening = [
        each
        for each in business.invoices
        if each.customer is customer
        and each.number
        and each.period_start >= customer.bought_at
        and (each.kind != "UPGRADE" or each.period_start == customer.anchor)
    ]
    return bool(opening) and max(opening, key=lambda each: each.period_start) is invoice
