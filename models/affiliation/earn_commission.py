"""What paid invoices earn the affiliates who brought their customers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission, CommissionStatus
from models.affiliation.earning_inputs import Inputs, inputs_of, load_sales, lock_rows
from models.affiliation.no_commission import NoCommission
from models.affiliation.reckon_commission import split_total
from models.billing import Invoice
from models.billing.note_no_commission import note_no_commission
from models.ledger import Account, Posting, TransferType, post_all
from models.money import rate_text
from models.oversight import Actor, emit_all


def earn_commission(
    session: Session, invoice_id: UUID, *, actor: Actor, now: datetime
) -> Commission | None:
    """Give the standing affiliate of a paid invoice's customer their commission.

    As ``earn_commissions`` of one; None where nothing is earned.
    """
    return earn_commissions(session, [Invoice.get(session, invoice_id)], actor=actor, now=now)[0]


def earn_commissions(
    session: Session, invoices: Sequence[Invoice], *, actor: Actor, now: datetime
) -> list[Commission | None]:
    """Give the standing affiliates of paid invoices' customers their commissions.

    The base is the invoice's amount excluding tax; document 04 has the formula. A few
    statements whatever their number; several of one affiliate are earned in the order given.
    Where nothing is earned, the invoice keeps the reason and None stands in its place. A
    second call answers the commissions made by the first.
    """
    if not invoices:
        return []
    if session.new:  # what is only changed needs no key, and is written once, at the end
        session.flush()
    keys = [invoice.id for invoice in invoices]
    sales = load_sales(session, invoices, now=now)
    made = session.scalars(_MADE, {"invoice_ids": keys})
    known: dict[UUID, Commission | None] = {each.invoice_id: each for each in made}
    table = lock_rows(session, sales)
    earned = []
    for sale in sales:
        if sale.invoice.id in known:
            continue
        inputs = inputs_of(sale, table)
        if isinstance(inputs, NoCommission):
            note_no_commission(sale.invoice, inputs.value)
            known[sale.invoice.id] = None
            continue
        commission = _commission(inputs)
        _begin(inputs)
        earned.append((commission, inputs))
        known[sale.invoice.id] = commission
    session.add_all([commission for commission, _ in earned])
    session.flush()
    post_all(session, [_posting(*each, actor) for each in earned], at=now)
    told = [(commission, _facts(commission, inputs)) for commission, inputs in earned]
    emit_all(session, "affiliation.commission_earned", told, actor=actor)
    return [known[key] for key in keys]


_MADE = select(Commission).where(
    Commission.invoice_id.in_(bindparam("invoice_ids", expanding=True))
)


def _begin(inputs: Inputs) -> None:
    """The affiliate's age counts from the first commission, a free joining's worth from a sale."""
    affiliate, bound = inputs.affiliate, inputs.attribution
    if affiliate.first_commission_at is None:
        affiliate.first_commission_at = inputs.sale.earned_at
    if bound.is_free_product_attribution and bound.converted_at is None:
        bound.converted_at = inputs.sale.earned_at


def _commission(inputs: Inputs) -> Commission:
    sale, rule = inputs.sale, inputs.lock.rule
    total = inputs.reckoned.total
    main, extended = split_total(total, rule.main_percent)
    return Commission(
        program_id=inputs.program.id,
        affiliate_id=inputs.affiliate.user_id,
        customer_id=sale.invoice.customer_id,
        invoice_id=sale.invoice.id,
        attribution_id=inputs.attribution.id,
        lock_rule_version_id=inputs.lock.version.id,
        status=CommissionStatus.PENDING_LOCK,
        base_amount=sale.invoice.amount_excluding_tax,
        currency=sale.invoice.currency,
        rate_type=inputs.rate.type,
        rate_applied=inputs.reckoned.rate,
        boost_redemption_id=sale.redemption.id if inputs.boost and sale.redemption else None,
        boost_amount=inputs.reckoned.boosted,
        total_amount=total,
        main_amount=main,
        extended_amount=extended,
        main_lock_days=rule.main_days,
        extended_lock_days=rule.extended_days,
        earned_at=sale.earned_at,
        locked_until=sale.earned_at + timedelta(days=rule.main_days),
        extended_locked_until=sale.earned_at + timedelta(days=rule.extended_days),
        explanation=_explanation(inputs),
    )


def _explanation(inputs: Inputs) -> dict[str, Any]:
    """Every input of the computation, so that a commission explains itself for ever."""
    invoice, rule, first = (
        inputs.sale.invoice,
        inputs.lock.rule,
        inputs.affiliate.first_commission_at,
    )
    return {
        "invoice": invoice.number,
        "invoice_kind": invoice.kind.value,
        "amount_including_tax": invoice.amount_including_tax,
        "tax_rate": rate_text(invoice.tax_rate),
        "tax_amount": invoice.tax_amount,
        "base_amount": invoice.amount_excluding_tax,
        "plan": inputs.sale.plan.slug,
        "rate_type": inputs.rate.type.value,
        "rate": rate_text(inputs.rate.value),
        "rate_source": inputs.rate.source,
        "boost": _boost(inputs),
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


def _boost(inputs: Inputs) -> dict[str, Any] | None:
    if inputs.boost is None:
        return None
    return {
        "code": inputs.boost.code,
        "boost_type": inputs.boost.boost_type.value,
        "boost_value": rate_text(inputs.boost.boost_value),
        "boost_amount": inputs.reckoned.boosted,
    }


def _posting(commission: Commission, inputs: Inputs, actor: Actor) -> Posting:
    return Posting(
        TransferType.COMMISSION_EARNED,
        affiliate_id=commission.affiliate_id,
        key=f"commission-earned:{commission.invoice_id}",
        entries={
            Account.LOCKED: commission.total_amount,
            Account.COMMISSIONS: -commission.total_amount,
        },
        description=inputs.sale.invoice.number or "",
        commission_id=commission.id,
        created_by=actor.user_id,
        metadata={name: getattr(commission, name) for name in IN_THE_LEDGER},
    )


IN_THE_LEDGER = ("base_amount", "main_amount")
"""What of a commission its transfer keeps, so that the chain protects the base and the split."""


def _facts(commission: Commission, inputs: Inputs) -> dict[str, Any]:
    return {
        "affiliate_id": commission.affiliate_id,
        "invoice_id": commission.invoice_id,
        "product_id": inputs.sale.product_id,
        "total_amount": commission.total_amount,
        "currency": commission.currency,
    }
