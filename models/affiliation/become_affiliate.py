"""Becoming an affiliate: a profile and a slug of one's own."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import clock
from models.accounts import Platform, User
from models.accounts.change_role import become_affiliate as take_the_role
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.catalog.community import guild_memberships
from models.communities import CommunityMember
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
KEPT_BACK = frozenset({"admin", "owner", "support", "weokto", "stam", "api", "www"})
OF_THE_DELETED = "compte-supprime-"
"""How the slugs begin that deleted affiliates are left with."""


class NotOnWeokto(DomainError):
    code = "not_on_weokto"
    message = N_("Affiliates are WEOKTO users; this account is on STAM.")


class BadSlug(BadInput):
    code = "bad_slug"
    message = N_("A link name has up to 40 lower-case letters, digits and hyphens inside.")


class SlugTaken(BadInput):
    code = "slug_taken"
    message = N_("“%(slug)s” is already taken. Choose another one.")


def become_affiliate(
    session: Session,
    user_id: UUID,
    slug: str,
    *,
    actor: Actor,
    now: datetime | None = None,
    terms: str | None = None,
) -> AffiliateProfile:
    """Give a WEOKTO user their affiliate profile under a slug, with empty ledger accounts.

    ``terms`` names the text they accepted, which the audit trail keeps. The guild they are in
    by then is their first one, so that leaving it for another is a change. A second call
    answers the profile there is. Raises NotOnWeokto, BadSlug, SlugTaken.
    """
    user = User.for_update(session, user_id)
    profile = session.get(AffiliateProfile, user_id)
    if profile is not None:
        return profile
    if user.platform is not Platform.WEOKTO:
        raise NotOnWeokto
    slug = checked_slug(slug)
    if affiliate_by_slug(session, slug) is not None:
        raise SlugTaken(field="slug", slug=slug)
    profile = AffiliateProfile(user_id=user.id, affiliate_slug=slug)
    membership = _guild_membership(session, user.id)
    if membership is not None:
        profile.current_guild_id = membership.community_id
        profile.guild_joined_at = membership.joined_at
    try:
        with session.begin_nested():
            session.add(profile)
    except IntegrityError:  # somebody else took it a moment ago
        raise SlugTaken(field="slug", slug=slug) from None
    told = {"terms": terms} if terms else None
    emit(session, "affiliation.affiliate_joined", profile, actor=actor, data=told)
    take_the_role(session, user.id, actor=actor, now=now or clock.now())
    return profile


def _guild_membership(session: Session, user_id: UUID) -> CommunityMember | None:
    """The guild a person is in: the one joined, else the one bought last. Whoever joins a guild
    waits for the person's row, which the caller holds."""
    return session.scalar(
        guild_memberships(user_id)
        .order_by(CommunityMember.customer_id.is_(None).desc(), CommunityMember.joined_at.desc())
        .limit(1)
    )


def checked_slug(text: str) -> str:
    """A slug as it is kept. Raises BadSlug."""
    slug = text.strip().lower()
    if not SLUG.fullmatch(slug) or slug in KEPT_BACK or slug.startswith(OF_THE_DELETED):
        raise BadSlug(field="slug")
    return slug
