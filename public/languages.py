"""Languages: French by default, English complete; the profile decides, then the site's own
switch (a ``lang`` cookie), then the browser."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, has_request_context, request
from flask_babel import Babel, get_locale
from flask_login import current_user
from jinja2 import pass_context
from jinja2.runtime import Context
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

LANGUAGES = ("fr", "en")
LANGUAGE_COOKIE = "lang"
babel = Babel(
    date_formats={
        **Babel.default_date_formats,
        "date.medium": "d MMM y",
        "datetime.short": "dd/MM/y HH:mm",
        "time.short": "HH:mm",
    }
)
"""The house's own forms, the same in both languages: English alone would put the month first."""


def install(app: Flask) -> None:
    """Bind the catalogues; instants are shown as Paris reads them."""
    app.config.update(
        BABEL_DEFAULT_LOCALE="fr",
        BABEL_DEFAULT_TIMEZONE="Europe/Paris",
        BABEL_TRANSLATION_DIRECTORIES="content/translations",
    )
    babel.init_app(app, locale_selector=choose_language)
    app.jinja_env.globals["get_locale"] = get_locale


def said_to_the_reader(write: Callable[..., str]) -> Callable[..., str]:
    """A filter that writes in the reader's language. Jinja must not work it out ahead for a
    constant, or the page would keep the language of whoever came first."""

    @pass_context
    def written(_context: Context, *args: Any) -> str:
        return write(*args)

    return written


def choose_language() -> str:
    """The language of this answer."""
    if not has_request_context():
        return "fr"
    if hasattr(current_app, "login_manager"):
        chosen = getattr(current_user, "locale", None)
        if chosen in LANGUAGES:
            return str(chosen)
    switched = request.cookies.get(LANGUAGE_COOKIE)
    if switched in LANGUAGES:
        return str(switched)
    return preferred_language(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=512)
def preferred_language(accepted: str) -> str:
    """The language an Accept-Language header asks for among ours; French where it asks none."""
    return parse_accept_header(accepted, LanguageAccept).best_match(LANGUAGES) or "fr"
