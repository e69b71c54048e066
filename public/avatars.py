"""Pictures of people: chosen on the profile page, served under names nobody guesses."""

from flask import Blueprint, Response, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.accounts.avatar import (
    LARGEST,
    change_avatar,
    drop_picture,
    picture_file,
    remove_avatar,
)
from models.errors import BadInput
from models.session import unit_of_work
from public.account import profile_page
from public.identity import acting, needs
from public.limits import limiter
from public.member_menu import in_member_area

pages = Blueprint("avatars", __name__)
pages.context_processor(in_member_area)
A_YEAR = 365 * 24 * 3600


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers.setdefault("Cache-Control", "no-store")  # but a picture, which says so itself
    return answer


@pages.get("/profile/avatar")
def back_to_profile() -> ResponseReturnValue:
    """Where whoever reloads a refused upload, or changes its language, belongs."""
    return redirect("/profile", 303)


@pages.post("/profile/avatar")
@needs(Permission.USERS_EDIT_OWN)
@limiter.limit("30 per hour")
def upload() -> ResponseReturnValue:
    """Take a picture, and let the former one's file go once the new one is committed."""
    file = request.files.get("avatar")
    sent = file.stream.read(LARGEST + 1) if file else b""
    former = current_user.avatar_url
    try:
        with unit_of_work() as session:
            change_avatar(session, current_user.id, sent, actor=acting(), now=clock.now())
    except BadInput as refusal:
        return profile_page(refusal)
    drop_picture(former)
    flash(_("Your picture is changed."), "good")
    return redirect("/profile", 303)


@pages.post("/profile/avatar/remove")
@needs(Permission.USERS_EDIT_OWN)
def remove() -> ResponseReturnValue:
    """Have no picture any more."""
    former = current_user.avatar_url
    with unit_of_work() as session:
        remove_avatar(session, current_user.id, actor=acting(), now=clock.now())
    drop_picture(former)
    return redirect("/profile", 303)


@pages.get("/avatars/<name>")
def picture(name: str) -> ResponseReturnValue:
    """A picture's file, which never changes under its name; an unknown name is 404."""
    file = picture_file(name)
    if file is None:
        abort(404)
    answer = Response(file.read_bytes(), mimetype="image/webp")
    answer.headers["Cache-Control"] = f"private, max-age={A_YEAR}, immutable"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
