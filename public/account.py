"""One's own account: profile, language, and the sessions one can end."""

from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import MailTopic, Permission, UserSession, UserType
from models.accounts.edit_profile import edit_profile
from models.accounts.mail_choice import choose_mails, silenced
from models.accounts.open_session import end_all_sessions, end_session
from models.accounts.user_session import live_sessions_of
from models.billing.own_purchases import own_purchases
from models.errors import BadInput
from models.session import unit_of_work
from public.errors import in_words
from public.identity import acting, member_reading, needs
from public.member_menu import in_member_area
from public.own_invoices import FIRST_FEW, shown_invoices
from public.subscription_words import shown_purchase
from public.subscriptions import ask_the_bank

pages = Blueprint("account", __name__)
pages.context_processor(in_member_area)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/profile")
@needs(Permission.USERS_READ_OWN)
def profile() -> ResponseReturnValue:
    """The profile form."""
    return profile_page()


@pages.post("/profile")
@needs(Permission.USERS_EDIT_OWN)
def save_profile() -> ResponseReturnValue:
    """Save what the form says."""
    given = {name: request.form.get(name) for name in ("display_name", "bio", "locale")}
    try:
        with unit_of_work() as session:
            edit_profile(session, current_user.id, actor=acting(), now=clock.now(), **given)
    except BadInput as refusal:
        return profile_page(refusal, **given)
    return redirect("/profile?saved=1", 303)


def profile_page(refusal: BadInput | None = None, **given: str | None) -> Response:
    """The profile as it is, or as it was ``given`` with what was wrong with it."""
    shown = {
        "display_name": current_user.display_name,
        "bio": current_user.bio,
        "locale": current_user.locale,
        **given,
    }
    page = render_template(
        "public/account/profile.html",
        email=current_user.email,
        avatar_url=current_user.avatar_url,
        lang=shown["locale"],
        display_name=shown["display_name"],
        bio=shown["bio"],
        errors={refusal.field: in_words(refusal)} if refusal else {},
        saved="saved" in request.args,
    )
    return make_response(page, refusal.status if refusal else 200)


@pages.get("/settings")
@needs(Permission.SESSIONS_READ_OWN)
def settings() -> ResponseReturnValue:
    """Subscriptions and invoices, language and sessions."""
    with member_reading() as session:
        purchases = own_purchases(session, current_user.id)
    if sum(map(ask_the_bank, purchases)):  # each of them is asked
        with member_reading() as session:
            purchases = own_purchases(session, current_user.id)
    with member_reading() as session:
        rows = live_sessions_of(session, current_user.id, now=clock.now())
        off = silenced(session, current_user.id)
        invoices, has_more = shown_invoices(session, limit=FIRST_FEW)
    return render_template(
        "public/account/settings.html",
        email=current_user.email,
        lang=current_user.locale,
        purchases=[shown_purchase(purchase, now=clock.now()) for purchase in purchases],
        invoices=invoices,
        has_more=has_more,
        sessions=rows,
        here=current_user.session_id,
        mails=_mails(off) if current_user.user_type is UserType.AFFILIATE else [],
        may_ask_data=current_user.may(Permission.DATA_REQUESTS_ASK_OWN),
        saved="saved" in request.args,
    )


@pages.post("/settings/mails")
@needs(Permission.SETTINGS_EDIT_OWN)
def save_mails() -> ResponseReturnValue:
    """Be mailed about what is ticked, and about nothing else that can be switched off."""
    ticked = [topic for topic in MailTopic if topic in request.form.getlist("topic")]
    with unit_of_work() as session:
        choose_mails(session, current_user.id, ticked, actor=acting())
    return redirect("/settings?saved=1", 303)


@pages.post("/settings/language")
@needs(Permission.USERS_EDIT_OWN)
def save_language() -> ResponseReturnValue:
    """Speak another language from now on, in mails too."""
    with unit_of_work() as session:
        edit_profile(
            session,
            current_user.id,
            locale=request.form.get("locale", ""),
            actor=acting(),
            now=clock.now(),
        )
    return redirect("/settings?saved=1", 303)


@pages.post("/settings/sessions/<uuid:session_id>/end")
@needs(Permission.SESSIONS_END_OWN)
def end_one(session_id: UUID) -> ResponseReturnValue:
    """End one of one's own sessions; somebody else's is 404, as row security says."""
    with member_reading() as own:
        UserSession.get(own, session_id)
    with unit_of_work() as session:
        end_session(session, session_id, actor=acting(), now=clock.now())
    return redirect("/login" if session_id == current_user.session_id else "/settings?saved=1", 303)


@pages.post("/settings/sessions/end-others")
@needs(Permission.SESSIONS_END_OWN)
def end_others() -> ResponseReturnValue:
    """End every session of one's own but this one."""
    with unit_of_work() as session:
        end_all_sessions(
            session,
            current_user.id,
            actor=acting(),
            now=clock.now(),
            but=current_user.session_id,
        )
    return redirect("/settings?saved=1", 303)


def _mails(off: set[MailTopic]) -> list[tuple[str, str, bool]]:
    """Each topic of mails that can be switched off, in words, and whether it is on."""
    words = {
        MailTopic.SALES: _("Each commission I earn"),
        MailTopic.DIGEST: _("On Monday, the commissions released in the week"),
    }
    return [(topic.value, text, topic not in off) for topic, text in words.items()]
