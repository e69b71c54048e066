"""Communities: who is a member of what, and the headings their channels stand under."""

from models.communities import on_closing
from models.communities.channel_category import STARTING_CATEGORIES, ChannelCategory
from models.communities.community_member import CommunityMember, MemberRole

__all__ = ["STARTING_CATEGORIES", "ChannelCategory", "CommunityMember", "MemberRole", "on_closing"]
