"""Joining a guild, or a client community that is free: membership, and whose visitor came."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import Platform, User
from models.affiliation.attribute_purchase import good_click_among
from models.affiliation.attribution import Attribution, joined_attribution
from models.affiliation.free_days import free_days
from models.affiliation.own_purchase import flag_own_purchase
from models.affiliation.profile import AffiliateProfile
from models.affiliation.program import programs_of_community
from models.catalog import Community
from models.catalog.product import has_free_product
from models.communities import CommunityMember
from models.communities.enter import enter_community
from models.errors import N_, DomainError, Missing, NotAllowed
from models.oversight import Actor, emit

BETWEEN_CHANGES = timedelta(days=30)


class OtherPlatform(DomainError):
    code = "other_platform"
    message = N_("%(community)s is on the other platform: an account there is another one.")


class CommunityClosed(DomainError):
    code = "community_closed"
    message = N_("%(community)s takes nobody in at the moment.")


class Banned(NotAllowed):
    code = "banned_from_community"
    message = N_("You cannot join %(community)s.")


class WantsPayment(DomainError):
    code = "guild_wants_payment"
    message = N_("%(community)s is entered by its payment button.")


class ChangedLately(DomainError):
    code = "guild_changed_lately"
    message = N_("A guild is changed once in 30 days: again from %(day)s.")


def join_guild(
    session: Session,
    user_id: UUID,
    community_id: UUID,
    *,
    click_id: str | None,
    actor: Actor,
    now: datetime,
) -> CommunityMember:
    """Make a person a member of a community that wants no payment for coming in.

    With a good click the person is bound to its affiliate for the community's products, for
    30 to 60 days. A WEOKTO person is in one guild at a time; an affiliate may change it once
    in 30 days, and their first one is no change. A second call changes nothing. Raises
    OtherPlatform, CommunityClosed, Banned, ChangedLately.
    """
    user = User.for_update(session, user_id)
    community = Community.get(session, community_id)
    if community.platform is not user.platform:
        raise OtherPlatform(community=community.name)
    if not community.is_active:
        raise CommunityClosed(community=community.name)
    mine = _memberships(session, user)
    here = next((each for each in mine if each.community_id == community_id), None)
    if here is not None and here.banned_at is not None:
        raise Banned(community=community.name)
    if here is not None and here.is_active:
        return here
    if community.platform is Platform.WEOKTO:
        _leave_other_guilds(session, user, community, mine, now)
    member = enter_community(session, community_id, user_id, customer_id=None, now=now)
    session.flush()
    bind_joining(session, user, community, click_id=click_id, actor=actor, now=now)
    emit(
        session,
        "affiliation.guild_joined",
        member,
        actor=actor,
        data={"user_id": user_id, "community_id": community_id},
    )
    return member


def join_free_guild(
    session: Session, user_id: UUID, slug: str, *, click_id: str | None, actor: Actor, now: datetime
) -> CommunityMember:
    """Join the guild under a slug, which anybody may where one of its products is free.

    Raises Missing, WantsPayment, and what ``join_guild`` does.
    """
    guild = session.scalars(
        select(Community).where(
            Community.slug == slug, Community.platform == Platform.WEOKTO, Community.is_active
        )
    ).one_or_none()
    if guild is None:
        raise Missing
    if not has_free_product(session, guild.id):
        raise WantsPayment(community=guild.name)
    return join_guild(session, user_id, guild.id, click_id=click_id, actor=actor, now=now)


def bind_joining(
    session: Session,
    user: User,
    community: Community,
    *,
    click_id: str | None,
    actor: Actor,
    now: datetime,
) -> Attribution | None:
    """Bind a person who joined a community to the affiliate of a good click, for some days.

    An earlier binding by joining is replaced; those of purchases stay. None: no good click.
    """
    programs = programs_of_community(session, community.id)
    click = good_click_among(session, click_id, programs, now=now)
    if click is None:
        return None
    standing = joined_attribution(session, user.id, community.id)
    if standing is not None and standing.tracking_event_id == click.event_id:
        return standing
    if standing is not None:
        standing.replaced_at, standing.replaced_by_event_id = now, click.event_id
        session.flush()
    affiliate = AffiliateProfile.get(session, click.affiliate_id)
    bound = Attribution(
        tracking_event_id=click.event_id,
        user_id=user.id,
        community_id=community.id,
        affiliate_id=affiliate.user_id,
        is_free_product_attribution=True,
        bound_at=now,
        expires_at=now + free_days(session, affiliate, at=now),
    )
    flag_own_purchase(session, bound, card_fingerprint=None)
    session.add(bound)
    emit(session, "affiliation.joining_attributed", bound, actor=actor)
    return bound


def _memberships(session: Session, user: User) -> list[CommunityMember]:
    """A person's memberships on their platform, locked."""
    return list(
        session.scalars(
            select(CommunityMember)
            .join(Community, Community.id == CommunityMember.community_id)
            .where(CommunityMember.user_id == user.id, Community.platform == user.platform)
            .order_by(CommunityMember.id)
            .with_for_update(of=CommunityMember)
        )
    )


def _leave_other_guilds(
    session: Session,
    user: User,
    guild: Community,
    mine: list[CommunityMember],
    now: datetime,
) -> None:
    """End what was joined before; a membership that a purchase opened lasts as long as that."""
    profile = session.get(AffiliateProfile, user.id, with_for_update={"key_share": True})
    if profile is not None:
        _change_guild(profile, guild, now)
    for member in mine:
        if member.is_active and member.customer_id is None:
            member.is_active = False


def _change_guild(profile: AffiliateProfile, guild: Community, now: datetime) -> None:
    if profile.current_guild_id is not None and profile.current_guild_id != guild.id:
        last = profile.last_guild_change_at
        if last is not None and now < last + BETWEEN_CHANGES:
            again = clock.paris(last + BETWEEN_CHANGES)
            raise ChangedLately(day=again.strftime("%d/%m/%Y"))
        profile.last_guild_change_at = now
    profile.current_guild_id = guild.id
    profile.guild_joined_at = now
