"""What commissions are computed from, loaded for many invoices in a few statements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.affiliation.attribution import Attribution
from models.affiliation.boost import (
    BoostCode,
    BoostProduct,
    BoostRedemption,
    BoostScope,
    RedemptionStatus,
)
from models.affiliation.choose_lock import ChosenLock, LockTable, lock_table
from models.affiliation.no_commission import NoCommission
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import AffiliateProgram
from models.affiliation.reckon_commission import Rate, Reckoned, boost_of, rate_for, reckon
from models.billing import Customer, Invoice, InvoiceKind
from models.catalog import Plan

AS_RENEWALS = frozenset({InvoiceKind.RENEWAL, InvoiceKind.UPGRADE})
"""What earns only where the program includes renewals."""


@dataclass(frozen=True)
class Sale:
    """A paid invoice, the product it was for, and what hangs off it; None for what there is not.
    ``closed_at`` is since when the affiliate's account is deleted."""

    invoice: Invoice
    product_id: UUID
    plan: Plan
    program: AffiliateProgram | None
    attribution: Attribution | None
    affiliate: AffiliateProfile | None
    closed_at: datetime | None
    redemption: BoostRedemption | None
    boost: BoostCode | None
    earned_at: datetime


@dataclass(frozen=True)
class Inputs:
    """Everything one commission is computed from."""

    sale: Sale
    program: AffiliateProgram
    attribution: Attribution
    affiliate: AffiliateProfile
    boost: BoostCode | None
    rate: Rate
    reckoned: Reckoned
    lock: ChosenLock


def load_sales(session: Session, invoices: Sequence[Invoice], *, now: datetime) -> list[Sale]:
    """What hangs off every invoice, in the order given, their rows locked.

    Invoices are locked in the order of their keys. One statement, and one more where an
    affiliate's age is about to begin: their profile is locked then, so that it begins once.
    """
    keys = [invoice.id for invoice in invoices]
    rows = {row[0]: row[1:] for row in session.execute(_SALES, {"invoice_ids": keys})}
    found = [rows[key] for key in keys]
    _lock_the_new(session, (row[4] for row in found))
    return [
        Sale(
            invoice=invoice,
            product_id=product_id,
            plan=plan,
            program=program,
            attribution=attribution,
            affiliate=affiliate,
            closed_at=closed_at,
            redemption=redemption if covers else None,
            boost=boost if covers else None,
            earned_at=invoice.paid_at or now,
        )
        for invoice, (
            product_id,
            plan,
            program,
            attribution,
            affiliate,
            closed_at,
            redemption,
            boost,
            covers,
        ) in zip(invoices, found, strict=True)
    ]


def lock_rows(session: Session, sales: Sequence[Sale]) -> LockTable:
    """The lock table's editions that these sales fall under."""
    instants = [sale.earned_at for sale in sales]
    return lock_table(session, since=min(instants), until=max(instants))


def inputs_of(sale: Sale, table: LockTable) -> Inputs | NoCommission:
    """What a sale's commission is computed from, or why there is none."""
    reason = _why_nothing(sale)
    bound, program, affiliate = sale.attribution, sale.program, sale.affiliate
    if reason is not None or bound is None or program is None or affiliate is None:
        return reason or NoCommission.NOT_ATTRIBUTED
    boost = sale.boost if _is_boosted(sale) else None
    rate = rate_for(sale.plan, program)
    reckoned = reckon(sale.invoice.amount_excluding_tax, rate, boost_of(boost))
    if reckoned.total == 0:
        return NoCommission.ROUNDS_TO_ZERO
    lock = table.choose(affiliate.risk_level, affiliate.first_commission_at, at=sale.earned_at)
    return Inputs(sale, program, bound, affiliate, boost, rate, reckoned, lock)


_OF_THIS_PRODUCT = exists().where(
    BoostProduct.code_id == BoostCode.id, BoostProduct.product_id == Customer.product_id
)
_SALES = (
    select(
        Invoice.id,
        Customer.product_id,
        Plan,
        AffiliateProgram,
        Attribution,
        AffiliateProfile,
        select(User.closed_at).where(User.id == Attribution.affiliate_id).scalar_subquery(),
        BoostRedemption,
        BoostCode,
        or_(BoostCode.scope == BoostScope.GLOBAL, _OF_THIS_PRODUCT),
    )
    .join(Customer, Customer.id == Invoice.customer_id)
    .join(Plan, Plan.id == Invoice.plan_id)
    .outerjoin(AffiliateProgram, AffiliateProgram.product_id == Customer.product_id)
    .outerjoin(
        Attribution,
        and_(Attribution.customer_id == Customer.id, Attribution.replaced_at.is_(None)),
    )
    .outerjoin(AffiliateProfile, AffiliateProfile.user_id == Attribution.affiliate_id)
    .outerjoin(
        BoostRedemption,
        and_(
            BoostRedemption.affiliate_id == Attribution.affiliate_id,
            BoostRedemption.status == RedemptionStatus.ACTIVE,
        ),
    )
    .outerjoin(BoostCode, BoostCode.id == BoostRedemption.code_id)
    .where(Invoice.id.in_(bindparam("invoice_ids", expanding=True)))
    .order_by(Invoice.id)
    .with_for_update(of=Invoice)
)


def _lock_the_new(session: Session, affiliates: Iterator[AffiliateProfile | None]) -> None:
    """Read afresh, and lock, whoever has earned nothing so far.

    Two first commissions at once each hold a reference to the profile already, so only the
    weaker lock, which references do not block, keeps them from waiting for one another.
    """
    new = {each.user_id for each in affiliates if each and each.first_commission_at is None}
    if new:
        AffiliateProfile.held_all(session, new)


def _why_nothing(sale: Sale) -> NoCommission | None:
    bound, program = sale.attribution, sale.program
    if bound is None:
        return NoCommission.NOT_ATTRIBUTED
    if bound.self_referral:
        return NoCommission.SELF_REFERRAL
    if sale.closed_at is not None and sale.closed_at <= sale.earned_at:
        return NoCommission.AFFILIATE_GONE
    if bound.has_lapsed(sale.earned_at):
        return NoCommission.ATTRIBUTION_EXPIRED
    if sale.invoice.amount_excluding_tax == 0:
        return NoCommission.ZERO_BASE
    if program is None or not program.is_active:
        return NoCommission.PROGRAM_INACTIVE
    if sale.invoice.kind in AS_RENEWALS and not program.include_renewals:
        return NoCommission.RENEWALS_EXCLUDED
    return None


def _is_boosted(sale: Sale) -> bool:
    """Whether the redemption was in force when the invoice was paid."""
    redemption = sale.redemption
    return (
        redemption is not None
        and redemption.redeemed_at <= sale.earned_at
        and (redemption.expires_at is None or sale.earned_at < redemption.expires_at)
    )
