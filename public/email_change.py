"""Moving one's account to another address: asked in the settings, confirmed from the new one."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.accounts.change_email import (
    MINUTES,
    ChangeSpent,
    ask_email_change,
    check_email_change,
    confirm_email_change,
)
from models.errors import BadInput, DomainError, TooMany
from models.session import staff_reading, unit_of_work
from public.errors import in_words
from public.hosts import platform_here
from public.identity import acting, needs
from public.letting_in import limit_verifying
from public.limits import limiter
from public.member_menu import in_member_area

pages = Blueprint("email_change", __name__)
pages.context_processor(in_member_area)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@pages.get("/settings/email")
@needs(Permission.USERS_EDIT_OWN)
def ask() -> ResponseReturnValue:
    """The form for the new address."""
    return _form(sent="sent" in request.args)


@pages.post("/settings/email")
@needs(Permission.USERS_EDIT_OWN)
@limiter.limit("20 per hour")
def send() -> ResponseReturnValue:
    """Mail the link; the answer is the same whether the address has an account or not."""
    given = request.form.get("email", "")
    try:
        with unit_of_work() as session:
            ask_email_change(session, current_user.id, given, actor=acting(), now=clock.now())
    except (BadInput, TooMany) as refusal:
        page = _form(given=given[:254], error=in_words(refusal))
        answer = make_response(page, refusal.status)
        if refusal.status == 429:
            answer.headers["Retry-After"] = str(int(refusal.params["minutes"]) * 60)
        return answer
    return redirect("/settings/email?sent=1", 303)


@pages.get("/verify-email")
def show() -> ResponseReturnValue:
    """One button that confirms: opening a link does nothing, since mail scanners open links."""
    token = request.args.get("token", "")
    try:
        with staff_reading() as session:
            change = check_email_change(session, token, platform=platform_here(), now=clock.now())
    except ChangeSpent as refusal:
        return _refused(refusal)
    return render_template("public/account/verify_email.html", token=token, email=change.new_email)


@pages.post("/verify-email")
@limit_verifying
def confirm() -> ResponseReturnValue:
    """Move the account; whoever is signed in here sees it in their settings."""
    token = request.form.get("token", "")
    try:
        with unit_of_work() as session:
            user = confirm_email_change(
                session, token, platform=platform_here(), actor=acting(), now=clock.now()
            )
    except DomainError as refusal:
        return _refused(refusal)
    flash(_("Your account has its new address."), "good")
    return redirect("/settings" if current_user.id == user.id else "/login", 303)


def _form(*, given: str = "", error: str = "", sent: bool = False) -> str:
    return render_template(
        "public/account/email.html",
        email=current_user.email,
        given=given,
        error=error,
        sent=sent,
        minutes=MINUTES,
    )


def _refused(refusal: DomainError) -> Response:
    page = render_template("public/account/verify_email.html", error=in_words(refusal))
    return make_response(page, refusal.status)
