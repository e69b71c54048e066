"""What the demo's affiliates and owner do: boosts, guilds, risk, and money that leaves by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from jobs.simulation.demo_catalog import AFFILIATES
from jobs.simulation.events import (
    Adjust,
    Buy,
    Click,
    CreateBoost,
    DecideWithdrawal,
    Event,
    JoinGuild,
    Pay,
    RedeemBoost,
    Refund,
    Reject,
    SetRisk,
    Withdraw,
)

GUILDS = ("community-academy", "tbcb")
WITHDRAWALS = (
    ("alice", 75, 15000, "paid"),
    ("karim", 80, 10000, "paid"),
    ("ines", 96, 8000, "rejected"),
    ("alice", 110, 20000, "paid"),
    ("hugo-ventes", 112, 6000, "cancelled"),
    ("karim", 126, 12500, "paid"),
    ("ines", 130, 10000, "paid"),
    ("hugo-ventes", 140, 8000, "paid"),
    ("alice", 150, 25000, "paid"),
    ("salome", 158, 6000, "rejected"),
    ("ines", 168, 12000, "paid"),
    ("karim", 176, 15000, "approved"),
    ("hugo-ventes", 178, 9000, "approved"),
    ("alice", 180, 30000, "asked"),
    ("ines", 181, 7000, "asked"),
)
"""(affiliate, day, cents, how it ends); what their balance does not cover is refused."""

Moment = tuple[datetime, Event]


def affiliates_story(start: datetime, until: datetime) -> Iterator[Moment]:
    """Everything that does not hang on one purchase, from the first day to the last."""

    def on(day: int, hour: int = 10) -> datetime:
        return start + timedelta(days=day, hours=hour)

    yield from _guilds(on(1))
    yield from _boosts(start)
    for number, (slug, day, amount, end) in enumerate(WITHDRAWALS):
        yield from _withdrawal(f"w{number}", slug, on(day), amount, end)
    yield from _debt(start)
    yield on(90), _adjusted("lea-studio", 5000, "Prime de bienvenue oubliée")
    yield on(120), _adjusted("karim", -1500, "Frais de virement refacturés")
    yield on(160), _risk("salome", "AT_RISK", "Plusieurs remboursements le même week-end")
    yield on(165), _risk("theo-crypto", "HIGH_RISK", "Trafic acheté, à surveiller", relock=True)
    yield on(176), _risk("max-promo", "EXTREME_RISK", "Faux témoignages signalés par des clients")


def _guilds(at: datetime) -> Iterator[Moment]:
    for number, (_, email, *_rest) in enumerate(AFFILIATES):
        guild = GUILDS[number % len(GUILDS)]
        yield (
            at + timedelta(minutes=7 * number),
            JoinGuild(at="+0d", do="join_guild", email=email, guild=guild),
        )


def _boosts(start: datetime) -> Iterator[Moment]:
    codes = (
        (5, "LANCEMENT10", "percentage_increase", "10", 35),
        (70, "BONUS-5", "flat_bonus", "500", 60),
        (140, "RENTREE15", "percentage_increase", "15", None),
    )
    for day, code, kind, value, lasts in codes:
        at = start + timedelta(days=day)
        until = None if lasts is None else (at + timedelta(days=lasts)).isoformat()
        boost = {
            "at": "+0d",
            "do": "create_boost",
            "code": code,
            "type": kind,
            "value": value,
            "valid_until": until,
            "max_uses": 20,
        }
        yield at, CreateBoost.model_validate(boost)
        for number, slug in enumerate(("alice", "karim", "lea-studio")[: 1 + day // 70]):
            redeemed = at + timedelta(days=1, hours=number)
            yield (
                redeemed,
                RedeemBoost(at="+0d", do="redeem_boost", affiliate=slug, code=code),
            )


def _withdrawal(name: str, slug: str, at: datetime, amount: int, end: str) -> Iterator[Moment]:
    """A request, and what the owner makes of it two days later."""
    asked = {"at": "+0d", "do": "withdraw", "affiliate": slug, "amount": amount, "as": name}
    yield at, Withdraw.model_validate(asked)
    about = {"at": "+0d", "withdrawal": name}
    decided, paid = at + timedelta(days=1, hours=4), at + timedelta(days=2, hours=1)
    if end == "cancelled":
        cancelled = DecideWithdrawal.model_validate({**about, "do": "cancel_withdrawal"})
        yield at + timedelta(hours=3), cancelled
    elif end == "rejected":
        why = "Le titulaire du compte n'est pas celui du profil."
        yield decided, Reject.model_validate({**about, "do": "reject", "reason": why})
    elif end in ("approved", "paid"):
        yield decided, DecideWithdrawal.model_validate({**about, "do": "approve"})
    if end == "paid":
        reference = f"VIR-{paid:%Y-%m-%d}-{name}"
        yield paid, Pay.model_validate({**about, "do": "pay", "reference": reference})


def _debt(start: datetime) -> Iterator[Moment]:
    """A large sale that is paid out and then refunded: the affiliate owes it back."""
    email, visitor = "gaspard.grand@example.org", "grand"

    def on(day: int, hour: int = 9) -> datetime:
        return start + timedelta(days=day, hours=hour)

    yield on(20), Click(at="+0d", do="click", visitor=visitor, ref="theo-crypto")
    yield (
        on(20, 10),
        Buy(
            at="+0d",
            do="buy",
            visitor=visitor,
            email=email,
            button="tbcb-inner-circle-lifetime",
            card="4242424242424242",
        ),
    )
    yield from _withdrawal("theo", "theo-crypto", on(118), 16000, "paid")
    yield (
        on(145),
        Refund(
            at="+0d",
            do="refund",
            email=email,
            product="tbcb-inner-circle",
            invoice=1,
            reason="Contenu jamais livré par l'affilié",
        ),
    )


def _adjusted(slug: str, amount: int, reason: str) -> Adjust:
    return Adjust(at="+0d", do="adjust", affiliate=slug, amount=amount, reason=reason)


def _risk(slug: str, level: str, note: str, *, relock: bool = False) -> SetRisk:
    said = {"at": "+0d", "do": "set_risk", "affiliate": slug, "level": level, "note": note}
    return SetRisk.model_validate({**said, "relock": relock})
