"""Why a commission is what it is: facts read from what its computation kept, for people.

A fact is an English sentence of the catalogues with typed values; edges translate it and
write its amounts, dates and numbers as their reader does. Nothing is computed anew here:
the explanation that the commission keeps and the ledger's own entries are what is told.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from models.affiliation.boost import BoostType
from models.affiliation.commission import Commission
from models.affiliation.explain_clawback import Clawback, explain_clawback
from models.affiliation.explain_relocking import explain_relocking
from models.affiliation.fact import Cents, Fact, Value, Word
from models.affiliation.lock_rule import LockProfile
from models.affiliation.program import RateType
from models.affiliation.reckon_commission import PLAN, PROGRAM
from models.errors import N_

PROFILE_WORDS = {
    LockProfile.NEW: N_("New"),
    LockProfile.RECENT: N_("Recent"),
    LockProfile.VALIDATED: N_("Validated"),
    LockProfile.TRUSTED: N_("Trusted"),
    LockProfile.AT_RISK: N_("At risk"),
    LockProfile.HIGH_RISK: N_("High risk"),
    LockProfile.EXTREME_RISK: N_("Extreme risk"),
}
RATE_SOURCES = {PLAN: N_("The plan's own rate"), PROGRAM: N_("The program's rate")}


def explain_commission(commission: Commission, clawbacks: Sequence[Clawback] = ()) -> list[Fact]:
    """Base, rate, parts, dates, each locking anew and taking back, in the order a reader asks."""
    notes: dict[str, Any] = dict(commission.explanation or {})
    facts = [_base(commission), _rate(commission, notes), *_boost(commission, notes)]
    facts += [*_why_so(commission, notes), *_profile(notes), *_parts(commission)]
    facts += explain_relocking(commission)
    for clawback in clawbacks:
        facts += explain_clawback(clawback, commission)
    if commission.clawed_back_amount and len(clawbacks) != 1:
        facts.append(
            Fact(
                "clawed_back",
                N_("Taken back so far: %(a)s."),
                {"a": Cents(commission.clawed_back_amount)},
            )
        )
    if commission.paid_amount:
        facts.append(
            Fact("paid", N_("Paid out so far: %(a)s."), {"a": Cents(commission.paid_amount)})
        )
    return facts


def _base(commission: Commission) -> Fact:
    return Fact(
        "base",
        N_("The invoice comes to %(base)s without tax: that is the base."),
        {"base": Cents(commission.base_amount)},
    )


def _rate(commission: Commission, notes: Mapping[str, Any]) -> Fact:
    """The rate; with what it comes to, unless a boost or the cap, told next, changes that."""
    total, rate = Cents(commission.total_amount), _own_rate(commission, notes)
    goes_on = notes.get("boost") or notes.get("capped")
    if commission.rate_type is RateType.FIXED:
        if goes_on:
            text = N_("The program pays a fixed amount, %(amount)s.")
            return Fact("rate", text, {"amount": Cents(int(rate))})
        text = N_("The program pays a fixed amount, so the commission is %(total)s.")
        return Fact("rate", text, {"total": total})
    source = Word(RATE_SOURCES.get(str(notes.get("rate_source")), N_("The rate")))
    if goes_on:
        text = N_("%(source)s is %(rate)s %%.")
        return Fact("rate", text, {"source": source, "rate": rate})
    text = N_("%(source)s is %(rate)s %%, rounded half-up to the cent: %(total)s.")
    return Fact("rate", text, {"source": source, "rate": rate, "total": total})


def _own_rate(commission: Commission, notes: Mapping[str, Any]) -> Decimal:
    """The rate that the plan or program gave, before any boost."""
    return Decimal(str(notes.get("rate") or commission.rate_applied))


def _boost(commission: Commission, notes: Mapping[str, Any]) -> list[Fact]:
    """What a boost code added, in points or cents, and what all of it comes to, before any cap."""
    boost = notes.get("boost")
    if not boost:
        return []
    values: dict[str, Value] = {"code": str(boost["code"])}
    has_points = not (
        boost["boost_type"] == BoostType.FLAT_BONUS or commission.rate_type is RateType.FIXED
    )
    if has_points:
        values |= {
            "points": Decimal(str(boost["boost_value"])),
            "rate": commission.rate_applied,
        }
    if notes.get("capped"):
        values["uncapped"] = Cents(int(notes["uncapped_amount"]))
        text = BOOSTED_BEYOND[has_points]
    else:
        values["added"] = Cents(int(boost["boost_amount"]))
        values["total"] = Cents(commission.total_amount)
        text = BOOSTED[has_points]
    return [Fact("boost", text, values)]


BOOSTED = {
    True: N_(
        "The boost %(code)s added %(points)s points. At %(rate)s %%, rounded half-up to the "
        "cent, the commission is %(total)s: %(added)s more."
    ),
    False: N_("The boost %(code)s added %(added)s, so the commission is %(total)s."),
}
BOOSTED_BEYOND = {
    True: N_(
        "The boost %(code)s added %(points)s points. At %(rate)s %%, rounded half-up to the "
        "cent, that would be %(uncapped)s."
    ),
    False: N_("With the boost %(code)s that would be %(uncapped)s."),
}
"""What a boost did, by whether it added points: up to the base, and beyond it."""


def _why_so(commission: Commission, notes: Mapping[str, Any]) -> list[Fact]:
    facts = []
    if notes.get("capped"):
        text = N_("It was capped: a commission never exceeds its base, so it is %(total)s.")
        facts.append(Fact("capped", text, {"total": Cents(commission.total_amount)}))
    told = {
        "from_free_product": N_(
            "The client came to a free product first, by this affiliate's link."
        ),
        "self_referral": N_("It is the affiliate's own purchase."),
    }
    return facts + [Fact(kind, text) for kind, text in told.items() if notes.get(kind)]


def _profile(notes: Mapping[str, Any]) -> list[Fact]:
    if not notes.get("lock_profile"):
        return []
    profile = LockProfile(notes["lock_profile"])
    return [
        Fact(
            "lock_profile",
            N_(
                "Lock profile: “%(profile)s”, day %(age)s since the first commission, by "
                "version %(version)s of the lock rules."
            ),
            {
                "profile": Word(PROFILE_WORDS[profile]),
                "age": int(notes.get("age_days") or 0),
                "version": str(notes.get("lock_rule_version")),
            },
        )
    ]


def _parts(commission: Commission) -> list[Fact]:
    return [
        Fact(
            "main_part",
            N_("The main part, %(amount)s, waits %(days)s days and unlocks on %(at)s."),
            {
                "amount": Cents(commission.main_amount),
                "days": commission.main_lock_days,
                "at": commission.locked_until,
            },
        ),
        Fact(
            "extended_part",
            N_("The extended part, %(amount)s, waits %(days)s days and unlocks on %(at)s."),
            {
                "amount": Cents(commission.extended_amount),
                "days": commission.extended_lock_days,
                "at": commission.extended_locked_until,
            },
        ),
    ]
