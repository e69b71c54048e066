"""How long joining something free binds a person to the affiliate who brought them."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.affiliation.choose_lock import choose_lock
from models.affiliation.lock_rule import LockProfile
from models.affiliation.profile import AffiliateProfile

DAYS = {
    LockProfile.NEW: 30,
    LockProfile.RECENT: 40,
    LockProfile.VALIDATED: 50,
    LockProfile.TRUSTED: 60,
}
AT_ANY_RISK = 30


def free_days(session: Session, affiliate: AffiliateProfile, *, at: datetime) -> timedelta:
    """30, 40, 50 or 60 24-hour days by the affiliate's age; 30 at any risk above NORMAL."""
    profile = choose_lock(session, affiliate, at=at).rule.profile
    return timedelta(days=DAYS.get(profile, AT_ANY_RISK))
