"""Which of the two brands answers, and what every page's frame needs to know about it."""

from dataclasses import dataclass

from flask import current_app, g, request
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from models.accounts.platform import Platform
from models.errors import N_
from models.settings import Settings, current_settings


@dataclass(frozen=True)
class Brand:
    """One site's name, words and paths; ``slug`` names its templates and its style sheet.

    ``theme_colours`` are (scheme, colour) pairs for the browser's own frame; a scheme ""
    is for all. ``home_path`` is where a signed-in person lands.
    """

    platform: Platform
    slug: str
    name: str
    words: str
    home_path: str
    theme_colours: tuple[tuple[str, str], ...]
    social: tuple[str, ...]

    @property
    def description(self) -> str:
        """What the site is, in one sentence of the reader's language."""
        return _(self.words)


BRANDS = {
    Platform.WEOKTO: Brand(
        platform=Platform.WEOKTO,
        slug="weokto",
        name="WEOKTO",
        words=N_("Guilds for people who sell, and who want to know to the cent what they earned."),
        home_path="/home",
        theme_colours=(("", "#0a0a0a"),),
        social=(
            "https://www.instagram.com/weokto",
            "https://www.youtube.com/@weokto",
            "https://x.com/weokto",
        ),
    ),
    Platform.STAM: Brand(
        platform=Platform.STAM,
        slug="stam",
        name="Stam",
        words=N_("Communities where people learn a trade together."),
        home_path="/dashboard",
        theme_colours=(("light", "#faf4e8"), ("dark", "#1a1410")),
        social=(
            "https://www.instagram.com/be.stam",
            "https://www.youtube.com/@bestam",
            "https://www.linkedin.com/company/be-stam",
        ),
    ),
}


def platform_of(host: str, settings: Settings) -> Platform | None:
    """The platform of a host name, whatever its port; None for a host of neither."""
    name = host.rsplit(":", 1)[0].lower()
    if name in settings.weokto_hosts:
        return Platform.WEOKTO
    return Platform.STAM if name in settings.stam_hosts else None


def brand_here() -> Brand:
    """The brand of this request's host; WEOKTO's where a host is of neither."""
    platform = g.get("platform") or platform_of(request.host, current_settings())
    return BRANDS[Platform(platform or Platform.WEOKTO)]


def public_url(path: str = "") -> str:
    """This site's address as the world knows it, with a path."""
    settings = current_settings()
    known = {
        Platform.WEOKTO: settings.public_url_weokto,
        Platform.STAM: settings.public_url_stam,
    }[brand_here().platform]
    return (known or request.host_url).rstrip("/") + path


def somebody_is_signed_in() -> bool:
    """Whether this request comes from a signed-in person."""
    if not hasattr(current_app, "login_manager"):
        return False
    from flask_login import current_user

    try:
        return bool(current_user.is_authenticated)
    except SQLAlchemyError:  # the page that says the database is away must not need it
        return False
