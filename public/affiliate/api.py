"""The JSON twins of the affiliate's pages, under ``/api/affiliate``."""

from typing import Any
from uuid import UUID

from flask import Blueprint, g
from flask_login import current_user

from models.accounts import Permission, Platform
from models.affiliation import AffiliateProfile, Commission
from models.affiliation.explain_clawback import clawbacks_of
from models.affiliation.explain_commission import explain_commission
from models.affiliation.own_commissions import (
    CommissionFilter,
    OwnCommission,
    commissions_page,
    own_commission,
)
from models.ledger.own_movements import Movement, MovementFilter, movements_page
from models.money import rate_text
from public.affiliate.answers import (
    CommissionExplained,
    CommissionsAsked,
    CommissionShown,
    CommissionsShown,
    EntryShown,
    FactShown,
    Joined,
    Joining,
    LinkAsked,
    LinkShown,
    MovementsAsked,
    MovementShown,
    MovementsShown,
    NameShown,
    NameWanted,
    Overview,
    PageShown,
)
from public.affiliate.asked import end_of, start_of
from public.affiliate.door import for_affiliates, keep_nowhere
from public.affiliate.joining import become
from public.affiliate.link_name import take_name
from public.affiliate.links import link_of, pages_to_share
from public.affiliate.words import in_words
from public.brand import public_url
from public.hosts import only
from public.identity import member_reading, needs
from public.json_api import endpoint
from public.own_figures import own_figures

pages = Blueprint("api_affiliate", __name__, url_prefix="/api/affiliate")
pages.after_request(keep_nowhere)

TAG = "affiliation"


@pages.get("/dashboard")
@endpoint(answers=Overview, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.FINANCE_FIGURES_OWN)
def read_overview() -> Overview:
    """The affiliate's figures, calendar of unlocks and last twelve months."""
    return Overview.model_validate(own_figures().model_dump())


@pages.get("/commissions")
@endpoint(answers=CommissionsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def list_commissions(query: CommissionsAsked) -> CommissionsShown:
    """The affiliate's commissions, newest first, a page at a time."""
    asked = CommissionFilter(
        status=query.status,
        since=start_of(query.from_),
        until=end_of(query.to),
        program_id=query.product,
    )
    with member_reading() as session:
        page = commissions_page(
            session, current_user.id, asked, before=query.before, after=query.after
        )
    return CommissionsShown(
        commissions=[CommissionShown(**_commission(each)) for each in page.rows],
        newer=page.newer,
        older=page.older,
    )


@pages.get("/commissions/<uuid:commission_id>")
@endpoint(answers=CommissionExplained, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def read_commission(commission_id: UUID) -> CommissionExplained:
    """One of the affiliate's commissions, with why it is so much and when it unlocks."""
    with member_reading() as session:
        found = own_commission(session, current_user.id, commission_id)
        clawbacks = clawbacks_of(session, commission_id)
    facts = explain_commission(found.commission, clawbacks)
    why = [FactShown(kind=fact.kind, text=in_words(fact)) for fact in facts]
    return CommissionExplained(**_commission(found), why=why)


@pages.get("/ledger")
@endpoint(answers=MovementsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.LEDGER_READ_OWN)
def list_movements(query: MovementsAsked) -> MovementsShown:
    """The movements of the affiliate's accounts, newest first, a page at a time."""
    asked = MovementFilter(type=query.type, since=start_of(query.from_), until=end_of(query.to))
    with member_reading() as session:
        page = movements_page(
            session, current_user.id, asked, before=query.before, after=query.after
        )
    return MovementsShown(
        movements=[_movement(each) for each in page.rows], newer=page.newer, older=page.older
    )


@pages.get("/links")
@endpoint(answers=LinkShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.AFFILIATES_READ_OWN)
def make_link(query: LinkAsked) -> LinkShown:
    """A link to share with the affiliate's own ``ref``, and the pages there are."""
    shareable = pages_to_share()
    words = {name: word for name, word in query.model_dump(exclude={"page"}).items() if word}
    link = link_of(query.page or shareable[0].key, words, shareable)
    qr = public_url("/affiliate/links/qr")
    return LinkShown(
        link=link.address,
        qr_svg=f"{qr}.svg?{link.query}",
        qr_png=f"{qr}.png?{link.query}",
        pages=[PageShown(key=each.key, name=each.name, address=each.address) for each in shareable],
    )


@pages.get("/link-name")
@endpoint(answers=NameShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.AFFILIATES_READ_OWN)
def read_link_name() -> NameShown:
    """The name in the affiliate's links."""
    return _name(g.affiliate)


@pages.post("/link-name")
@endpoint(answers=NameShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.AFFILIATES_JOIN)
def change_link_name(json: NameWanted) -> NameShown:
    """Take another name, once; links with the old one go on."""
    return _name(take_name(json.slug))


@pages.post("/join")
@endpoint(answers=Joined, refuses=(401, 404, 409), tag=TAG)
@only(Platform.WEOKTO)
@needs(Permission.AFFILIATES_JOIN)
def join_affiliates(json: Joining) -> Joined:
    """Become an affiliate under a link name; a second call answers the one there is."""
    profile = become(json.slug, accepts=json.accepts_terms)
    return Joined(slug=profile.affiliate_slug, link=_link(profile))


def _name(profile: AffiliateProfile) -> NameShown:
    return NameShown(
        slug=profile.affiliate_slug,
        former_slug=profile.former_slug,
        can_change=profile.former_slug is None,
        link=_link(profile),
    )


def _link(profile: AffiliateProfile) -> str:
    return public_url(f"/?ref={profile.affiliate_slug}")


def _commission(each: OwnCommission) -> dict[str, Any]:
    commission, sale = each.commission, each.sale
    columns = CommissionShown.model_fields.keys() & Commission.__table__.columns.keys()
    return {name: getattr(commission, name) for name in columns} | {
        "client": sale.client,
        "product": sale.product,
        "plan": sale.plan,
        "invoice": sale.invoice,
        "invoice_kind": sale.kind,
        "rate_applied": rate_text(commission.rate_applied),
        "main_left": commission.main_left,
        "extended_left": commission.extended_left,
    }


def _movement(each: Movement) -> MovementShown:
    transfer = each.transfer
    return MovementShown(
        seq=transfer.seq,
        type=transfer.type,
        at=transfer.created_at,
        description=transfer.description,
        commission_id=transfer.commission_id,
        entries=[
            EntryShown(
                account=entry.account,
                amount=entry.amount,
                balance_after=entry.balance_after or 0,
            )
            for entry in each.entries
        ],
    )
