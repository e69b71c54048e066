"""Dropping an affiliate's kept figures once a commission, clawback or payout touches them."""

from sqlalchemy.orm import Session

from models.affiliation.own_figures import forget_figures
from models.oversight import OutboxEvent


def drop_figures(session: Session, event: OutboxEvent) -> None:
    """Let the affiliate's pages read their figures anew; a second call does no harm."""
    affiliate_id = event.data.get("affiliate_id")
    if affiliate_id:
        forget_figures(str(affiliate_id))
