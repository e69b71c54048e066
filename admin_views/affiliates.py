"""Affiliates: who they are, their risk level and its history, what they earned and hold."""

from uuid import UUID

from markupsafe import Markup, escape
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from admin_views.adjust import ADJUST
from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Reference, between
from admin_views.flags import flags_panel
from admin_views.formats import Code, Count, DayOf, Linked, Money, Percent, moment
from admin_views.listing import Lookup, Row
from admin_views.records import Panel, Related
from admin_views.risk import CHANGE_RISK
from admin_views.standing import MANY, balance_in, earned_in_all, running_clients
from admin_views.statement import StatementMixin, figures
from admin_views.words import status_words
from models.accounts.permissions import Permission as P
from models.affiliation import (
    AffiliateProfile,
    RiskLevel,
    RiskLevelChange,
)
from models.catalog import Community
from models.errors import N_
from models.ledger import Account, balances_of


class AffiliateView(StatementMixin, AdminView):
    table, slug, title = AffiliateProfile, "affiliates", N_("Affiliates & risk levels")
    permissions = {"read": P.AFFILIATES_READ, "statement": P.LEDGER_READ}
    verbs = {**AdminView.verbs, "statement_view": "statement"}
    key_name = "user_id"
    column_default_sort = ("user_id", True)
    lookups = {"guild": Lookup(Community, "current_guild_id")}
    computed = {
        "earned": earned_in_all,
        "clients": running_clients,
        "locked": balance_in(Account.LOCKED),
        "available": balance_in(Account.AVAILABLE),
        "debt": lambda of: func.greatest(0, -balance_in(Account.AVAILABLE)(of)),
    }
    column_list = (
        "affiliate_slug",
        "user.display_name",
        "user.email",
        "guild.name",
        "risk_level",
        "refund_rate",
        "earned",
        "clients",
        "locked",
        "available",
        "debt",
        "created_at",
    )
    column_details_list = (
        "affiliate_slug",
        "former_slug",
        "user.display_name",
        "user.email",
        "user.is_suspended",
        "guild.name",
        "guild_joined_at",
        "risk_level",
        "risk_pinned",
        "refund_rate",
        "rated_invoices",
        "total_refunds",
        "extreme_asked_at",
        "first_commission_at",
        "internal_notes",
        "created_at",
    )
    column_labels = {
        "earned": N_("Earned"),
        "clients": N_("Active clients"),
        "locked": N_("Locked"),
        "available": N_("Available"),
        "debt": N_("Debt"),
    }
    formats = {
        "affiliate_slug": Linked("affiliates", "user_id", Code()),
        "user.email": Linked("users", "user_id"),
        "created_at": DayOf(),
        "guild.name": Linked("communities", "current_guild_id"),
        "refund_rate": Percent(fraction=True),
        "rated_invoices": Count(),
        "total_refunds": Count(),
        "earned": Money(),
        "clients": Count(at_most=MANY),
        "locked": Money(),
        "available": Money(),
        "debt": Money(),
    }
    column_searchable_list = ("affiliate_slug", "former_slug", "user.email", "user.display_name")
    search_hint = N_("Slug, email or name")
    column_sortable_list = ("affiliate_slug", ("created_at", "user_id"))
    column_filters = (
        Choice("risk", N_("Risk"), AffiliateProfile.risk_level, RiskLevel),
        Flag("pinned", N_("Pinned"), AffiliateProfile.risk_pinned),
        Reference(
            "guild", N_("Guild"), "communities", lambda k: AffiliateProfile.current_guild_id == k
        ),
        *between("joined", AffiliateProfile.created_at, N_("Created")),
    )
    related = (
        Related("commissions", "affiliate", N_("Commissions")),
        Related("withdrawals", "affiliate", N_("Withdrawals")),
        Related("transfers", "affiliate", N_("Ledger")),
        Related("boost-uses", "affiliate", N_("Boosts")),
        Related("flags", "affiliate", N_("All warning signs")),
        Related("clicks", "affiliate", N_("Clicks")),
        Related("attributions", "affiliate", N_("Attributions")),
    )
    acts = (CHANGE_RISK, ADJUST)
    empty = N_("A WEOKTO user becomes an affiliate when they choose a slug for their links.")

    def panels(self, session: Session, row: Row) -> list[Panel]:
        money = money_of(session, row["user_id"])
        if self.allows("statement"):
            money.url = self.address_of("statement_view", id=row["user_id"])
        key = row["user_id"]
        return [money, flags_panel(session, key), levels_of(session, key)]


def money_of(session: Session, affiliate_id: UUID) -> Panel:
    """An affiliate's balances, from the ledger."""
    lines: list[list[Markup | str]] = [
        [words, amount] for words, amount in figures(balances_of(session, affiliate_id))
    ]
    return Panel(N_("Balances"), [N_("Account"), N_("Amount")], lines)


def levels_of(session: Session, affiliate_id: UUID) -> Panel:
    """Every change of a risk level, with its note."""
    changes = session.scalars(
        select(RiskLevelChange)
        .where(RiskLevelChange.affiliate_id == affiliate_id)
        .order_by(RiskLevelChange.id.desc())
        .limit(50)
    )
    lines: list[list[Markup | str]] = [
        [
            moment(each.changed_at),
            status_words(RiskLevel, each.from_level)[0],
            status_words(RiskLevel, each.to_level)[0],
            escape(each.note),
        ]
        for each in changes
    ]
    heads = [N_("When"), N_("From"), N_("To"), N_("Note")]
    return Panel(N_("Risk levels"), heads, lines, N_("The level has never changed."))
