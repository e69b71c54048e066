"""Letting somebody in: what the sign-in pages and the sign-in endpoints share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask import session as browser
from flask_babel import get_locale
from flask_login import current_user
from sqlalchemy.orm import Session

from models import clock
from models.accounts import MagicLink, User
from models.accounts.open_session import end_session, open_session
from models.accounts.send_magic_link import send_magic_link
from models.accounts.use_magic_link import use_code, use_link
from models.session import unit_of_work
from public.destinations import home_of, path_here, second_factor_path
from public.hosts import platform_here
from public.identity import acting, give_cookie, take_cookie
from public.limits import limiter

ASKED = "sign_in"

limit_sending = limiter.shared_limit("20 per hour", scope="send-magic-link", methods=["POST"])
limit_verifying = limiter.shared_limit("10 per minute", scope="verify", methods=["POST"])


@dataclass(frozen=True)
class Asked:
    """What a browser asked for when it asked for a link: kept until it comes back with it."""

    email: str = ""
    remember: bool = False
    next_path: str | None = None


def send_to(email: str, *, remember: bool, next_path: str | None) -> None:
    """Send a link and a code, and remember in this browser what was asked."""
    next_path = path_here(next_path)
    with unit_of_work() as session:
        send_magic_link(
            session,
            platform=platform_here(),
            email=email,
            locale=language(),
            actor=acting(),
            now=clock.now(),
            next_path=next_path,
        )
    browser[ASKED] = {"email": email.strip()[:254], "remember": remember, "next": next_path}


def asked_here() -> Asked:
    """What this browser asked for; nothing where it is another one."""
    kept: dict[str, Any] = browser.get(ASKED) or {}
    return Asked(
        email=str(kept.get("email") or ""),
        remember=bool(kept.get("remember")),
        next_path=path_here(kept.get("next")),
    )


@dataclass(frozen=True)
class LetIn:
    """Somebody let in: where they go, and the token for their cookie."""

    destination: str
    token: str
    remember: bool

    def onto(self, answer: Response) -> Response:
        """Give an answer the session's cookie, and start this browser's form token anew."""
        browser.clear()
        give_cookie(answer, self.token, remember=self.remember)
        return answer


def by_code(email: str, code: str, *, remember: bool, next_path: str | None) -> LetIn:
    """Let in by the code of a mail. Raises what ``use_code`` does."""

    def use(session: Session) -> tuple[User, MagicLink]:
        return use_code(
            session,
            email,
            code,
            platform=platform_here(),
            locale=language(),
            actor=acting(),
            now=clock.now(),
        )

    return _let_in(use, remember=remember, next_path=next_path)


def by_link(token: str, *, remember: bool, next_path: str | None) -> LetIn:
    """Let in by the link of a mail. Raises what ``use_link`` does."""

    def use(session: Session) -> tuple[User, MagicLink]:
        return use_link(
            session,
            token,
            platform=platform_here(),
            locale=language(),
            actor=acting(),
            now=clock.now(),
        )

    return _let_in(use, remember=remember, next_path=next_path)


def out() -> None:
    """End this browser's session; where there is none, nothing changes."""
    if current_user.is_authenticated:
        with unit_of_work() as session:
            end_session(session, current_user.session_id, actor=acting(), now=clock.now())
    browser.clear()


def signed_out(answer: Response) -> Response:
    """An answer that makes the browser forget its session."""
    take_cookie(answer)
    return answer


def language() -> str:
    """The language of this request, for the mails that follow from it."""
    return str(get_locale() or "fr")[:2]


def _let_in(
    use: Callable[[Session], tuple[User, MagicLink]], *, remember: bool, next_path: str | None
) -> LetIn:
    """One transaction: the link is used, this browser's former session ends, a new one opens."""
    former = current_user.session_id
    with unit_of_work() as session:
        user, link = use(session)
        if former is not None:
            end_session(session, former, actor=acting(), now=clock.now())
        _row, token = open_session(
            session,
            user,
            user_agent=request.headers.get("User-Agent", ""),
            remember=remember,
            actor=acting(),
            now=clock.now(),
        )
    wanted = path_here(next_path) or path_here(link.next_path)
    destination = wanted or home_of(user.id, user.user_type, user.platform)
    if user.is_staff:
        destination = second_factor_path(destination)
    return LetIn(destination, token, remember)
