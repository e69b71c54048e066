"""Flagging own purchases on the attribution that a purchase or a joining makes."""

from sqlalchemy.orm import Session

from models.accounts import User
from models.affiliation.attribution import Attribution
from models.affiliation.profile import AffiliateProfile
from models.affiliation.self_referral import evidence_of_self_referral


def flag_own_purchase(
    session: Session, bound: Attribution, *, card_fingerprint: str | None
) -> Attribution:
    """Mark an attribution whose buyer is the affiliate, with what says so; once marked it stays."""
    if bound.self_referral:
        return bound
    evidence = evidence_of_self_referral(
        session,
        AffiliateProfile.get(session, bound.affiliate_id),
        User.get(session, bound.user_id),
        card_fingerprint,
    )
    bound.self_referral = evidence is not None
    bound.self_referral_evidence = evidence
    return bound
