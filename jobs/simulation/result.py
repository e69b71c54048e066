"""What came out of a simulation, as document 15's JSON: cents, rates as text, instants in UTC."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, String, cast, false, func, select, type_coerce
from sqlalchemy.orm import Session

from jobs.simulation.moments import write_instant
from jobs.simulation.standings import affiliates
from models.accounts import User
from models.affiliation import AffiliateProfile, Attribution, Commission
from models.affiliation.payouts.withdrawal import Withdrawal
from models.billing import Customer, Invoice, PaymentAttempt
from models.billing.credit_note import CreditNote
from models.billing.refund import GRANTED, Refund
from models.catalog import Plan, Product
from models.ledger import LedgerEntry, LedgerTransfer
from models.money import rate_text

Rows = list[dict[str, Any]]
AS_THEY_ARE = {str, int, bool, type(None)}
"""Most of what a result shows, in the very form that it has."""


def customers(session: Session) -> Rows:
    """Every customer, in the order they came."""
    return _listed(
        session,
        select(
            User.email,
            Product.slug.label("product"),
            Plan.slug.label("plan"),
            Customer.status,
            Customer.trial_ends_at,
            Customer.subscription_ends_at,
            Customer.next_charge_at,
            Customer.cancel_at_period_end,
            Customer.billing_cycles_done,
        )
        .select_from(Customer)
        .join(Customer.user)
        .join(Customer.product)
        .join(Customer.current_plan)
        .order_by(Customer.id),
    )


def invoices(session: Session) -> Rows:
    """Every invoice, in the order they were made, with what was tried for it."""
    granted = (
        select(func.coalesce(func.sum(Refund.amount), 0))
        .where(Refund.invoice_id == Invoice.id, Refund.status.in_(GRANTED))
        .scalar_subquery()
    )
    rows = _listed(
        session,
        select(
            Invoice.id.label("attempts"),
            Invoice.number,
            User.email,
            Product.slug.label("product"),
            Plan.slug.label("plan"),
            Invoice.kind,
            Invoice.period_start,
            Invoice.period_end,
            Invoice.amount_excluding_tax,
            Invoice.tax_amount,
            Invoice.amount_including_tax,
            cast(granted, BigInteger).label("refunded_amount"),
            Invoice.status,
            Invoice.paid_at,
        )
        .select_from(Invoice)
        .join(Invoice.customer)
        .join(Customer.user)
        .join(Customer.product)
        .join(Invoice.plan)
        .order_by(Invoice.id),
    )
    attempts = _attempts(session)
    return [{**row, "attempts": attempts[row["attempts"]]} for row in rows]


def _attempts(session: Session) -> dict[UUID, Rows]:
    """What was tried for each invoice, in order: how a declined card shows."""
    tried = (
        select(
            PaymentAttempt.invoice_id,
            PaymentAttempt.started_at.label("at"),
            PaymentAttempt.outcome,
            PaymentAttempt.decline_code,
        )
        .where(PaymentAttempt.invoice_id.is_not(None))
        .order_by(PaymentAttempt.id)
    )
    found: dict[UUID, Rows] = defaultdict(list)
    for row in _listed(session, tried):
        found[row.pop("invoice_id")].append(row)
    return found


def commissions(session: Session) -> Rows:
    """Every commission, in the order they were earned."""
    free = Commission.explanation["from_free_product"].as_boolean()
    return _listed(
        session,
        select(
            AffiliateProfile.affiliate_slug.label("affiliate"),
            User.email,
            Product.slug.label("product"),
            Invoice.number.label("invoice"),
            Commission.status,
            Commission.base_amount,
            Commission.rate_applied,
            Commission.total_amount,
            Commission.main_amount,
            Commission.extended_amount,
            Commission.earned_at,
            Commission.locked_until,
            Commission.extended_locked_until,
            Commission.clawed_back_amount,
            Commission.paid_amount,
            func.coalesce(free, false()).label("from_free_product"),
            Attribution.self_referral,
        )
        .select_from(Commission)
        .join(Commission.affiliate)
        .join(Commission.invoice)
        .join(Commission.customer)
        .join(Customer.user)
        .join(Customer.product)
        .join(Attribution, Attribution.id == Commission.attribution_id)
        .order_by(Commission.id),
    )


def refunds(session: Session) -> Rows:
    """Every refund, in the order they were asked for."""
    return _listed(
        session,
        select(
            User.email,
            Product.slug.label("product"),
            Invoice.number.label("invoice"),
            Refund.amount,
            Refund.status,
            Refund.reason,
            Refund.rejection_reason,
            Refund.requested_at,
            Refund.approved_at,
            Refund.rejected_at,
            Refund.processed_at,
            CreditNote.number.label("credit_note"),
        )
        .select_from(Refund)
        .join(Refund.invoice)
        .join(Refund.customer)
        .join(Customer.user)
        .join(Customer.product)
        .outerjoin(CreditNote, CreditNote.refund_id == Refund.id)
        .order_by(Refund.id),
    )


def withdrawals(session: Session, names: Mapping[UUID, str]) -> Rows:
    """Every withdrawal, in the order they were asked, under the name its event gave it."""
    rows = _listed(
        session,
        select(
            Withdrawal.id.label("as"),
            AffiliateProfile.affiliate_slug.label("affiliate"),
            Withdrawal.requested_amount,
            Withdrawal.fee_amount,
            Withdrawal.net_amount,
            Withdrawal.status,
            Withdrawal.fee_waived,
            Withdrawal.payment_method,
            Withdrawal.payout_reference,
            Withdrawal.rejection_reason,
            Withdrawal.requested_at,
            Withdrawal.approved_at,
            Withdrawal.paid_at,
            Withdrawal.rejected_at,
            Withdrawal.cancelled_at,
        )
        .select_from(Withdrawal)
        .join(Withdrawal.affiliate)
        .order_by(Withdrawal.id),
    )
    return [{**row, "as": names.get(row["as"])} for row in rows]


def ledger(session: Session) -> Rows:
    """Every transfer, in the order they were posted."""
    moved = select(
        cast(LedgerEntry.transfer_id, String),
        type_coerce(LedgerEntry.account, String),
        LedgerEntry.amount,
    ).order_by(LedgerEntry.seq)
    entries: dict[str, dict[str, int]] = defaultdict(dict)
    for transfer_id, account, amount in session.execute(moved):
        entries[transfer_id][account] = amount
    transfers = _listed(
        session,
        select(
            cast(LedgerTransfer.id, String).label("entries"),
            LedgerTransfer.created_at.label("at"),
            AffiliateProfile.affiliate_slug.label("affiliate"),
            LedgerTransfer.type,
        )
        .join(AffiliateProfile, AffiliateProfile.user_id == LedgerTransfer.affiliate_id)
        .order_by(LedgerTransfer.seq),
    )
    return [
        {"seq": place, **row, "entries": entries[row["entries"]]}
        for place, row in enumerate(transfers, start=1)
    ]


def _listed(session: Session, query: Any) -> Rows:
    """The rows of a query as the result shows them, under the names of its columns."""
    found = session.execute(query)
    names = tuple(found.keys())
    return [dict(zip(names, map(_shown, row), strict=True)) for row in found]


def _shown(value: Any) -> Any:
    if type(value) in AS_THEY_ARE:
        return value
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, Enum):
        return value.value
    return rate_text(value) if isinstance(value, Decimal) else value


def result_of(
    session: Session,
    *,
    at: datetime,
    refused: Iterable[dict[str, Any]],
    withdrawals_named: Mapping[UUID, str],
) -> dict[str, Any]:
    """The whole result but for the ledger's verdict, which the engine adds."""
    return {
        "at": write_instant(at),
        "affiliates": affiliates(session),
        "customers": customers(session),
        "invoices": invoices(session),
        "commissions": commissions(session),
        "refunds": refunds(session),
        "withdrawals": withdrawals(session, withdrawals_named),
        "ledger": ledger(session),
        "refused": list(refused),
    }
