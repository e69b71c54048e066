"""Where to go: paths of this site only, and each person's own place after sign-in."""

import re
from urllib.parse import quote, urlsplit
from uuid import UUID

from models.accounts import Platform, UserType
from models.catalog.community import has_guild
from models.session import staff_reading
from models.settings import current_settings

LONGEST_PATH = 500
# One slash, then no second one in any spelling that a browser takes for one; no white space.
_PATH = re.compile(r"/(?!/)[^\\\s]*")


def path_here(given: str | None) -> str | None:
    """A path of this site as it was given, or None: no scheme, no host, no backslash."""
    if not given or len(given) > LONGEST_PATH or not given.isprintable():
        return None
    if not _PATH.fullmatch(given):
        return None
    parts = urlsplit(given)
    return None if parts.scheme or parts.netloc else given


def sign_in_path(next_path: str | None) -> str:
    """The sign-in page, which then goes on to a path of this site."""
    return _then("/login", next_path)


def second_factor_path(next_path: str | None) -> str:
    """The second factor's page, which then goes on to a path of this site."""
    return _then("/second-factor", next_path)


def enrolment_path(next_path: str | None) -> str:
    """The page where a second factor is set up, which then goes on to a path of this site."""
    return _then("/second-factor/enrol", next_path)


def _then(path: str, next_path: str | None) -> str:
    return f"{path}?next={quote(next_path)}" if next_path else path


def console_of(user_type: UserType) -> str | None:
    """Where a member of staff works."""
    return {
        UserType.OWNER: f"/{current_settings().owner_console_path}/",
        UserType.ADMIN: "/admin/",
        UserType.PRODUCT_MANAGER: "/product-manager/",
    }.get(user_type)


def home_of(user_id: UUID, user_type: UserType, platform: Platform) -> str:
    """Where a person lands after sign-in when nothing else was asked for."""
    if platform is Platform.STAM:
        return "/dashboard"
    console = console_of(user_type)
    if console is not None:
        return console
    with staff_reading() as session:
        return "/home" if has_guild(session, user_id) else "/choose-guild"
