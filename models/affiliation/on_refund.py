"""Affiliation's part in a refund, within its transaction: what goes back, and the figures."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.affiliation.claw_back import claw_back, commission_of
from models.affiliation.profile import AffiliateProfile
from models.affiliation.refund_figures import (
    RefundFigures,
    affiliates_of,
    keep_figures,
    refund_figures,
)
from models.billing import Invoice, Refund
from models.billing.signals import refund_approved
from models.oversight import Actor


@refund_approved.connect
def take_back(
    _sender: object,
    *,
    session: Session,
    refund: Refund,
    invoice: Invoice,
    refunded_in_all: int,
    actor: Actor,
    now: datetime,
    **_more: Any,
) -> None:
    """Count the refund in the affiliate's figures, then claw the commission back.

    Rows are locked as everywhere: the commission, then the profile, then the ledger's head.
    """
    commission_of(session, invoice.id)
    count_refund(session, invoice, now=now)
    claw_back(
        session,
        invoice=invoice,
        refund=refund,
        refunded_in_all=refunded_in_all,
        actor=actor,
        now=now,
    )


def count_refund(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """Bring the figures of whoever brought this invoice's customer up to date."""
    keys = list(affiliates_of(session, invoice))
    if not keys:
        return
    profiles = AffiliateProfile.held_all(session, keys)
    figures = refund_figures(session, now=now, affiliates=keys)
    for profile in profiles:
        keep_figures(profile, figures.get(profile.user_id, RefundFigures()))
    session.flush()
