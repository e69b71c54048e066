"""Languages: French by default, English complete; the profile decides, then the browser."""

from flask import Flask, current_app, has_request_context, request
from flask_babel import Babel, get_locale
from flask_login import current_user

LANGUAGES = ("fr", "en")
babel = Babel()


def install(app: Flask) -> None:
    """Bind the catalogues; instants are shown as Paris reads them."""
    app.config.update(
        BABEL_DEFAULT_LOCALE="fr",
        BABEL_DEFAULT_TIMEZONE="Europe/Paris",
        BABEL_TRANSLATION_DIRECTORIES="content/translations",
    )
    babel.init_app(app, locale_selector=choose_language)
    app.jinja_env.globals["get_locale"] = get_locale


def choose_language() -> str:
    """The language of this answer."""
    if not has_request_context():
        return "fr"
    if hasattr(current_app, "login_manager"):
        chosen = getattr(current_user, "locale", None)
        if chosen in LANGUAGES:
            return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or "fr"
