"""Sign-in for the landing pages' modal: the same rules as the pages, as JSON."""

from typing import Annotated
from uuid import UUID

from flask import Blueprint, Response, make_response
from flask_login import current_user
from pydantic import Field

from models.accounts import Platform, UserType
from public.identity import NotSignedIn
from public.json_api import Answer, Body, endpoint
from public.letting_in import (
    asked_here,
    by_code,
    limit_sending,
    limit_verifying,
    out,
    send_to,
    signed_out,
)

pages = Blueprint("api_auth", __name__, url_prefix="/api/auth")

Address = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]
Path = Annotated[str, Field(max_length=500)]


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


class AskLink(Body):
    """Who wants in, for how long, and where to."""

    email: Address
    remember: bool = False
    next: Path | None = None


class GiveCode(Body):
    """The code of the mail; what was asked with the address may be said again."""

    email: Address
    code: Annotated[str, Field(max_length=20)]
    remember: bool | None = None
    next: Path | None = None


class Sent(Answer):
    """Said whether the address is known or not."""

    sent: bool


class In(Answer):
    """Signed in; where to go."""

    redirect_url: str


class Out(Answer):
    """Signed out."""

    signed_out: bool


class Me(Answer):
    """The signed-in person."""

    id: UUID
    platform: Platform
    email: str
    display_name: str
    avatar_url: str | None
    locale: str
    user_type: UserType
    needs_second_factor: bool


@pages.post("/magic-link/send")
@limit_sending
@endpoint(answers=Sent, tag="sign-in")
def send_link(json: AskLink) -> Sent:
    """Send a link and a six-digit code to an address."""
    send_to(json.email, remember=json.remember, next_path=json.next)
    return Sent(sent=True)


@pages.post("/magic-link/verify-otp")
@limit_verifying
@endpoint(answers=In, refuses=(410,), tag="sign-in")
def verify_code(json: GiveCode) -> Response:
    """Sign in with the code of the mail."""
    asked = asked_here()
    remember = asked.remember if json.remember is None else json.remember
    next_path = json.next or asked.next_path
    let_in = by_code(json.email, json.code, remember=remember, next_path=next_path)
    body = In(redirect_url=let_in.destination)
    return let_in.onto(make_response(body.model_dump(mode="json")))


@pages.post("/logout")
@endpoint(answers=Out, tag="sign-in")
def sign_out() -> Response:
    """End this browser's session; where there is none, nothing changes."""
    out()
    return signed_out(make_response(Out(signed_out=True).model_dump(mode="json")))


@pages.get("/me")
@endpoint(answers=Me, refuses=(401,), tag="sign-in")
def me() -> Me:
    """Who is signed in."""
    if not current_user.is_authenticated:
        raise NotSignedIn
    return Me(
        id=current_user.id,
        platform=current_user.platform,
        email=current_user.email,
        display_name=current_user.display_name,
        avatar_url=current_user.avatar_url,
        locale=current_user.locale,
        user_type=current_user.user_type,
        needs_second_factor=current_user.needs_second_factor,
    )
