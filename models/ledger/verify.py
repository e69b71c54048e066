"""The proof: every balance, chain and sum recomputed, and held against what others claim.

Rows are streamed in the order of affiliates and entries, so that memory does not grow with
the ledger; the first difference ends the proof and names its row.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, or_, select, text
from sqlalchemy.orm import Session

from models.ledger.chain import GENESIS, canonical, link
from models.ledger.proof_rows import chain_heads, chained_entries, stream
from models.ledger.transfer import (
    OF_AFFILIATE,
    Account,
    LedgerAccount,
    LedgerEntry,
    LedgerHead,
    LedgerTransfer,
)
from models.money import CURRENCY


@dataclass(frozen=True)
class Claim:
    """What another area's rows say an account must hold: one ``(affiliate_id, amount)`` each."""

    account: Account
    source: str
    statement: Any


@dataclass(frozen=True)
class Check:
    """Rows of another area that the ledger does not bear out: ``(affiliate_id, words)`` each."""

    statement: Any


@dataclass(frozen=True)
class Report:
    """What a proof found. ``head`` combines every affiliate's last hash, in their keys' order."""

    transfers: int
    entries: int
    affiliates: int
    head: str
    difference: str | None = None
    affiliate_id: UUID | None = None

    @property
    def ok(self) -> bool:
        return self.difference is None


class Difference(Exception):
    """The first row that is not what it must be. Never leaves this module."""

    def __init__(self, affiliate_id: UUID | str | None, words: str) -> None:
        self.affiliate_id = None if affiliate_id is None else UUID(str(affiliate_id))
        super().__init__(words)


@dataclass
class Proof:
    """The running figures of one proof, across affiliates."""

    transfers: int = 0
    entries: int = 0
    affiliates: int = 0
    heads: Any = field(default_factory=hashlib.sha256)
    unclaimed: Difference | None = None


def verify_ledger(
    session: Session, *, claims: Sequence[Claim] = (), checks: Sequence[Check] = ()
) -> Report:
    """Recompute the whole ledger and compare. Reads only; finding a difference is an answer.

    The ledger itself comes first, then the other areas' rows, then their sums: what is told
    is the smallest thing that is wrong. Where the session's transaction has not begun,
    everything is read from one snapshot, so that postings made meanwhile are no differences.
    """
    _read_one_snapshot(session)
    proof, found = Proof(), None
    try:
        _no_transfer_is_empty(session)
        _no_account_is_strange(session)
        _every_chain_holds(session, proof, claims)
        _rows_agree(session, checks)
        if proof.unclaimed is not None:
            raise proof.unclaimed
    except Difference as difference:
        found = difference
    return Report(
        transfers=proof.transfers,
        entries=proof.entries,
        affiliates=proof.affiliates,
        head=proof.heads.hexdigest(),
        difference=str(found) if found else None,
        affiliate_id=found.affiliate_id if found else None,
    )


def _read_one_snapshot(session: Session) -> None:
    if isinstance(session.get_bind(), Engine) and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("SET LOCAL statement_timeout = 0"))  # a proof takes what it takes


def _no_transfer_is_empty(session: Session) -> None:
    empty = session.execute(
        select(LedgerTransfer.id, LedgerTransfer.affiliate_id)
        .outerjoin(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .where(LedgerEntry.seq.is_(None))
        .order_by(LedgerTransfer.seq)
        .limit(1)
    ).first()
    if empty:
        raise Difference(empty.affiliate_id, f"ledger_transfers {empty.id} has no entries")


def _no_account_is_strange(session: Session) -> None:
    strange = session.execute(
        select(LedgerAccount.affiliate_id, LedgerAccount.account, LedgerAccount.currency)
        .outerjoin(LedgerHead, LedgerHead.affiliate_id == LedgerAccount.affiliate_id)
        .where(or_(LedgerHead.affiliate_id.is_(None), LedgerAccount.currency != CURRENCY))
        .order_by(LedgerAccount.affiliate_id, LedgerAccount.account)
        .limit(1)
    ).first()
    if strange:
        row = f"ledger_accounts {strange.affiliate_id} {strange.account}"
        is_ours = strange.currency == CURRENCY
        wrong = "has no ledger_heads" if is_ours else f"is in {strange.currency}, not {CURRENCY}"
        raise Difference(strange.affiliate_id, f"{row} {wrong}")


def _rows_agree(session: Session, checks: Sequence[Check]) -> None:
    for check in checks:
        wrong = session.execute(check.statement.limit(1)).first()
        if wrong is not None:
            raise Difference(wrong.affiliate_id, wrong.words)


def _every_chain_holds(session: Session, proof: Proof, claims: Sequence[Claim]) -> None:
    heads = stream(session, chain_heads(claim.statement for claim in claims))
    rows = stream(session, chained_entries())
    for affiliate_id, entries in groupby(rows, lambda e: e.affiliate_id):
        head = next(heads, None)
        while head is not None and head.affiliate_id != affiliate_id:
            _affiliate_agrees(head, Chain(), proof, claims)
            head = next(heads, None)
        if head is None:
            raise Difference(affiliate_id, f"ledger_heads {affiliate_id} is missing")
        chain = Chain()
        for entry in entries:
            chain.take(entry)
            proof.entries += 1
            proof.transfers += chain.begins_transfer
        chain.close()
        _affiliate_agrees(head, chain, proof, claims)
    for head in heads:
        _affiliate_agrees(head, Chain(), proof, claims)


class Chain:
    """One affiliate's entries, taken in order: the last hash, the sums, the open transfer."""

    def __init__(self) -> None:
        self.hash = GENESIS
        self.position = 0
        self.balances = dict.fromkeys(Account, 0)
        self.begins_transfer = False
        self._transfer: Any = None
        self._transfer_seq = 0
        self._open: dict[str, int] = {}

    def take(self, entry: Any) -> None:
        """Check one entry against all before it. Raises Difference."""
        self.begins_transfer = self._transfer is None or entry.transfer_id != self._transfer
        if self.begins_transfer:
            self.close()
            self._transfer, self._affiliate_id = entry.transfer_id, entry.affiliate_id
        self.position += 1
        self.balances[entry.account] += entry.amount
        self._open[entry.currency] = self._open.get(entry.currency, 0) + entry.amount
        if entry.id is None:
            raise self._wrong(entry, "has no transfer")
        if entry.transfer_affiliate_id != entry.affiliate_id:
            raise self._wrong(entry, "is of another affiliate than its transfer")
        if entry.transfer_seq < self._transfer_seq:
            raise self._wrong(entry, f"has its transfer at seq {entry.transfer_seq}, out of order")
        self._transfer_seq = entry.transfer_seq
        kept = self.balances[entry.account] if entry.account in OF_AFFILIATE else None
        if entry.balance_after != kept:
            raise self._wrong(entry, f"balance_after is {entry.balance_after}, not {kept}")
        if entry.prev_hash != self.hash:
            raise self._wrong(entry, "does not follow the entry before it")
        if entry.hash != link(self.hash, canonical(entry, self.position)):
            raise self._wrong(entry, "or its transfer was changed: the hash differs")
        self.hash = entry.hash

    def close(self) -> None:
        """End the open transfer, whose entries must sum to zero. Raises Difference."""
        for currency, amount in self._open.items():
            if amount:
                raise Difference(
                    self._affiliate_id,
                    f"ledger_transfers {self._transfer} sums to {amount} {currency}, not 0",
                )
        self._open = {}

    def _wrong(self, entry: Any, words: str) -> Difference:
        where = f"ledger_entries seq {entry.seq} (transfer {entry.transfer_id}, {entry.account})"
        return Difference(entry.affiliate_id, f"{where} {words}")


def _affiliate_agrees(head: Any, chain: Chain, proof: Proof, claims: Sequence[Claim]) -> None:
    """Hold an affiliate's head, running balances and claims against its chain."""
    affiliate_id = head.affiliate_id
    if (head.hash, head.entries) != (chain.hash, chain.position):
        raise Difference(
            affiliate_id,
            f"ledger_heads {affiliate_id} says {head.entries} entries ending in {head.hash}, "
            f"the entries say {chain.position} ending in {chain.hash}",
        )
    for account in OF_AFFILIATE:
        _same(affiliate_id, account, "its row", getattr(head, account), chain.balances[account])
    for number, claim in enumerate(claims):
        claimed = int(getattr(head, f"claim_{number}") or 0)
        try:
            _same(affiliate_id, claim.account, claim.source, claimed, chain.balances[claim.account])
        except Difference as unclaimed:
            proof.unclaimed = proof.unclaimed or unclaimed
    proof.affiliates += 1
    if chain.position:
        proof.heads.update(chain.hash.encode())


def _same(affiliate_id: str, account: Account, source: str, said: int | None, sum_: int) -> None:
    if said != sum_:
        raise Difference(
            affiliate_id,
            f"ledger_accounts {affiliate_id} {account}: {source} says {said}, "
            f"the entries sum to {sum_}",
        )


__all__ = ["Check", "Claim", "Report", "verify_ledger"]
