"""Own purchases: how we know that an affiliate buys through their own link."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.accounts import User
from models.affiliation.profile import AffiliateProfile
from models.billing import Customer, PaymentMethod

SAME_USER = "same_user"
SAME_EMAIL = "same_email"
SAME_CARD = "same_card"


def evidence_of_self_referral(
    session: Session, affiliate: AffiliateProfile, buyer: User, card_fingerprint: str | None
) -> str | None:
    """Why this buyer is the affiliate: same user, address or card; None where nothing says so.

    The affiliate's address was proved when they signed in; a buyer who types it counts even
    before proving it, or guest checkouts would be a way around.
    """
    if buyer.id == affiliate.user_id:
        return SAME_USER
    person = User.get(session, affiliate.user_id)
    if buyer.email.lower() == person.email.lower():
        return SAME_EMAIL
    if card_fingerprint and _paid_with(session, person, card_fingerprint):
        return SAME_CARD
    return None


def _paid_with(session: Session, person: User, card_fingerprint: str) -> bool:
    """Whether a person, on either platform, has this card."""
    theirs = (
        select(PaymentMethod.id)
        .join(Customer, Customer.id == PaymentMethod.customer_id)
        .join(User, User.id == Customer.user_id)
        .where(
            PaymentMethod.card_fingerprint == card_fingerprint,
            or_(User.id == person.id, func.lower(User.email) == person.email.lower()),
        )
    )
    return session.scalar(theirs.limit(1)) is not None
