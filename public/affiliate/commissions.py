"""``/affiliate/commissions``: what was earned on whom, why so much, and when it unlocks."""

from typing import Any
from uuid import UUID

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.affiliation import CommissionStatus
from models.affiliation.explain_clawback import clawbacks_of
from models.affiliation.explain_commission import explain_commission
from models.affiliation.own_commissions import (
    CommissionFilter,
    CommissionPage,
    OwnCommission,
    commissions_page,
    every_commission,
    own_commission,
)
from models.affiliation.own_sales import own_purchases, products_sold
from models.errors import BadInput
from public.affiliate.asked import address, choice_asked, day_asked, end_of, key_asked, start_of
from public.affiliate.door import for_affiliates, pages
from public.affiliate.downloads import as_csv, day_cell, money_cell
from public.affiliate.words import COMMISSIONS, in_words
from public.errors import in_words as refusal_in_words
from public.identity import member_reading

PATH = "/affiliate/commissions"
FILTERS = ("status", "product", "from", "to")
NOTHING = CommissionPage(rows=(), newer=None, older=None)


@pages.get("/commissions")
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def commissions() -> ResponseReturnValue:
    """The list, newest first, filtered as its address says."""
    mistake: BadInput | None = None
    page = NOTHING
    with member_reading() as session:
        try:
            asked = filter_asked()
            page = commissions_page(
                session,
                current_user.id,
                asked,
                before=key_asked("before"),
                after=key_asked("after"),
            )
        except BadInput as refusal:
            mistake = refusal
        products = products_sold(session)
        own = own_purchases(session)
    given = typed()
    text = render_template(
        "public/affiliate/commissions.html",
        rows=[row_of(each) for each in page.rows],
        given=given,
        statuses=[(status.value, _(words)) for status, (words, _tone) in COMMISSIONS.items()],
        products=[(str(key), name) for key, name in products],
        own_purchases=own,
        mistake=refusal_in_words(mistake) if mistake else "",
        newer=address(PATH, given, after=page.newer) if page.newer else "",
        older=address(PATH, given, before=page.older) if page.older else "",
        csv=address(f"{PATH}.csv", given),
    )
    return make_response(text, mistake.status if mistake else 200)


@pages.get("/commissions.csv")
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def commissions_csv() -> ResponseReturnValue:
    """Every commission of the filter as a file."""
    titles = [
        _("Date"), _("Client"), _("Product"), _("Plan"), _("Invoice"), _("Commission"),
        _("Main part"), _("Left of the main part"), _("Main part unlocks"),
        _("Extended part"), _("Left of the extended part"), _("Extended part unlocks"),
        _("Status"), _("Taken back"), _("Paid out"),
    ]  # fmt: skip
    rows = every_commission(current_user.id, filter_asked())
    return as_csv("commissions", titles, (_cells(each) for each in rows))


@pages.get("/commissions/<uuid:commission_id>")
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def commission(commission_id: UUID) -> ResponseReturnValue:
    """One commission: why this amount and these dates. Somebody else's is 404."""
    with member_reading() as session:
        found = own_commission(session, current_user.id, commission_id)
        clawbacks = clawbacks_of(session, commission_id)
    facts = explain_commission(found.commission, clawbacks)
    return render_template(
        "public/affiliate/commission.html",
        row=row_of(found),
        commission=found.commission,
        facts=[(fact.kind, in_words(fact)) for fact in facts],
    )


def filter_asked() -> CommissionFilter:
    """The filter of the address. Raises BadDay, BadFilter."""
    return CommissionFilter(
        status=choice_asked("status", CommissionStatus),
        since=start_of(day_asked("from")),
        until=end_of(day_asked("to")),
        program_id=key_asked("product"),
    )


def typed() -> dict[str, str]:
    """The filters as they were typed, for the form and the links to go on with."""
    return {name: request.args.get(name, "").strip()[:60] for name in FILTERS}


def row_of(each: OwnCommission) -> dict[str, Any]:
    """One line of the list; what is left of its parts, and when that unlocks or did."""
    commission = each.commission
    words, tone = COMMISSIONS[commission.status]
    return {
        "id": commission.id,
        "earned_at": commission.earned_at,
        "sale": each.sale,
        "total": commission.total_amount,
        "clawed_back": commission.clawed_back_amount,
        "status": _(words),
        "tone": tone,
        "unlocks": [
            (commission.main_left, commission.locked_until, commission.main_matured_at),
            (
                commission.extended_left,
                commission.extended_locked_until,
                commission.extended_matured_at,
            ),
        ],
    }


def _cells(each: OwnCommission) -> list[str]:
    commission, sale = each.commission, each.sale
    return [
        clock.paris(commission.earned_at).strftime("%Y-%m-%d %H:%M"),
        sale.client,
        sale.product,
        sale.plan,
        sale.invoice,
        money_cell(commission.total_amount),
        money_cell(commission.main_amount),
        money_cell(commission.main_left),
        day_cell(commission.locked_until) if commission.main_left else "",
        money_cell(commission.extended_amount),
        money_cell(commission.extended_left),
        day_cell(commission.extended_locked_until) if commission.extended_left else "",
        _(COMMISSIONS[commission.status][0]),
        money_cell(commission.clawed_back_amount),
        money_cell(commission.paid_amount),
    ]
