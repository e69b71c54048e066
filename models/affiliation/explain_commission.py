"""Why a commission is what it is: facts read from what its computation kept, for people.

A fact is an English sentence of the catalogues with typed values; edges translate it and
write its amounts, dates and numbers as their reader does. Nothing is computed anew here:
the explanation that the commission keeps and the ledger's own entries are what is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models.affiliation.boost import BoostType
from models.affiliation.commission import Commission
from models.affiliation.explain_relocking import explain_relocking
from models.affiliation.fact import Cents, Fact, Value, Word
from models.affiliation.lock_rule import LockProfile
from models.affiliation.program import RateType
from models.affiliation.reckon_commission import PLAN, PROGRAM
from models.errors import N_
from models.ledger import Account, LedgerTransfer, TransferType


@dataclass(frozen=True, slots=True)
class Clawback:
    """One taking back, in cents. ``available_after`` is None where that account was not touched;
    below zero it is debt. The refund's figures are None where the transfer does not hold them."""

    at: datetime
    from_extended: int
    from_main: int
    from_available: int
    available_after: int | None
    refunded: int | None = None
    refunded_in_all: int | None = None
    paid: int | None = None

    @property
    def amount(self) -> int:
        return self.from_extended + self.from_main + self.from_available

    @property
    def debt_after(self) -> int:
        return max(0, -(self.available_after or 0))


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
CLAWED_FROM = (
    (
        "from_extended",
        N_("%(amount)s came out of the extended part, which was still locked."),
    ),
    ("from_main", N_("%(amount)s came out of the main part, which was still locked.")),
    ("from_available", N_("%(amount)s came out of what was already available.")),
)


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


def explain_clawback(clawback: Clawback, commission: Commission) -> list[Fact]:
    """What was refunded, the share it takes, from which part, and the debt it leaves."""
    facts = [_taken(clawback, commission)]
    for name, text in CLAWED_FROM:
        amount = getattr(clawback, name)
        if amount:
            facts.append(Fact(f"clawback_{name}", text, {"amount": Cents(amount)}))
    if clawback.debt_after:
        facts.append(
            Fact(
                "clawback_debt",
                N_(
                    "That left a debt of %(debt)s: commissions released later pay it down "
                    "before anything can be withdrawn."
                ),
                {"debt": Cents(clawback.debt_after)},
            )
        )
    return facts


def clawbacks_of(session: Session, commission_id: UUID) -> list[Clawback]:
    """Every taking back of a commission, oldest first, from the ledger."""
    transfers = session.scalars(
        select(LedgerTransfer)
        .where(
            LedgerTransfer.commission_id == commission_id,
            LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK,
        )
        .options(selectinload(LedgerTransfer.entries))
        .order_by(LedgerTransfer.seq)
    )
    return [_clawback(transfer) for transfer in transfers]


def _clawback(transfer: LedgerTransfer) -> Clawback:
    kept = transfer.extra
    taken = {entry.account: -entry.amount for entry in transfer.entries}
    after = {entry.account: entry.balance_after for entry in transfer.entries}
    locked = taken.get(Account.LOCKED, 0)
    extended = min(locked, int(kept.get("from_extended", locked)))
    return Clawback(
        at=transfer.created_at,
        from_extended=extended,
        from_main=locked - extended,
        from_available=taken.get(Account.AVAILABLE, 0),
        available_after=after.get(Account.AVAILABLE),
        refunded=kept.get("refunded"),
        refunded_in_all=kept.get("refunded_in_all"),
        paid=kept.get("paid"),
    )


def _taken(clawback: Clawback, commission: Commission) -> Fact:
    values: dict[str, Value] = {"at": clawback.at, "amount": Cents(clawback.amount)}
    if None in (clawback.refunded, clawback.refunded_in_all, clawback.paid):
        return Fact("clawback", N_("On %(at)s, %(amount)s was taken back."), values)
    values |= {
        "refunded": Cents(clawback.refunded or 0),
        "in_all": Cents(clawback.refunded_in_all or 0),
        "paid": Cents(clawback.paid or 0),
        "total": Cents(commission.total_amount),
    }
    if clawback.refunded == clawback.paid:
        text = N_(
            "On %(at)s the client was refunded %(refunded)s, the whole of the %(paid)s paid: "
            "what was left of the commission, %(amount)s, was taken back."
        )
    elif clawback.refunded_in_all == clawback.paid:
        text = N_(
            "On %(at)s the client was refunded %(refunded)s, which with the refunds before makes "
            "the whole of the %(paid)s paid: what was left of the commission, %(amount)s, was "
            "taken back."
        )
    else:
        text = N_(
            "On %(at)s the client was refunded %(refunded)s (%(in_all)s in all of the %(paid)s "
            "paid). The same share of %(total)s goes back: %(amount)s this time."
        )
    return Fact("clawback", text, values)


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
