"""Mails about commissions and risk: what was taken back, what was released, what to decide."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.alert_listeners import alert_owner
from models import clock
from models.accounts import MailTopic, User
from models.accounts.mail_choice import KINDS, wants_mail
from models.accounts.mail_user import mail_user
from models.affiliation import AffiliateProfile, Commission
from models.billing import Customer
from models.catalog import Product
from models.ledger import balances_of
from models.money import CURRENCY
from models.oversight import MailStatus, OutboxEvent, OutgoingMail

MATURED = KINDS[MailTopic.DIGEST]


def mail_clawed_back(session: Session, event: OutboxEvent) -> None:
    """What a refund took back of a commission, from where, and the debt it leaves."""
    commission = Commission.get(session, UUID(event.subject_id))
    user = User.get(session, commission.affiliate_id)
    product = session.scalars(
        select(Product).join(Customer).where(Customer.id == commission.customer_id)
    ).one()
    mail_user(
        session,
        user,
        "commission_clawed_back",
        {
            "product": product.name,
            "invoice": commission.explanation.get("invoice") or "",
            "currency": commission.currency,
            "total": commission.total_amount,
            "taken": event.data["clawed_amount"],
            "from_locked": event.data["from_locked_amount"],
            "from_available": event.data["from_available_amount"],
            "debt": balances_of(session, user.id).debt,
        },
        about=event.data["refund_id"],
    )


def mail_matured(session: Session, event: OutboxEvent) -> None:
    """What was released to an affiliate, as a digest of the week, sent on Monday morning.

    The digest that waits takes up whatever is released until then. Who wants none gets none.
    """
    affiliate_id = UUID(event.subject_id)
    if not wants_mail(session, affiliate_id, MailTopic.DIGEST):
        return
    waiting = session.scalar(
        select(OutgoingMail)
        .where(
            OutgoingMail.kind == MATURED,
            OutgoingMail.user_id == affiliate_id,
            OutgoingMail.status == MailStatus.QUEUED,
            OutgoingMail.attempts == 0,  # what is being sent has been rendered already
        )
        .order_by(OutgoingMail.id.desc())
        .limit(1)
        .with_for_update()
    )
    available = balances_of(session, affiliate_id).available
    said: dict[str, Any] = {
        "released": int(event.data["released_amount"]),
        "count": int(event.data["parts"]),
        "available": max(0, available),
        "debt": max(0, -available),
        "currency": CURRENCY,
    }
    if waiting is not None:
        before = waiting.context
        said["released"] += int(before["released"])
        said["count"] += int(before["count"])
        waiting.context = said
        return
    user = User.get(session, affiliate_id)
    at = next_digest(clock.now())
    mail_user(session, user, MATURED, said, about=event.id, not_before=at)


def next_digest(now: datetime) -> datetime:
    """The next Monday at nine, Paris time, after an instant."""
    here = clock.paris(now)
    monday = here.date() + timedelta(days=-here.weekday() % 7)
    at_nine = datetime.combine(monday, time(9), tzinfo=here.tzinfo)
    return at_nine if at_nine > now else at_nine + timedelta(days=7)


def alert_risk_decision(session: Session, event: OutboxEvent) -> None:
    """Ask the owner to decide on an affiliate's level, which the figures may only ask for."""
    profile = AffiliateProfile.get(session, UUID(event.subject_id))
    said = {
        "refunded": int(event.data["refunded_invoices"]),
        "invoices": int(event.data["invoices"]),
    }
    alert_owner(session, "risk_decision", profile.affiliate_slug, key=str(event.id), said=said)
