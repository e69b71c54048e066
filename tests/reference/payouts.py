"""Withdrawals: what is asked for, given back, paid, and which commissions it paid."""

from tests.reference.arithmetic import half_up
from tests.reference.things import Refused, Withdrawal


def ask(business, affiliate, amount, name):
    if amount < business.terms.minimum or amount > affiliate.available:
        raise Refused
    fee = half_up(amount * business.terms.fee)
    business.withdrawals[name] = Withdrawal(name, affiliate, amount, fee)
    business.post(affiliate, "WITHDRAWAL_REQUESTED", available=-amount, reserved=amount)


def _find(business, name, becomes, *statuses):
    """The withdrawal, or None where it is already what it is to become."""
    found = business.withdrawals.get(name)
    if found is not None and found.status == becomes:
        return None
    if found is None or found.status not in statuses:
        raise Refused
    return found


def approve(business, name):
    found = _find(business, name, "APPROVED", "PENDING_REVIEW")
    if found is None:
        return
    found.status = "APPROVED"
    business.post(found.affiliate, "WITHDRAWAL_APPROVED", reserved=0)


def give_back(business, name, status):
    """Refused by the owner at any time before it is paid, called off while under review."""
    still = ("PENDING_REVIEW",) if status == "CANCELLED" else ("PENDING_REVIEW", "APPROVED")
    found = _find(business, name, status, *still)
    if found is None:
        return
    found.status = status
    business.post(
        found.affiliate, "WITHDRAWAL_REJECTED", reserved=-found.amount, available=found.amount
    )


def pay(business, name, waive_fee):
    found = _find(business, name, "PAID", "APPROVED")
    if found is None:
        return
    found.status = "PAID"
    found.fee = 0 if waive_fee else found.fee
    net, affiliate = found.amount - found.fee, found.affiliate
    business.post(affiliate, "WITHDRAWAL_PAID", reserved=-net, paid_out=net)
    if found.fee:
        business.post(affiliate, "FEE_DEDUCTED", reserved=-found.fee, fees=found.fee)
    affiliate.paid_out += net
    affiliate.fees += found.fee
    _allocate(business, affiliate, found.amount)


def _allocate(business, affiliate, amount):
    """Oldest release first; of one commission the main part is used up before the other."""
    parts = []
    for place, made in enumerate(business.commissions):
        if made.affiliate is not affiliate:
            continue
        used = made.clawed_available + made.paid
        for part in ("main", "extended"):
            out_at = getattr(made, f"{part}_out_at")
            if out_at is None:
                continue
            released = getattr(made, part) - getattr(made, f"clawed_{part}")
            gone = min(used, released)
            used -= gone
            parts.append((out_at, place, made, released - gone))
    for _, _, made, rest in sorted(parts, key=lambda each: each[:2]):
        taken = min(rest, amount)
        made.paid += taken
        amount -= taken


def adjust(business, affiliate, amount):
    if amount == 0:
        raise Refused
    type = "ADJUSTMENT_CREDIT" if amount > 0 else "ADJUSTMENT_DEBIT"
    business.post(affiliate, type, available=amount, adjustments=-amount)
