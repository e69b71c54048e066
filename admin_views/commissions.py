"""Commissions, each with why it is what it is."""

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from admin_views.affiliation import RATE
from admin_views.base import AdminView
from admin_views.explanation import explained
from admin_views.filters import Choice, Reference, between
from admin_views.formats import Code, DayOf, Linked, Money, OneLine, day, euros
from admin_views.listing import Row
from admin_views.records import Panel, Related
from admin_views.selections import bought, bought_in
from admin_views.words import status_words
from models import clock
from models.accounts.permissions import Permission as P
from models.affiliation import Commission, CommissionStatus, LockProfile
from models.affiliation.imagine_profiles import Imagined, imagine_profiles
from models.errors import N_


class CommissionView(AdminView):
    table, slug, title = Commission, "commissions", N_("Commissions")
    permissions = {"read": P.COMMISSIONS_READ}
    column_list = (
        "earned_at",
        "affiliate.affiliate_slug",
        "customer.user.email",
        "invoice.number",
        "status",
        "total_amount",
        "locked_until",
        "extended_locked_until",
    )
    column_details_list = (
        "affiliate.affiliate_slug",
        "customer.user.email",
        "invoice.number",
        "status",
        "base_amount",
        "rate_applied",
        "rate_type",
        "total_amount",
        "main_amount",
        "main_lock_days",
        "locked_until",
        "main_matured_at",
        "extended_amount",
        "extended_lock_days",
        "extended_locked_until",
        "extended_matured_at",
        "clawed_back_amount",
        "paid_amount",
        "earned_at",
    )
    formats = {
        **{
            name: Money()
            for name in (
                "base_amount",
                "total_amount",
                "main_amount",
                "extended_amount",
                "clawed_back_amount",
                "paid_amount",
            )
        },
        "rate_applied": RATE,
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
        "customer.user.email": Linked("customers", "customer_id"),
        "invoice.number": Linked("invoices", "invoice_id", OneLine()),
        "earned_at": Linked("commissions", "id"),
        "locked_until": DayOf(),
        "extended_locked_until": DayOf(),
    }
    column_searchable_list = ("invoice.number", "affiliate.affiliate_slug", "customer.user.email")
    search_hint = N_("Invoice number, affiliate's slug or client's email")
    column_filters = (
        Choice("status", N_("Status"), Commission.status, CommissionStatus),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: Commission.affiliate_id == k
        ),
        Reference("customer", N_("Customer"), "customers", lambda k: Commission.customer_id == k),
        Reference("invoice", N_("Invoice"), "invoices", lambda k: Commission.invoice_id == k),
        Reference(
            "boost", N_("Boost"), "boost-uses", lambda k: Commission.boost_redemption_id == k
        ),
        Reference(
            "product",
            N_("Product"),
            "products",
            lambda k: bought(Commission.customer_id, k),
        ),
        Reference(
            "community",
            N_("Community"),
            "communities",
            lambda k: bought_in(Commission.customer_id, k),
        ),
        *between("earned", Commission.earned_at, N_("Earned")),
    )
    related = (Related("transfers", "commission", N_("Ledger")),)
    empty = N_("A commission is what one paid invoice earns one affiliate.")

    def heading(self, row: Row) -> str:
        return gettext("Commission of %(slug)s", slug=row["affiliate.affiliate_slug"])

    def panels(self, session: Session, row: Row) -> list[Panel]:
        commission = Commission.get(session, row["id"])
        lines: list[list[Markup | str]] = [
            [escape(line)] for line in explained(session, commission)
        ]
        return [
            Panel(N_("Why this amount and these dates"), [N_("In words")], lines),
            what_if(session, commission),
        ]


def what_if(session: Session, commission: Commission) -> Panel:
    """The same commission under each profile: what another risk level would have meant."""
    lines: list[list[Markup | str]] = [
        [
            _profile_words(each),
            euros(each.main),
            day(clock.paris(each.main_until)),
            euros(each.extended),
            day(clock.paris(each.extended_until)),
        ]
        for each in imagine_profiles(session, commission)
    ]
    heads = [
        N_("Who"),
        N_("Main part"),
        N_("Main part unlocks"),
        N_("Extended part"),
        N_("Extended part unlocks"),
    ]
    return Panel(N_("Under each risk level"), heads, lines, numeric={1, 3})


def _profile_words(each: Imagined) -> Markup | str:
    words = status_words(LockProfile, each.profile)[0]
    if not each.is_real:
        return words
    return Markup('{} <span class="badge good">{}</span>').format(words, gettext("as it is"))
