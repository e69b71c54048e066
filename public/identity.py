"""Who asks: the person behind the session cookie, as flask-login's ``current_user``.

``current_user`` is a ``SignedIn`` or ``Nobody``; both answer ``may(permission)`` and
``actor``, so that consoles, pages and endpoints ask the same things of it. A member of
staff whose session has not proved the second factor has no power but over themselves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import structlog
from flask import Flask, Response, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models import clock
from models.accounts import STAFF, Permission, Platform, UserSession, UserType, may
from models.accounts.open_session import is_due_for_touch, touch
from models.accounts.permissions import SELF
from models.accounts.user_session import FRESH, live_session
from models.errors import N_, DomainError, NotAllowed
from models.oversight import Actor
from models.session import member_session, staff_reading, unit_of_work
from models.settings import current_settings
from public.destinations import path_here, second_factor_path, sign_in_path
from public.hosts import platform_here

COOKIES = {Platform.WEOKTO: "weokto_session", Platform.STAM: "stam_session"}
REMEMBERED_SECONDS = 30 * 24 * 3600
WITHOUT_IDENTITY = frozenset({"health", "libraries"})
BEFORE_SECOND_FACTOR = frozenset({"api_auth", "json_api", "pages", "second_factor", "sign_in"})

login_manager = LoginManager()
View = TypeVar("View", bound=Callable[..., Any])


class NotSignedIn(DomainError):
    status = 401
    code = "not_signed_in"
    message = N_("Sign in first.")


class SecondFactorNeeded(NotAllowed):
    code = "second_factor_needed"
    message = N_("Prove your second factor first.")


class _Asking:
    """What is true of anyone who asks."""

    id: UUID | None = None
    session_id: UUID | None = None
    user_type: UserType | None = None
    second_factor_at: datetime | None = None

    @property
    def is_staff(self) -> bool:
        return self.user_type in STAFF

    @property
    def needs_second_factor(self) -> bool:
        """Whether this is staff in a session that has not proved the second factor yet."""
        return self.is_staff and self.second_factor_at is None

    @property
    def second_factor_is_fresh(self) -> bool:
        """Whether it was proved in the last ten minutes, as a money act wants."""
        proved = self.second_factor_at
        return proved is not None and clock.now() - proved < FRESH

    def may(self, permission: Permission) -> bool:
        """Whether this person has a permission here and now."""
        if self.needs_second_factor and permission not in SELF:
            return False
        return may(self.user_type, permission)

    @property
    def actor(self) -> Actor:
        """Who the audit trail names for what this request does."""
        return Actor(
            role=str(self.user_type or "nobody"),
            user_id=self.id,
            ip=request.remote_addr,
            session_id=self.session_id,
            request_id=g.get("request_id"),
        )


class Nobody(_Asking, AnonymousUserMixin):
    """A visitor who is not signed in."""

    locale: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class SignedIn(_Asking, UserMixin):
    """A signed-in person and the session they ask from."""

    id: UUID
    session_id: UUID
    platform: Platform
    email: str
    display_name: str
    bio: str
    avatar_url: str | None
    locale: str
    user_type: UserType
    second_factor_at: datetime | None
    expires_at: datetime


def install(app: Flask) -> None:
    """Read the cookie of whoever asks; keep staff without second factor out of their powers."""
    login_manager.session_protection = None  # our sessions are rows; Flask's holds no identity
    login_manager.anonymous_user = Nobody
    login_manager.request_loader(_read_cookie)
    login_manager.init_app(app)
    app.before_request(_meet)
    app.after_request(_drop_dead_cookie)


def acting() -> Actor:
    """Who acts in this request."""
    actor: Actor = current_user.actor
    return actor


@contextmanager
def member_reading() -> Iterator[Session]:
    """A transaction in which row security shows what the person who asks may see."""
    with member_session(current_user.id) as session:
        yield session


def signed_in_only(view: View) -> View:
    """A page for signed-in people; others are sent to sign in, and back. JSON gets 401."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        if current_user.is_authenticated:
            return view(*args, **kwargs)
        if request.path.startswith("/api/"):
            raise NotSignedIn
        asked = path_here(request.full_path.rstrip("?")) if request.method == "GET" else None
        return redirect(sign_in_path(asked), 303)

    return answer  # type: ignore[return-value]


def needs(permission: Permission) -> Callable[[View], View]:
    """A page or endpoint for those who have a permission: sign-in first, then 403."""

    def decorate(view: View) -> View:
        @signed_in_only
        @wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Any:
            if not current_user.may(permission):
                raise NotAllowed
            return view(*args, **kwargs)

        return answer  # type: ignore[return-value]

    return decorate


def give_cookie(answer: Response, token: str, *, remember: bool) -> None:
    """Let a browser keep a session's token: this host only, out of scripts' reach."""
    answer.set_cookie(
        COOKIES[platform_here()],
        token,
        max_age=REMEMBERED_SECONDS if remember else None,
        httponly=True,
        secure=request.is_secure or current_settings().is_production,
        samesite="Lax",
    )


def take_cookie(answer: Response) -> None:
    """Make a browser forget its session's token."""
    answer.delete_cookie(
        COOKIES[platform_here()],
        httponly=True,
        secure=request.is_secure or current_settings().is_production,
        samesite="Lax",
    )


def _read_cookie(_request: Any) -> SignedIn | None:
    token = request.cookies.get(COOKIES[platform_here()]) if "platform" in g else None
    if not token or g.get("identity_unknown"):
        return None
    try:
        with staff_reading() as session:
            row = live_session(session, token, platform=platform_here(), now=clock.now())
    except SQLAlchemyError:
        g.identity_unknown = True  # the page that tells about it must not ask again
        raise
    if row is None:
        return None
    g.session_row = row
    return _person(row)


def _person(row: UserSession) -> SignedIn:
    user = row.user
    return SignedIn(
        id=user.id,
        session_id=row.id,
        platform=user.platform,
        email=user.email,
        display_name=user.display_name,
        bio=user.bio,
        avatar_url=user.avatar_url,
        locale=user.locale,
        user_type=user.user_type,
        second_factor_at=row.second_factor_at,
        expires_at=row.expires_at,
    )


def _meet() -> ResponseReturnValue | None:
    """Note that a session is in use, by whom in the logs, and ask staff for the second factor it
    still lacks."""
    area = (request.endpoint or "").split(".", 1)[0]
    if request.endpoint is None or area == "static" or area in WITHOUT_IDENTITY:
        return None
    if COOKIES[platform_here()] not in request.cookies or not current_user.is_authenticated:
        return None
    structlog.contextvars.bind_contextvars(user_id=str(current_user.id))
    now = clock.now()
    if is_due_for_touch(g.session_row.last_activity_at, now):
        with unit_of_work() as session:
            touch(session, current_user.session_id, now=now)
    if not current_user.needs_second_factor or area in BEFORE_SECOND_FACTOR:
        return None
    if request.path.startswith(f"/{current_settings().owner_console_path}"):
        return None  # it keeps its own door: to most of staff there is nothing here
    if request.path.startswith("/api/"):
        raise SecondFactorNeeded
    asked = path_here(request.full_path.rstrip("?")) if request.method == "GET" else None
    return redirect(second_factor_path(asked), 303)


def _drop_dead_cookie(answer: Response) -> Response:
    """A cookie that opens nothing would keep its browser from every cached page."""
    if "platform" not in g or g.get("identity_unknown") or request.endpoint in (None, "static"):
        return answer
    name = COOKIES[platform_here()]
    area = (request.endpoint or "").split(".", 1)[0]
    if name in request.cookies and area not in WITHOUT_IDENTITY and not current_user.is_active:
        given = any(
            cookie.startswith(f"{name}=") for cookie in answer.headers.getlist("Set-Cookie")
        )
        if not given:
            take_cookie(answer)
    return answer
