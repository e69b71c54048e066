"""One's own data: a copy to download, and the deletion of the account with its days to undo it."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import undefer

from models import clock
from models.accounts import DataRequest, DataRequestKind, DataRequestStatus, Permission, User
from models.accounts.copy_data import AGAIN_AFTER, KEPT, ask_copy
from models.accounts.data_request import open_request, requests_of
from models.accounts.delete_account import (
    GRACE,
    NothingToUndo,
    ask_deletion,
    refuse_held,
    undo_deletion,
)
from models.errors import N_, DomainError, Missing
from models.ledger import balances_of
from models.session import staff_reading, unit_of_work
from public.amounts import cents_text
from public.errors import in_words
from public.identity import acting, member_reading, needs
from public.limits import limiter
from public.member_menu import in_member_area

pages = Blueprint("own_data", __name__)
pages.context_processor(in_member_area)
FEW = 10

HOME = ("/settings", N_("Back to my settings"))
PAYOUTS = ("/affiliate/payouts", N_("See my withdrawals"))
WAYS_OUT = {
    "checkout_under_way": HOME,
    "money_waits": PAYOUTS,
    "refund_under_way": ("/settings/invoices", N_("See my invoices")),
    "subscriptions_run": ("/settings#subscriptions", N_("See my subscriptions")),
    "withdrawal_under_way": PAYOUTS,
}
"""Per refusal that keeps an account from being deleted: where one settles what holds it."""


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/settings/data")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
def show() -> ResponseReturnValue:
    """What was asked, and what can be asked."""
    return _page()


@pages.post("/settings/data/copy")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
@limiter.limit("20 per hour")
def copy() -> ResponseReturnValue:
    """Ask for a copy; a job makes it."""
    with unit_of_work() as session:
        ask_copy(session, current_user.id, actor=acting(), now=clock.now())
    return redirect("/settings/data", 303)


@pages.get("/settings/data/<uuid:request_id>.zip")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
def download(request_id: UUID) -> ResponseReturnValue:
    """One's own copy; somebody else's, or one that is no longer kept, is 404."""
    with member_reading() as session:
        request = session.get(DataRequest, request_id, options=[undefer(DataRequest.content)])
        if request is None or request.content is None or _is_over(request):
            raise Missing
        content, made = request.content, request.ended_at
    answer = Response(content, mimetype="application/zip")
    day = clock.paris(made or clock.now()).date().isoformat()
    answer.headers.set("Content-Disposition", "attachment", filename=f"data-{day}.zip")
    return answer


@pages.get("/settings/data/delete")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
def ask_to_delete() -> ResponseReturnValue:
    """What deleting means, with one button."""
    return _deletion()


@pages.post("/settings/data/delete")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
@limiter.limit("20 per hour")
def delete() -> ResponseReturnValue:
    """Have the account deleted once its days are over, or say what stands in the way."""
    try:
        with unit_of_work() as session:
            ask_deletion(session, current_user.id, actor=acting(), now=clock.now())
    except DomainError as refusal:
        return make_response(_deletion(refusal), refusal.status)
    return redirect("/settings/data", 303)


@pages.post("/settings/data/keep")
@needs(Permission.DATA_REQUESTS_ASK_OWN)
def keep() -> ResponseReturnValue:
    """Undo the deletion that is under way."""
    with member_reading() as own:
        request = open_request(own, current_user.id, DataRequestKind.DELETION)
    if request is None:
        raise NothingToUndo
    with unit_of_work() as session:
        undo_deletion(session, request.id, actor=acting(), now=clock.now())
    flash(_("Your account stays."), "good")
    return redirect("/settings/data", 303)


def _page() -> str:
    with member_reading() as session:
        requests = requests_of(session, current_user.id, most=FEW)
        deletion = open_request(session, current_user.id, DataRequestKind.DELETION)
    copies = [each for each in requests if each.kind is DataRequestKind.COPY]
    return render_template(
        "public/account/data.html",
        may_ask=not any(_is_enough(each) for each in copies),
        being_made=any(each.status is DataRequestStatus.ASKED for each in copies),
        ready=[_copy(each) for each in copies if each.expires_at and not _is_over(each)],
        deletion=_under_way(deletion) if deletion else None,
        days_kept=KEPT.days,
        days_of_grace=GRACE.days,
    )


def _deletion(refusal: DomainError | None = None) -> str:
    with member_reading() as session:
        balances = balances_of(session, current_user.id)
    lost = balances.locked + max(0, balances.available)
    return render_template(
        "public/account/delete.html",
        held=_held(refusal) if refusal else None,
        days=GRACE.days,
        lost=cents_text(lost) if lost else "",
    )


def _under_way(request: DataRequest) -> dict[str, Any]:
    """When the account goes, or what holds it now where something held it last night."""
    refusal = _what_holds() if request.held_by else None
    return {
        "due_at": request.due_at,
        "is_due": request.due_at is not None and request.due_at <= clock.now(),
        "held": _held(refusal) if refusal else None,
    }


def _what_holds() -> DomainError | None:
    """What would keep the account from being deleted in this moment."""
    try:
        with staff_reading() as session:
            refuse_held(session, User.get(session, current_user.id), now=clock.now())
    except DomainError as refusal:
        return refusal
    return None


def _held(refusal: DomainError) -> dict[str, str]:
    url, words = WAYS_OUT.get(refusal.code, HOME)
    return {"why": in_words(refusal), "url": url, "words": _(words)}


def _copy(request: DataRequest) -> dict[str, Any]:
    return {
        "url": f"/settings/data/{request.id}.zip",
        "made_at": request.ended_at,
        "until": request.expires_at,
        "kilobytes": -(-(request.size or 0) // 1024),
    }


def _is_enough(request: DataRequest) -> bool:
    """Whether asking now would give this copy back rather than another."""
    recent = request.requested_at > clock.now() - AGAIN_AFTER
    return request.status is DataRequestStatus.ASKED or (recent and not _is_over(request))


def _is_over(request: DataRequest) -> bool:
    return request.expires_at is None or request.expires_at <= clock.now()
