"""Making, changing and closing communities."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.accounts.platform import Platform
from models.catalog.change import (
    check_slug,
    check_text,
    delete_unused,
    refuse_taken,
    scheme_and_host,
    take_over,
)
from models.catalog.community import Community
from models.communities import STARTING_CATEGORIES, ChannelCategory
from models.errors import N_, BadInput
from models.oversight import Actor, emit

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+(?![0-9]+$){_LABEL}")
"""A name of at least two parts in letters that the network knows, the last no number."""

EDITABLE = frozenset(
    {
        "name",
        "slug",
        "domain",
        "settings",
        "supplier_id",
        "supplier_name",
        "landing_page_url",
        "owner_notes",
        "is_active",
    }
)


def create_community(
    session: Session, *, platform: Platform, name: str, slug: str, actor: Actor, **texts: Any
) -> Community:
    """Open a community with the channel categories that every one starts with.

    Raises BadInput for a bad or taken slug or domain, a landing page that is no https
    address, or a supplier label outside WEOKTO.
    """
    community = Community(platform=platform, name=name, slug=slug)
    take_over(community, texts, EDITABLE)
    _check(session, community)
    session.add(community)
    session.flush()
    session.add_all(
        ChannelCategory(community_id=community.id, slug=key, name=title, position=position)
        for position, (key, title) in enumerate(STARTING_CATEGORIES)
    )
    emit(session, "catalog.community_created", community, actor=actor)
    return community


def edit_community(
    session: Session, community_id: UUID, changes: Mapping[str, Any], *, actor: Actor
) -> Community:
    """Change a community's particulars; its platform never changes. Nothing new: no event."""
    community = Community.for_update(session, community_id)
    with session.no_autoflush:
        if not take_over(community, changes, EDITABLE):
            return community
        _check(session, community)
    emit(session, "catalog.community_edited", community, actor=actor)
    return community


def delete_community(session: Session, community_id: UUID, *, actor: Actor) -> None:
    """Delete a community that never had a product or a member. Raises InUse otherwise."""
    community = Community.for_update(session, community_id)
    emit(session, "catalog.community_deleted", community, actor=actor)
    session.execute(delete(ChannelCategory).where(ChannelCategory.community_id == community_id))
    delete_unused(session, community)


def _check(session: Session, community: Community) -> None:
    check_text("name", community.name)
    check_slug(session, Community.slug, community.slug, but=community.id)
    if community.supplier_name and community.platform is not Platform.WEOKTO:
        raise BadInput(N_("Supplier labels exist on WEOKTO only."), field="supplier_name")
    _check_addresses(session, community)


def _check_addresses(session: Session, community: Community) -> None:
    """A domain is kept in lower case; one left empty, like a landing page, is none."""
    community.domain = (community.domain or "").strip().lower() or None
    community.landing_page_url = (community.landing_page_url or "").strip() or None
    if community.domain is not None:
        if not DOMAIN.fullmatch(community.domain):
            told = N_("A domain alone, such as club.example.com, without https:// or a path.")
            raise BadInput(told, field="domain")
        refuse_taken(session, Community.domain, community.domain, but=community.id)
    if community.landing_page_url is not None:
        scheme, host = scheme_and_host(community.landing_page_url)
        if scheme != "https" or not host:
            told = N_("An https address, such as https://club.example.com/.")
            raise BadInput(told, field="landing_page_url")
