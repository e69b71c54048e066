"""What an affiliate earns, when it is released, and how their standing changes."""

from fractions import Fraction

from tests.reference.arithmetic import DAY, half_up, local_day
from tests.reference.things import BEGINS_AT_RATE, LEVELS, LOCKS, Commission, Refused


def earn(business, invoice):
    """A commission on a paid invoice, where the rules give one."""
    customer, affiliate = invoice.customer, invoice.customer.affiliate
    program = customer.product.program
    if affiliate is None or customer.own_purchase or not program or not program.active:
        return
    if invoice.kind in ("RENEWAL", "UPGRADE") and not program.renewals:
        return
    rate, total = _reckon(business, invoice, affiliate, program)
    if total == 0:
        return
    age = age_of(affiliate, business.now)
    main_percent, main_days, _, extended_days = LOCKS[profile_of(affiliate.level, age)]
    main = total * main_percent // 100
    made = Commission(
        affiliate,
        invoice,
        invoice.excluding,
        rate,
        total,
        main,
        total - main,
        business.now,
        business.now + main_days * DAY,
        business.now + extended_days * DAY,
        age,
    )
    affiliate.first_commission_at = affiliate.first_commission_at or business.now
    affiliate.earned += total
    invoice.commission = made
    business.commissions.append(made)
    business.post(affiliate, "COMMISSION_EARNED", locked=total, commissions=-total)


def _reckon(business, invoice, affiliate, program):
    base, percent = invoice.excluding, invoice.plan.percent
    is_fixed = percent is None and program.fixed
    rate = program.rate if percent is None else percent
    boost = boost_for(affiliate, invoice.customer.product, business.now)
    extra = 0
    if boost and boost.type == "flat_bonus":
        extra = int(boost.value)
    elif boost and is_fixed:
        extra = half_up(base * boost.value / 100)
    elif boost:
        rate = rate + boost.value
    whole = int(rate) if is_fixed else half_up(base * Fraction(rate) / 100)
    return rate, min(whole + extra, base)


def boost_for(affiliate, product, now):
    boost = affiliate.boost
    if boost is None or (boost.valid_until is not None and now >= boost.valid_until):
        return None
    return boost if boost.products is None or product.slug in boost.products else None


def redeem(business, affiliate, code):
    boost = business.boosts.get(code)
    if boost is None:
        raise Refused
    if boost.valid_until is not None and business.now >= boost.valid_until:
        raise Refused
    if affiliate.boost is boost:
        return
    if boost.max_uses is not None and boost.uses >= boost.max_uses:
        raise Refused
    boost.uses += 1
    affiliate.boost = boost


def age_of(affiliate, now):
    began = affiliate.first_commission_at
    return (now - began) // DAY if began else 0


def profile_of(level, age):
    if level != "NORMAL":
        return level
    for name, from_age in (("trusted", 91), ("validated", 61), ("recent", 31)):
        if age >= from_age:
            return name
    return "new"


def mature(business):
    """Release every part whose day has come, oldest first."""
    now = business.now
    due = []
    for made in business.commissions:
        if made.clawed == made.total:
            continue
        made.right_over |= made.earned_at + business.terms.withdrawal_days * DAY <= now
        if made.main_out_at is None and made.main_at <= now:
            due.append((made.main_at, made.earned_at, made, "main"))
        if made.extended_out_at is None and made.extended_at <= now:
            due.append((made.extended_at, made.earned_at, made, "extended"))
    for _, _, made, part in sorted(due, key=lambda each: each[:2]):
        released = getattr(made, part) - getattr(made, f"clawed_{part}")
        setattr(made, f"{part}_out_at", now)
        if released:
            business.post(
                made.affiliate, "COMMISSION_MATURED", locked=-released, available=released
            )


def claw_back(business, invoice):
    """Take back the refunded share: the extended part, then the main part, then what is out."""
    made = invoice.commission
    if made is None:
        return
    wanted = half_up(Fraction(made.total * invoice.refunded, invoice.paid)) - made.clawed
    if wanted == 0:
        return
    left = wanted
    if made.extended_out_at is None:
        taken = min(left, made.extended - made.clawed_extended)
        made.clawed_extended, left = made.clawed_extended + taken, left - taken
    if made.main_out_at is None:
        taken = min(left, made.main - made.clawed_main)
        made.clawed_main, left = made.clawed_main + taken, left - taken
    made.clawed_available += left
    made.affiliate.clawed_back += wanted
    entries = {"locked": left - wanted, "available": -left}
    moved = {account: amount for account, amount in entries.items() if amount}
    business.post(made.affiliate, "COMMISSION_CLAWED_BACK", **moved, commissions=wanted)


def refund_figures(business, affiliate):
    """(how many of the last 90 days' invoices count, how many of those were refunded)."""
    theirs = [each for each in business.invoices if each.affiliate is affiliate and each.number]
    affiliate.total_refunds = sum(bool(each.refunded) for each in theirs)
    recent = [each for each in theirs if each.paid_at > business.now - 90 * DAY]
    refunded = sum(bool(each.refunded) for each in recent)
    exact = Fraction(refunded, len(recent)) if recent else Fraction(0)
    affiliate.refund_rate = Fraction(half_up(exact * 10_000), 10_000)
    return len(recent), exact


def look_at_risks(business):
    """Up at once where the figures say so, down one level a night after thirty calm days.

    Too few invoices say nothing: a level that a person set then stays as it is, one that the
    figures set still goes down.
    """
    for affiliate in business.affiliates.values():
        count, rate = refund_figures(business, affiliate)
        counts = count >= 10
        if counts or affiliate.by_figures:
            for level, begins_at in BEGINS_AT_RATE.items():
                if rate >= begins_at:
                    affiliate.calm_since[level] = None
                else:
                    affiliate.calm_since[level] = affiliate.calm_since.get(level) or business.now
        place = LEVELS.index(affiliate.level)
        reached = next(
            (each for each in ("HIGH_RISK", "AT_RISK") if counts and rate >= BEGINS_AT_RATE[each]),
            "NORMAL",
        )
        if LEVELS.index(reached) > place:
            affiliate.level, affiliate.by_figures = reached, True
        elif place and (counts or affiliate.by_figures) and _has_been_calm(affiliate, business.now):
            affiliate.level, affiliate.by_figures = LEVELS[place - 1], True


def _has_been_calm(affiliate, now):
    since = affiliate.calm_since.get(affiliate.level)
    return since is not None and (local_day(now) - local_day(since)).days >= 30


def set_level(business, affiliate, level, relock):
    """What the owner says; commissions still locked may be locked longer, never shorter."""
    relocked = [
        _lock_longer(made, level)
        for made in business.commissions
        if relock and made.affiliate is affiliate and made.clawed < made.total
    ]
    if level != affiliate.level or any(relocked):
        affiliate.level, affiliate.by_figures, affiliate.calm_since = level, False, {}


def _lock_longer(made, level):
    _, main_days, _, extended_days = LOCKS[profile_of(level, made.age)]
    before = (made.main_at, made.extended_at)
    if made.main_out_at is None:
        made.main_at = max(made.main_at, made.earned_at + main_days * DAY)
    if made.extended_out_at is None:
        made.extended_at = max(made.extended_at, made.earned_at + extended_days * DAY)
    return before != (made.main_at, made.extended_at)
