"""Signing in and out, without a password: an address, then the code or the link of a mail."""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from models import clock
from models.accounts.use_magic_link import LinkSpent, check_link
from models.errors import DomainError
from models.session import staff_reading
from public.destinations import home_of, path_here
from public.errors import in_words
from public.hosts import platform_here
from public.letting_in import (
    LetIn,
    asked_here,
    by_code,
    by_link,
    limit_sending,
    limit_verifying,
    out,
    send_to,
    signed_out,
)

pages = Blueprint("sign_in", __name__)


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def refused(template: str, refusal: DomainError, **context: Any) -> Response:
    """The same form again, saying what was wrong with it, under the refusal's status."""
    page = make_response(
        render_template(template, error=in_words(refusal), **context), refusal.status
    )
    if refusal.status == 429:
        page.headers["Retry-After"] = str(int(refusal.params.get("minutes", 1)) * 60)
    return page


@pages.get("/login")
def login() -> ResponseReturnValue:
    """The address form; whoever is signed in already goes on."""
    wanted = path_here(request.args.get("next"))
    if current_user.is_authenticated:
        home = home_of(current_user.id, current_user.user_type, current_user.platform)
        return redirect(wanted or home, 303)
    return render_template("public/account/login.html", next=wanted or "", email="")


@pages.post("/login")
@limit_sending
def ask_for_link() -> ResponseReturnValue:
    """Send a code and a link; the answer is the same whether the address is known or not."""
    email = request.form.get("email", "")
    wanted = path_here(request.form.get("next"))
    try:
        send_to(email, remember=bool(request.form.get("remember")), next_path=wanted)
    except DomainError as refusal:
        return refused("public/account/login.html", refusal, email=email[:254], next=wanted or "")
    return redirect("/verify-otp", 303)


@pages.get("/verify-otp")
def ask_code() -> ResponseReturnValue:
    """The code form, for the address this browser asked with."""
    asked = asked_here()
    if not asked.email:
        return redirect("/login", 303)
    return render_template(
        "public/account/verify_otp.html", email=asked.email, next=asked.next_path or ""
    )


@pages.post("/verify-otp")
@limit_verifying
def take_code() -> ResponseReturnValue:
    """Sign in by code."""
    asked = asked_here()
    email = request.form.get("email") or asked.email
    wanted = path_here(request.form.get("next")) or asked.next_path
    try:
        let_in = by_code(
            email, request.form.get("code", ""), remember=asked.remember, next_path=wanted
        )
    except DomainError as refusal:
        context = {"email": email[:254], "next": wanted or ""}
        return refused("public/account/verify_otp.html", refusal, **context)
    return _welcomed(let_in)


@pages.get("/verify")
def show_link() -> ResponseReturnValue:
    """One button that signs in: opening a link does nothing, since mail scanners open links."""
    token = request.args.get("token", "")
    try:
        with staff_reading() as session:
            check_link(session, token, platform=platform_here(), now=clock.now())
    except LinkSpent as refusal:
        return refused("public/account/verify.html", refusal, token="", next="")
    return render_template("public/account/verify.html", token=token, next="")


@pages.post("/verify")
@limit_verifying
def take_link() -> ResponseReturnValue:
    """Sign in by link."""
    try:
        let_in = by_link(
            request.form.get("token", ""),
            remember=asked_here().remember,
            next_path=request.form.get("next"),
        )
    except DomainError as refusal:
        return refused("public/account/verify.html", refusal, token="", next="")
    return _welcomed(let_in)


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session and go to the front door."""
    out()
    return signed_out(make_response(redirect("/", 303)))


def _welcomed(let_in: LetIn) -> Response:
    return let_in.onto(make_response(redirect(let_in.destination, 303)))
