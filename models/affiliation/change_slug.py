"""Changing an affiliate's slug: once, and links with the old one keep leading to them."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.affiliation.become_affiliate import SlugTaken, checked_slug
from models.affiliation.profile import AffiliateProfile, affiliate_by_slug
from models.errors import N_, DomainError
from models.oversight import Actor, emit


class SlugChangedBefore(DomainError):
    code = "slug_changed_before"
    message = N_("A link name is changed once, and yours was “%(former)s” before.")


def change_slug(
    session: Session, affiliate_id: UUID, slug: str, *, actor: Actor
) -> AffiliateProfile:
    """Give an affiliate another slug; the one they had stays theirs, and its links go on.

    With the slug they have nothing changes. Raises BadSlug, SlugTaken for one that is or was
    somebody else's, SlugChangedBefore.
    """
    profile = AffiliateProfile.for_update(session, affiliate_id)
    slug = checked_slug(slug)
    if slug == profile.affiliate_slug:
        return profile
    if profile.former_slug is not None:
        raise SlugChangedBefore(field="slug", former=profile.former_slug)
    if affiliate_by_slug(session, slug) is not None:
        raise SlugTaken(field="slug", slug=slug)
    former = profile.affiliate_slug
    try:
        with session.begin_nested():
            profile.former_slug, profile.affiliate_slug = former, slug
    except IntegrityError:  # somebody else took it a moment ago
        raise SlugTaken(field="slug", slug=slug) from None
    emit(
        session,
        "affiliation.slug_changed",
        profile,
        actor=actor,
        data={"former_slug": former, "slug": slug},
    )
    return profile
