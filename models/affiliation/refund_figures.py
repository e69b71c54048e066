"""How much of what affiliates brought is refunded: of the last 90 days, and of all time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, and_, bindparam, func, or_, select, text
from sqlalchemy.orm import Session

from models.affiliation.attribution import Attribution
from models.affiliation.profile import AffiliateProfile
from models.billing import Invoice, Refund
from models.billing.invoice import EVER_PAID
from models.billing.refund import GRANTED

LOOKED_AT = timedelta(days=90)
RATE = Decimal("0.0001")


@dataclass(frozen=True)
class RefundFigures:
    """Attributed paid invoices of the last 90 days, how many of them were refunded, whole or
    in part, and how many ever were. An invoice counts once."""

    invoices: int = 0
    refunded: int = 0
    refunded_ever: int = 0

    @property
    def rate(self) -> Decimal:
        """Refunded ÷ all of the last 90 days, to four decimals."""
        if not self.invoices:
            return Decimal(0)
        exact = Decimal(self.refunded) / Decimal(self.invoices)
        return exact.quantize(RATE, rounding=ROUND_HALF_UP)

    @property
    def kept(self) -> tuple[Decimal, int, int]:
        """What is written down of them, as in ``KEPT``."""
        return self.rate, self.invoices, self.refunded_ever

    def is_at_least(self, percent: int) -> bool:
        """Whether the exact rate, not the rounded one, reaches a percentage."""
        return self.invoices > 0 and self.refunded * 100 >= self.invoices * percent


def refund_figures(
    session: Session, *, now: datetime, affiliates: Collection[UUID]
) -> dict[UUID, RefundFigures]:
    """The figures of some affiliates; one statement.

    An invoice is its affiliate's whose attribution stood when it was paid, own purchases
    included, joinings whose days had passed excluded.
    """
    asked = {"since": now - LOOKED_AT, "affiliates": list(affiliates)}
    return {
        affiliate_id: RefundFigures(invoices, recent, ever)
        for affiliate_id, invoices, recent, ever in session.execute(_FIGURES, asked)
    }


def _figures() -> Any:
    granted = select(Refund.invoice_id).where(Refund.status.in_(GRANTED))
    refunded = granted.distinct().subquery("refunded")
    is_refunded = refunded.c.invoice_id.is_not(None)
    is_recent = Invoice.paid_at > bindparam("since", type_=DateTime(timezone=True))
    return (
        select(
            Attribution.affiliate_id,
            func.count().filter(is_recent),
            func.count().filter(is_recent, is_refunded),
            func.count().filter(is_refunded),
        )
        .join(
            Invoice,
            and_(
                Invoice.customer_id == Attribution.customer_id,
                Invoice.paid_at >= Attribution.bound_at,
                or_(Attribution.replaced_at.is_(None), Invoice.paid_at < Attribution.replaced_at),
                or_(
                    Attribution.converted_at.is_not(None),
                    Attribution.expires_at.is_(None),
                    Invoice.paid_at < Attribution.expires_at,
                ),
            ),
        )
        .outerjoin(refunded, refunded.c.invoice_id == Invoice.id)
        .where(
            Invoice.status.in_(EVER_PAID),
            or_(is_recent, Invoice.id.in_(granted)),  # of older ones only refunds are counted
            Attribution.affiliate_id.in_(bindparam("affiliates", expanding=True)),
        )
        .group_by(Attribution.affiliate_id)
    )


# Built once: it is asked each night and with each refund.
_FIGURES = _figures()


KEPT = (
    AffiliateProfile.refund_rate,
    AffiliateProfile.rated_invoices,
    AffiliateProfile.total_refunds,
)
"""Where an affiliate's figures are written down."""


def keep_figures(profile: AffiliateProfile, figures: RefundFigures) -> None:
    """Write an affiliate's figures down; the caller holds their profile's row."""
    profile.refund_rate, profile.rated_invoices, profile.total_refunds = figures.kept


def keep_all_figures(
    session: Session, figures: Mapping[UUID, RefundFigures], *, now: datetime
) -> None:
    """Write several affiliates' figures down in one statement; the caller holds their rows, and
    has not loaded them."""
    if not figures:
        return
    rates, invoices, refunds = zip(*(each.kept for each in figures.values()), strict=True)
    keys = [str(key) for key in figures]
    kept = {"keys": keys, "rates": list(rates), "invoices": list(invoices)}
    session.execute(_KEEP, kept | {"refunds": list(refunds), "now": now})


_KEEP = text("""
UPDATE affiliate_profiles
SET refund_rate = kept.rate, rated_invoices = kept.invoices, total_refunds = kept.refunds,
    updated_at = :now
FROM unnest(CAST(:keys AS uuid[]), CAST(:rates AS numeric[]), CAST(:invoices AS bigint[]),
    CAST(:refunds AS bigint[])) kept (affiliate_id, rate, invoices, refunds)
WHERE user_id = kept.affiliate_id
""")


def affiliates_of(session: Session, invoice: Invoice) -> Iterable[UUID]:
    """Whose figures an invoice may count in."""
    return session.scalars(
        select(Attribution.affiliate_id)
        .where(Attribution.customer_id == invoice.customer_id)
        .distinct()
        .order_by(Attribution.affiliate_id)
    ).all()
