"""What a paid invoice earns the affiliate who brought its customer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.affiliation.attribution import Attribution
from models.affiliation.choose_lock import ChosenLock, choose_lock
from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.no_commission import NoCommission
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import AffiliateProgram, program_of
from models.affiliation.reckon_commission import Rate, Reckoned, rate_for, reckon, split_total
from models.billing import Customer, Invoice, InvoiceKind
from models.billing.note_no_commission import note_no_commission
from models.catalog import Plan
from models.ledger import Account, TransferType, post
from models.money import rate_text
from models.oversight import Actor, emit

AS_RENEWALS = frozenset({InvoiceKind.RENEWAL, InvoiceKind.UPGRADE})
"""What earns only where the program includes renewals."""


@dataclass(frozen=True)
class Inputs:
    """Everything a commission is computed from."""

    invoice: Invoice
    customer: Customer
    plan: Plan
    program: AffiliateProgram
    attribution: Attribution
    affiliate: AffiliateProfile
    rate: Rate
    reckoned: Reckoned
    lock: ChosenLock
    earned_at: datetime


def earn_commission(
    session: Session, invoice_id: UUID, *, actor: Actor, now: datetime
) -> Commission | None:
    """Give the standing affiliate of a paid invoice's customer their commission.

    The base is the invoice's amount excluding tax; document 04 has the formula. Where
    nothing is earned, the invoice keeps the reason and None comes back. A second call
    answers the commission made by the first.
    """
    invoice = Invoice.for_update(session, invoice_id)
    made = session.scalar(select(Commission).where(Commission.invoice_id == invoice.id))
    if made is not None:
        return made
    inputs = _inputs(session, invoice, now)
    if isinstance(inputs, NoCommission):
        note_no_commission(session, invoice, inputs.value)
        return None
    commission = _commission(inputs)
    session.add(commission)
    if inputs.affiliate.first_commission_at is None:
        _begin_age(session, inputs)
    post(
        session,
        TransferType.COMMISSION_EARNED,
        affiliate_id=commission.affiliate_id,
        key=f"commission-earned:{invoice.id}",
        at=now,
        entries={
            Account.LOCKED: commission.total_amount,
            Account.COMMISSIONS: -commission.total_amount,
        },
        description=invoice.number or "",
        commission_id=commission.id,
        created_by=actor.user_id,
    )
    _tell(session, commission, inputs, actor)
    return commission


def _inputs(session: Session, invoice: Invoice, now: datetime) -> Inputs | NoCommission:
    """What the commission is computed from, or why there is none."""
    customer = Customer.get(session, invoice.customer_id)
    attribution = attribution_of(session, customer)
    program = program_of(session, customer.product_id)
    reason = _why_nothing(invoice, attribution, program)
    if reason is not None or attribution is None or program is None:
        return reason or NoCommission.NOT_ATTRIBUTED
    plan = Plan.get(session, invoice.plan_id)
    rate = rate_for(plan, program)
    reckoned = reckon(invoice.amount_excluding_tax, rate)
    if reckoned.total == 0:
        return NoCommission.ROUNDS_TO_ZERO
    earned_at = invoice.paid_at or now
    affiliate = AffiliateProfile.get(session, attribution.affiliate_id)
    lock = choose_lock(session, affiliate, at=earned_at)
    return Inputs(
        invoice,
        customer,
        plan,
        program,
        attribution,
        affiliate,
        rate,
        reckoned,
        lock,
        earned_at,
    )


def attribution_of(session: Session, customer: Customer) -> Attribution | None:
    """The attribution that stood when a customer bought, which renewals follow too."""
    return session.scalar(
        select(Attribution).where(
            Attribution.customer_id == customer.id, Attribution.replaced_at.is_(None)
        )
    )


def _why_nothing(
    invoice: Invoice, attribution: Attribution | None, program: AffiliateProgram | None
) -> NoCommission | None:
    if attribution is None:
        return NoCommission.NOT_ATTRIBUTED
    if attribution.self_referral:
        return NoCommission.SELF_REFERRAL
    if invoice.amount_excluding_tax == 0:
        return NoCommission.ZERO_BASE
    if program is None or not program.is_active:
        return NoCommission.PROGRAM_INACTIVE
    if invoice.kind in AS_RENEWALS and not program.include_renewals:
        return NoCommission.RENEWALS_EXCLUDED
    return None


def _commission(inputs: Inputs) -> Commission:
    rule = inputs.lock.rule
    total = inputs.reckoned.total
    main, extended = split_total(total, rule.main_percent)
    return Commission(
        program_id=inputs.program.id,
        affiliate_id=inputs.affiliate.user_id,
        customer_id=inputs.customer.id,
        invoice_id=inputs.invoice.id,
        attribution_id=inputs.attribution.id,
        lock_rule_version_id=inputs.lock.version.id,
        status=CommissionStatus.PENDING_LOCK,
        base_amount=inputs.invoice.amount_excluding_tax,
        currency=inputs.invoice.currency,
        rate_type=inputs.rate.type,
        rate_applied=inputs.rate.value,
        total_amount=total,
        main_amount=main,
        extended_amount=extended,
        main_lock_days=rule.main_days,
        extended_lock_days=rule.extended_days,
        earned_at=inputs.earned_at,
        locked_until=inputs.earned_at + timedelta(days=rule.main_days),
        extended_locked_until=inputs.earned_at + timedelta(days=rule.extended_days),
        explanation=_explanation(inputs),
    )


def _explanation(inputs: Inputs) -> dict[str, Any]:
    """Every input of the computation, so that a commission explains itself for ever."""
    invoice, rule, first = inputs.invoice, inputs.lock.rule, inputs.affiliate.first_commission_at
    return {
        "invoice": invoice.number,
        "invoice_kind": invoice.kind.value,
        "amount_including_tax": invoice.amount_including_tax,
        "tax_rate": rate_text(invoice.tax_rate),
        "tax_amount": invoice.tax_amount,
        "base_amount": invoice.amount_excluding_tax,
        "plan": inputs.plan.slug,
        "rate_type": inputs.rate.type.value,
        "rate": rate_text(inputs.rate.value),
        "rate_source": inputs.rate.source,
        "boost": None,
        "uncapped_amount": inputs.reckoned.uncapped,
        "capped": inputs.reckoned.uncapped > inputs.reckoned.total,
        "risk_level": inputs.affiliate.risk_level.value,
        "first_commission_at": first.isoformat() if first else None,
        "age_days": inputs.lock.age_days,
        "lock_profile": rule.profile.value,
        "lock_rule_version": inputs.lock.version.version,
        "main_percent": rate_text(rule.main_percent),
        "main_lock_days": rule.main_days,
        "extended_percent": rate_text(rule.extended_percent),
        "extended_lock_days": rule.extended_days,
        "attribution_model": inputs.attribution.attribution_model,
        "attributed_at": inputs.attribution.bound_at.isoformat(),
        "from_free_product": inputs.attribution.is_free_product_attribution,
    }


def _begin_age(session: Session, inputs: Inputs) -> None:
    """The affiliate's age counts from here, once.

    Two first commissions at once each hold a reference to the profile already, so only the
    weaker lock, which references do not block, keeps them from waiting for one another.
    """
    affiliate = session.get_one(
        AffiliateProfile,
        inputs.affiliate.user_id,
        with_for_update={"key_share": True},
        populate_existing=True,
    )
    if affiliate.first_commission_at is None:
        affiliate.first_commission_at = inputs.earned_at


def _tell(session: Session, commission: Commission, inputs: Inputs, actor: Actor) -> None:
    emit(
        session,
        "affiliation.commission_earned",
        commission,
        actor=actor,
        data={
            "affiliate_id": commission.affiliate_id,
            "invoice_id": commission.invoice_id,
            "product_id": inputs.customer.product_id,
            "total_amount": commission.total_amount,
            "currency": commission.currency,
        },
    )
