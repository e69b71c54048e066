"""Warning signs about affiliates, with their evidence: looked at and put away by a person."""

from typing import Any
from uuid import UUID

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Reference, between
from admin_views.formats import Code, DayOf, Linked, moment
from admin_views.forms import ReasonForm
from admin_views.listing import Lookup, Row
from admin_views.records import Panel
from admin_views.structures import Data
from admin_views.words import status_words
from models.accounts.permissions import Permission as P
from models.affiliation import AffiliateProfile, FlagKind, FraudFlag
from models.affiliation.fraud_flag import open_flags
from models.affiliation.raise_flags import dismiss_flag
from models.errors import N_


def dismiss(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> FraudFlag:
    return dismiss_flag(session, key, reason=data["reason"], **who)


DISMISS = Act(
    "dismiss",
    N_("Put away"),
    P.AFFILIATES_EDIT,
    dismiss,
    N_("The warning sign is put away."),
    ReasonForm,
    N_("You looked at it and it is nothing. Seen again, it stays away."),
    when=lambda row: row["dismissed_at"] is None,
    needs=("dismissed_at",),
    bulk=True,
)


class FlagView(AdminView):
    table, slug, title = FraudFlag, "flags", N_("Warning signs")
    permissions = {"read": P.AFFILIATES_READ}
    lookups = {"affiliate": Lookup(AffiliateProfile, "affiliate_id", "user_id")}
    intro = N_("What looks odd. Nothing follows by itself: a level is changed by a person.")
    column_list = (
        "first_seen_at",
        "affiliate.affiliate_slug",
        "kind",
        "affiliate.risk_level",
        "last_seen_at",
        "dismissed_at",
    )
    column_details_list = (*column_list, "evidence")
    formats = {
        "first_seen_at": DayOf(),
        "last_seen_at": DayOf(),
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
        "evidence": Data(),
    }
    column_searchable_list = ("affiliate.affiliate_slug",)
    search_hint = N_("Slug")
    column_filters = (
        Choice("kind", N_("Kind"), FraudFlag.kind, FlagKind),
        Flag("away", N_("Put away"), FraudFlag.dismissed_at.is_not(None)),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: FraudFlag.affiliate_id == k
        ),
        *between("seen", FraudFlag.first_seen_at, N_("Seen"), made=FraudFlag.id),
    )
    acts = (DISMISS,)
    empty = N_("Nothing looked odd so far. The nightly look at refunds writes here.")

    def heading(self, row: Row) -> str:
        words = status_words(FlagKind, row["kind"])[0]
        return gettext("%(slug)s: %(words)s", slug=row["affiliate.affiliate_slug"], words=words)


def flags_panel(session: Session, affiliate_id: UUID) -> Panel:
    """An affiliate's open warning signs."""
    lines: list[list[Markup | str]] = [
        [
            status_words(FlagKind, each.kind)[0],
            moment(each.first_seen_at),
            moment(each.last_seen_at),
            Data().html(each.evidence, None),
        ]
        for each in open_flags(session, affiliate_id)
    ]
    heads = [N_("What"), N_("First seen"), N_("Last seen"), N_("Evidence")]
    return Panel(N_("Warning signs"), heads, lines, N_("Nothing looks odd."))
