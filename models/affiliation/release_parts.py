"""Releasing parts of commissions: from LOCKED to AVAILABLE, many in a few statements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.affiliation.commission import Commission
from models.ids import new_id
from models.oversight import Actor


@dataclass(frozen=True)
class Part:
    """One of the two parts, as columns of the commission."""

    name: str
    due_at: Any
    matured_at: Any
    left: Any


PARTS = (
    Part(
        "main",
        Commission.locked_until,
        Commission.main_matured_at,
        Commission.main_amount - Commission.clawed_from_main,
    ),
    Part(
        "extended",
        Commission.extended_locked_until,
        Commission.extended_matured_at,
        Commission.extended_amount - Commission.clawed_from_extended,
    ),
)


@dataclass(frozen=True)
class DueParts:
    """Commissions by part, as PostgreSQL writes its arrays: nobody here looks inside."""

    count: int
    main: str
    extended: str


@dataclass(frozen=True)
class Released:
    """What one affiliate was released, in parts and cents."""

    affiliate_id: UUID
    parts: int
    amount: int


HOLD_DUE = text("""
WITH due AS MATERIALIZED (
    (SELECT id, 1 AS part, locked_until AS due_at FROM affiliate_commissions
     WHERE main_matured_at IS NULL AND status <> 'CLAWED_BACK' AND locked_until <= :now
     ORDER BY locked_until, id LIMIT :most)
    UNION ALL
    (SELECT id, 2, extended_locked_until FROM affiliate_commissions
     WHERE extended_matured_at IS NULL AND status <> 'CLAWED_BACK'
         AND extended_locked_until <= :now
     ORDER BY extended_locked_until, id LIMIT :most)
    ORDER BY due_at, id, part LIMIT :most
), held AS MATERIALIZED (
    SELECT FROM affiliate_commissions WHERE id IN (SELECT id FROM due) ORDER BY id FOR UPDATE
)
SELECT count(*), coalesce(array_agg(id) FILTER (WHERE part = 1), '{}')::text,
    coalesce(array_agg(id) FILTER (WHERE part = 2), '{}')::text,
    (SELECT count(*) FROM held)
FROM due
""")

RELEASE = text("""
WITH picked AS (
    SELECT id, bool_or(part = 1) AS main, bool_or(part = 2) AS extended
    FROM (SELECT unnest(CAST(:main AS uuid[])) AS id, 1 AS part
          UNION ALL SELECT unnest(CAST(:extended AS uuid[])), 2) parts
    GROUP BY id
), moved AS (
    UPDATE affiliate_commissions c SET
        main_matured_at = CASE WHEN p.main THEN coalesce(c.main_matured_at, :now)
            ELSE c.main_matured_at END,
        extended_matured_at = CASE WHEN p.extended THEN coalesce(c.extended_matured_at, :now)
            ELSE c.extended_matured_at END,
        status = CASE WHEN c.status = 'PAID' THEN 'PAID'
            WHEN p.extended OR c.extended_matured_at IS NOT NULL THEN 'MATURED'
            ELSE 'PARTIALLY_MATURED' END,
        updated_at = :now
    FROM picked p
    WHERE c.id = p.id AND c.status <> 'CLAWED_BACK'
        AND (p.main AND c.main_matured_at IS NULL
             OR p.extended AND c.extended_matured_at IS NULL)
    RETURNING c.id, c.affiliate_id, c.invoice_id, c.currency,
        c.main_amount - c.clawed_from_main AS main_left, c.locked_until,
        p.main AND old.main_matured_at IS NULL AS main,
        c.extended_amount - c.clawed_from_extended AS extended_left, c.extended_locked_until,
        p.extended AND old.extended_matured_at IS NULL AS extended
), parts AS (
    SELECT m.*, part.name, part.amount,
        row_number() OVER (ORDER BY part.due_at, m.id, part.name DESC) AS n
    FROM moved m CROSS JOIN LATERAL (VALUES
        ('main', m.main, m.main_left, m.locked_until),
        ('extended', m.extended, m.extended_left, m.extended_locked_until)
    ) part (name, is_due, amount, due_at)
    WHERE part.is_due AND part.amount > 0
), posted AS (
    SELECT count(*) FROM ledger_post((
        SELECT array_agg(ROW(keys.id, 'COMMISSION_MATURED', p.affiliate_id,
            'commission-matured:' || p.id || ':' || p.name, :now, coalesce(i.number, ''), p.id,
            NULL, NULL, CAST(:actor AS uuid), jsonb_build_object('part', p.name), p.currency,
            -p.amount, p.amount, NULL, NULL, NULL, NULL, NULL)::ledger_posting ORDER BY p.n)
        FROM parts p JOIN invoices i ON i.id = p.invoice_id
        JOIN unnest(CAST(:keys AS uuid[])) WITH ORDINALITY keys (id, n) ON keys.n = p.n))
)
SELECT totals.affiliate_id, totals.parts, totals.amount FROM (
    SELECT affiliate_id, count(*) AS parts, sum(amount)::bigint AS amount FROM parts
    GROUP BY affiliate_id) totals
CROSS JOIN posted ORDER BY totals.affiliate_id
""")


def hold_due_parts(session: Session, *, now: datetime, most: int) -> DueParts:
    """The oldest parts whose day has come, of commissions not wholly clawed back, which are
    locked in the order of their keys. Who held one first may have released its part."""
    count, main, extended, _held = session.execute(HOLD_DUE, {"now": now, "most": most}).one()
    return DueParts(count, main, extended)


def release_parts(
    session: Session, parts: DueParts, *, actor: Actor, now: datetime
) -> list[Released]:
    """Release those of the held parts that still wait; a second call releases nothing.

    A part that was clawed back to its last cent is over without a transfer. What is
    available pays a debt down by itself.
    """
    session.flush()
    keys = "{" + ",".join(str(new_id()) for _ in range(parts.count)) + "}"
    rows = session.execute(
        RELEASE,
        {
            "main": parts.main,
            "extended": parts.extended,
            "keys": keys,
            "now": now,
            "actor": str(actor.user_id) if actor.user_id else None,
        },
    )
    released = [Released(affiliate_id, count, amount) for affiliate_id, count, amount in rows]
    session.expire_all()
    return released
