"""What came out of a simulation, as document 15's JSON: cents, rates as text, instants in UTC."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from jobs.simulation.moments import write_instant
from models.affiliation import AffiliateProfile, Attribution, Commission
from models.affiliation.payouts.withdrawal import Withdrawal
from models.billing import Customer, Invoice, PaymentAttempt
from models.billing.credit_note import CreditNote
from models.billing.refund import GRANTED, Refund
from models.ledger import Account, LedgerAccount, LedgerEntry, LedgerTransfer, TransferType
from models.money import rate_text

Rows = list[dict[str, Any]]


def affiliates(session: Session) -> dict[str, dict[str, Any]]:
    """Each affiliate's balances and totals, by slug, as the ledger has them."""
    balances: dict[UUID, dict[Account, int]] = defaultdict(dict)
    for row in session.scalars(select(LedgerAccount)):
        balances[row.affiliate_id][row.account] = row.balance
    totals = _totals(session)
    found = {}
    profiles = select(AffiliateProfile).order_by(AffiliateProfile.user_id)
    for profile in session.scalars(profiles):
        mine, moved = balances[profile.user_id], totals[profile.user_id]
        available = mine.get(Account.AVAILABLE, 0)
        found[profile.affiliate_slug] = {
            "locked": mine.get(Account.LOCKED, 0),
            "available": available,
            "reserved": mine.get(Account.RESERVED, 0),
            "paid_out": moved[TransferType.WITHDRAWAL_PAID, Account.PAID_OUT],
            "fees": moved[TransferType.FEE_DEDUCTED, Account.FEES],
            "debt": max(0, -available),
            "earned": -moved[TransferType.COMMISSION_EARNED, Account.COMMISSIONS],
            "clawed_back": moved[TransferType.COMMISSION_CLAWED_BACK, Account.COMMISSIONS],
            "risk_level": profile.risk_level.value,
            "refund_rate": rate_text(profile.refund_rate),
            "total_refunds": profile.total_refunds,
        }
    return found


def _totals(session: Session) -> dict[UUID, dict[tuple[TransferType, Account], int]]:
    totals: dict[UUID, dict[tuple[TransferType, Account], int]] = defaultdict(
        lambda: defaultdict(int)
    )
    sums = (
        select(
            LedgerEntry.affiliate_id,
            LedgerTransfer.type,
            LedgerEntry.account,
            func.sum(LedgerEntry.amount),
        )
        .join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
        .group_by(LedgerEntry.affiliate_id, LedgerTransfer.type, LedgerEntry.account)
    )
    for affiliate_id, kind, account, amount in session.execute(sums):
        totals[affiliate_id][kind, account] = int(amount)
    return totals


def customers(session: Session) -> Rows:
    """Every customer, in the order they came."""
    query = (
        select(Customer)
        .options(
            joinedload(Customer.user),
            joinedload(Customer.product),
            joinedload(Customer.current_plan),
        )
        .order_by(Customer.id)
    )
    return [
        {
            "email": row.user.email,
            "product": row.product.slug,
            "plan": row.current_plan.slug,
            "status": row.status.value,
            "trial_ends_at": write_instant(row.trial_ends_at),
            "subscription_ends_at": write_instant(row.subscription_ends_at),
            "next_charge_at": write_instant(row.next_charge_at),
            "cancel_at_period_end": row.cancel_at_period_end,
            "billing_cycles_done": row.billing_cycles_done,
        }
        for row in session.scalars(query)
    ]


def invoices(session: Session) -> Rows:
    """Every invoice, in the order they were made."""
    granted = select(Refund.invoice_id, func.sum(Refund.amount)).where(Refund.status.in_(GRANTED))
    attempts = _attempts(session)
    refunded = {key: int(sum) for key, sum in session.execute(granted.group_by(Refund.invoice_id))}
    query = (
        select(Invoice)
        .options(
            joinedload(Invoice.customer).joinedload(Customer.user),
            joinedload(Invoice.customer).joinedload(Customer.product),
            joinedload(Invoice.plan),
        )
        .order_by(Invoice.id)
    )
    return [
        {
            "number": row.number,
            "email": row.customer.user.email,
            "product": row.customer.product.slug,
            "plan": row.plan.slug,
            "kind": row.kind.value,
            "period_start": write_instant(row.period_start),
            "period_end": write_instant(row.period_end),
            "amount_excluding_tax": row.amount_excluding_tax,
            "tax_amount": row.tax_amount,
            "amount_including_tax": row.amount_including_tax,
            "refunded_amount": refunded.get(row.id, 0),
            "status": row.status.value,
            "paid_at": write_instant(row.paid_at),
            "attempts": attempts[row.id],
        }
        for row in session.scalars(query)
    ]


def _attempts(session: Session) -> dict[UUID, Rows]:
    """What was tried for each invoice, in order: how a declined card shows."""
    found: dict[UUID, Rows] = defaultdict(list)
    tried = select(PaymentAttempt).where(PaymentAttempt.invoice_id.is_not(None))
    for row in session.scalars(tried.order_by(PaymentAttempt.id)):
        shown = {
            "at": write_instant(row.started_at),
            "outcome": row.outcome.value,
            "decline_code": row.decline_code,
        }
        found[UUID(str(row.invoice_id))].append(shown)
    return found


def commissions(session: Session) -> Rows:
    """Every commission, in the order they were earned."""
    query = (
        select(Commission, Attribution.self_referral)
        .join(Attribution, Attribution.id == Commission.attribution_id)
        .options(
            joinedload(Commission.affiliate),
            joinedload(Commission.invoice),
            joinedload(Commission.customer).joinedload(Customer.user),
            joinedload(Commission.customer).joinedload(Customer.product),
        )
        .order_by(Commission.id)
    )
    return [_commission(row, self_referral) for row, self_referral in session.execute(query)]


def _commission(row: Commission, self_referral: bool) -> dict[str, Any]:
    return {
        "affiliate": row.affiliate.affiliate_slug,
        "email": row.customer.user.email,
        "product": row.customer.product.slug,
        "invoice": row.invoice.number,
        "status": row.status.value,
        "base_amount": row.base_amount,
        "rate_applied": rate_text(row.rate_applied),
        "total_amount": row.total_amount,
        "main_amount": row.main_amount,
        "extended_amount": row.extended_amount,
        "earned_at": write_instant(row.earned_at),
        "locked_until": write_instant(row.locked_until),
        "extended_locked_until": write_instant(row.extended_locked_until),
        "clawed_back_amount": row.clawed_back_amount,
        "paid_amount": row.paid_amount,
        "from_free_product": bool(row.explanation.get("from_free_product")),
        "self_referral": self_referral,
    }


def ledger(session: Session) -> Rows:
    """Every transfer, in the order they were posted."""
    people = select(AffiliateProfile.user_id, AffiliateProfile.affiliate_slug)
    slugs = {row.user_id: row.affiliate_slug for row in session.execute(people)}
    query = (
        select(LedgerTransfer)
        .options(selectinload(LedgerTransfer.entries))
        .order_by(LedgerTransfer.seq)
    )
    return [
        {
            "seq": place,
            "at": write_instant(row.created_at),
            "affiliate": slugs[row.affiliate_id],
            "type": row.type.value,
            "entries": {entry.account.value: entry.amount for entry in row.entries},
        }
        for place, row in enumerate(session.scalars(query), start=1)
    ]


def refunds(session: Session) -> Rows:
    """Every refund, in the order they were asked for."""
    notes = {row.refund_id: row.number for row in session.scalars(select(CreditNote))}
    query = (
        select(Refund)
        .options(
            joinedload(Refund.invoice),
            joinedload(Refund.customer).joinedload(Customer.user),
            joinedload(Refund.customer).joinedload(Customer.product),
        )
        .order_by(Refund.id)
    )
    return [
        {
            "email": row.customer.user.email,
            "product": row.customer.product.slug,
            "invoice": row.invoice.number,
            "amount": row.amount,
            "status": row.status.value,
            "reason": row.reason,
            "rejection_reason": row.rejection_reason,
            "requested_at": write_instant(row.requested_at),
            "approved_at": write_instant(row.approved_at),
            "rejected_at": write_instant(row.rejected_at),
            "processed_at": write_instant(row.processed_at),
            "credit_note": notes.get(row.id),
        }
        for row in session.scalars(query)
    ]


def withdrawals(session: Session, names: Mapping[str, UUID]) -> Rows:
    """Every withdrawal, in the order they were asked, under the name its event gave it."""
    named = {withdrawal_id: name for name, withdrawal_id in names.items()}
    query = select(Withdrawal).options(joinedload(Withdrawal.affiliate)).order_by(Withdrawal.id)
    return [
        {
            "as": named.get(row.id),
            "affiliate": row.affiliate.affiliate_slug,
            "requested_amount": row.requested_amount,
            "fee_amount": row.fee_amount,
            "net_amount": row.net_amount,
            "status": row.status.value,
            "fee_waived": row.fee_waived,
            "payment_method": row.payment_method.value if row.payment_method else None,
            "payout_reference": row.payout_reference or None,
            "rejection_reason": row.rejection_reason or None,
            "requested_at": write_instant(row.requested_at),
            "approved_at": write_instant(row.approved_at),
            "paid_at": write_instant(row.paid_at),
            "rejected_at": write_instant(row.rejected_at),
            "cancelled_at": write_instant(row.cancelled_at),
        }
        for row in session.scalars(query)
    ]


def result_of(
    session: Session,
    *,
    at: datetime,
    refused: Iterable[dict[str, Any]],
    withdrawals_named: Mapping[str, UUID],
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
