"""The state as a scenario's result shows it."""

from tests.reference.arithmetic import rate_text, text


def result_of(business):
    return {
        "affiliates": {each.slug: _affiliate(each) for each in business.affiliates.values()},
        "customers": [_customer(each) for each in business.customers],
        "invoices": [_invoice(each) for each in business.invoices],
        "commissions": [_commission(each) for each in business.commissions],
        "refunds": [
            {"email": each.invoice.customer.email, "amount": each.amount, "status": each.status}
            for each in business.refunds
        ],
        "withdrawals": [_withdrawal(each) for each in business.withdrawals.values()],
        "ledger": [
            {"at": text(at), "affiliate": slug, "type": type, "entries": entries}
            for at, slug, type, entries in business.ledger
        ],
        "refused": list(business.refused),
    }


def _affiliate(each):
    return {
        "locked": each.locked,
        "available": each.available,
        "reserved": each.reserved,
        "paid_out": each.paid_out,
        "fees": each.fees,
        "debt": max(0, -each.available),
        "earned": each.earned,
        "clawed_back": each.clawed_back,
        "risk_level": each.level,
        "refund_rate": rate_text(each.refund_rate),
        "total_refunds": each.total_refunds,
    }


def _customer(each):
    return {
        "email": each.email,
        "product": each.product.slug,
        "plan": each.plan.slug,
        "status": each.status,
        "trial_ends_at": text(each.trial_ends_at),
        "subscription_ends_at": text(each.ends_at),
        "next_charge_at": text(each.next_charge_at),
        "cancel_at_period_end": each.cancels,
        "billing_cycles_done": each.cycles,
    }


def _invoice(each):
    return {
        "number": each.number,
        "email": each.customer.email,
        "product": each.customer.product.slug,
        "plan": each.plan.slug,
        "kind": each.kind,
        "period_start": text(each.period_start),
        "period_end": text(each.period_end),
        "amount_excluding_tax": each.excluding,
        "tax_amount": each.paid - each.excluding,
        "amount_including_tax": each.paid,
        "refunded_amount": each.refunded,
        "status": each.status,
        "paid_at": text(each.paid_at),
    }


def _commission(each):
    return {
        "affiliate": each.affiliate.slug,
        "email": each.invoice.customer.email,
        "product": each.invoice.customer.product.slug,
        "invoice": each.invoice.number,
        "status": each.status,
        "base_amount": each.base,
        "rate_applied": rate_text(each.rate),
        "total_amount": each.total,
        "main_amount": each.main,
        "extended_amount": each.extended,
        "earned_at": text(each.earned_at),
        "locked_until": text(each.main_at),
        "extended_locked_until": text(each.extended_at),
        "clawed_back_amount": each.clawed,
        "paid_amount": each.paid,
        "from_free_product": False,
        "self_referral": False,  # an own purchase earns nothing, and a later one changes no earlier
    }


def _withdrawal(each):
    return {
        "as": each.name,
        "affiliate": each.affiliate.slug,
        "requested_amount": each.amount,
        "fee_amount": each.fee,
        "net_amount": each.amount - each.fee,
        "status": each.status,
    }
