"""``/affiliate/boost``: codes that make sales earn more for a while, and what they brought."""

from datetime import datetime
from typing import Any

from flask import flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from pydantic import Field

from models import clock
from models.accounts import Permission
from models.affiliation.boost import (
    BoostCode,
    BoostRedemption,
    BoostScope,
    BoostType,
    RedemptionStatus,
)
from models.affiliation.own_boosts import OwnBoost, own_boosts
from models.affiliation.redeem_boost import BoostReplacesAnother, redeem_boost
from models.errors import DomainError
from models.money import rate_text
from models.session import unit_of_work
from public.affiliate.api import TAG
from public.affiliate.api import pages as endpoints
from public.affiliate.door import for_affiliates, pages
from public.affiliate.words import BOOSTS
from public.amounts import cents_text, number_text
from public.errors import in_words
from public.identity import acting, member_reading
from public.json_api import Answer, Body, endpoint

PATH = "/affiliate/boost"
LONGEST_CODE = 60


class CodeTyped(Body):
    """A boost's code; ``confirmed``: the boost in force may end for it."""

    code: str = Field(max_length=LONGEST_CODE)
    confirmed: bool = False


class BoostShown(Answer):
    """A boost redeemed: ``value`` is points added to the rate, or cents to the commission."""

    code: str
    type: BoostType
    value: str
    products: list[str]
    status: RedemptionStatus
    redeemed_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    commissions: int
    added: int


class BoostsShown(Answer):
    boosts: list[BoostShown]


@pages.get("/boost")
@for_affiliates(Permission.AFFILIATES_READ_OWN)
def boost() -> ResponseReturnValue:
    """The boost in force, those before, and the form for another code."""
    return boost_page()


@pages.post("/boost")
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def redeem() -> ResponseReturnValue:
    """Redeem a code; where one is in force, ask first whether it may end."""
    code = request.form.get("code", "")[:LONGEST_CODE]
    try:
        redeem_own(code, confirmed="confirmed" in request.form)
    except BoostReplacesAnother as refusal:
        return confirmation(code, refusal)
    except DomainError as refusal:
        return make_response(boost_page(code, in_words(refusal)), refusal.status)
    flash(_("Your boost is in force."), "good")
    return redirect(PATH, 303)


def confirmation(code: str, refusal: BoostReplacesAnother) -> ResponseReturnValue:
    """What would end for the code, to be confirmed; the page itself where nothing would by now."""
    former = next((each for each in _boosts() if each["is_active"]), None)
    if former is None:
        return make_response(boost_page(code, in_words(refusal)), refusal.status)
    page = render_template(
        "public/affiliate/boost_confirm.html",
        code=code.strip().upper(),
        former=former,
        words=in_words(refusal),
    )
    return make_response(page, refusal.status)


@endpoints.get("/boost")
@endpoint(answers=BoostsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.AFFILIATES_READ_OWN)
def list_boosts() -> BoostsShown:
    """Every boost that the affiliate redeemed, newest first, with what it brought."""
    return boosts_now()


@endpoints.post("/boost")
@endpoint(answers=BoostsShown, refuses=(401, 404, 409, 410), tag=TAG)
@for_affiliates(Permission.COMMISSIONS_READ_OWN)
def redeem_code(json: CodeTyped) -> BoostsShown:
    """Redeem a code; 409 ``boost_replaces_another`` until the end of the former is confirmed."""
    redeem_own(json.code, confirmed=json.confirmed)
    return boosts_now()


def boosts_now() -> BoostsShown:
    """The reader's boosts as they stand."""
    with member_reading() as session:
        return BoostsShown(boosts=[_shown(each) for each in own_boosts(session, current_user.id)])


def redeem_own(code: str, *, confirmed: bool) -> BoostRedemption:
    """Put a boost in force for the reader. Raises what ``redeem_boost`` does."""
    with unit_of_work() as session:
        return redeem_boost(
            session,
            current_user.id,
            code,
            confirmed=confirmed,
            actor=acting(),
            now=clock.now(),
        )


def boost_page(code: str = "", refused: str = "") -> str:
    """The page, with what was typed and why it was refused."""
    return render_template(
        "public/affiliate/boost.html", boosts=_boosts(), code=code, refused=refused
    )


def _boosts() -> list[dict[str, Any]]:
    with member_reading() as session:
        found = own_boosts(session, current_user.id)
    return [_row(each) for each in found]


def _row(each: OwnBoost) -> dict[str, Any]:
    redemption = each.redemption
    status = _status(redemption)
    words, tone = BOOSTS[status]
    return {
        "code": redemption.code.code,
        "adds": boost_text(redemption.code),
        "products": each.products,
        "is_for_all": redemption.code.scope is BoostScope.GLOBAL,
        "is_active": status is RedemptionStatus.ACTIVE,
        "status": _(words),
        "tone": tone,
        "redeemed_at": redemption.redeemed_at,
        "ends_at": redemption.ended_at or redemption.expires_at,
        "commissions": each.commissions,
        "added": each.added,
    }


def _status(redemption: BoostRedemption) -> RedemptionStatus:
    """How it stands now: one whose end has come is over, whether or not that was noted yet."""
    over = redemption.expires_at is not None and redemption.expires_at <= clock.now()
    is_noted = redemption.status is not RedemptionStatus.ACTIVE
    return RedemptionStatus.EXPIRED if over and not is_noted else redemption.status


def boost_text(code: BoostCode) -> str:
    """What a boost adds, in words."""
    if code.boost_type is BoostType.FLAT_BONUS:
        return _("%(amount)s on each commission", amount=cents_text(int(code.boost_value)))
    return _("%(points)s points on the rate", points=number_text(code.boost_value))


def _shown(each: OwnBoost) -> BoostShown:
    redemption = each.redemption
    return BoostShown(
        code=redemption.code.code,
        type=redemption.code.boost_type,
        value=rate_text(redemption.code.boost_value),
        products=list(each.products),
        status=_status(redemption),
        redeemed_at=redemption.redeemed_at,
        expires_at=redemption.expires_at,
        ended_at=redemption.ended_at,
        commissions=each.commissions,
        added=each.added,
    )
