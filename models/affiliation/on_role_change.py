"""Affiliation's part in a change of role: AFFILIATE is who has a profile, CLIENT who has none."""

from typing import Any

from sqlalchemy.orm import Session

from models.accounts import Platform, User, UserType
from models.accounts.signals import role_changing
from models.affiliation.become_affiliate import NotOnWeokto
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, DomainError


class NoAffiliateProfile(DomainError):
    code = "no_affiliate_profile"
    message = N_(
        "This person has no affiliate profile. They make one on their own page, with a link name,"
        " and get the role with it."
    )


class HasAffiliateProfile(DomainError):
    code = "has_affiliate_profile"
    message = N_(
        "This person has an affiliate profile, with what it earned: their role is Affiliate."
        " To keep them out, suspend them."
    )


@role_changing.connect
def agree_with_profile(
    _sender: object, *, session: Session, user: User, user_type: UserType, **_more: Any
) -> None:
    """Raises NotOnWeokto, NoAffiliateProfile or HasAffiliateProfile: pages would lead nowhere."""
    if user_type not in (UserType.AFFILIATE, UserType.CLIENT):
        return
    has_profile = session.get(AffiliateProfile, user.id) is not None
    if user_type is UserType.AFFILIATE and not has_profile:
        raise NoAffiliateProfile if user.platform is Platform.WEOKTO else NotOnWeokto
    if user_type is UserType.CLIENT and has_profile:
        raise HasAffiliateProfile
