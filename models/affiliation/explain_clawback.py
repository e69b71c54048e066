"""Why something of a commission was taken back: the refund, its share, from where, what debt it
left. Facts as ``explain_commission`` tells them, read from the ledger's own entries.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models.affiliation.commission import Commission
from models.affiliation.fact import Cents, Fact, Value
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


CLAWED_FROM = (
    (
        "from_extended",
        N_("%(amount)s came out of the extended part, which was still locked."),
    ),
    ("from_main", N_("%(amount)s came out of the main part, which was still locked.")),
    ("from_available", N_("%(amount)s came out of what was already available.")),
)


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
