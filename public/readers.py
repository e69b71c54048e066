"""Who reads a page kept as bytes: told from the session cookie by one small read, before Flask."""

from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from werkzeug.sansio.http import parse_cookie

from models import clock
from models.accounts.open_session import is_due_for_touch
from models.accounts.user_session import live_reader
from models.session import staff_glance
from models.settings import current_settings
from public.brand import platform_of
from public.identity import COOKIES


def reader_of(environ: dict[str, Any]) -> str | None:
    """The language of whoever is signed in here; None leaves the request to the application.

    It is left there too when the session is due to be noted as in use, and while the
    database is away.
    """
    host = environ.get("HTTP_X_FORWARDED_HOST") or environ.get("HTTP_HOST", "")
    platform = platform_of(host, current_settings())
    token = parse_cookie(environ.get("HTTP_COOKIE")).get(COOKIES[platform]) if platform else None
    if platform is None or not token:
        return None
    now = clock.now()
    try:
        with staff_glance() as connection:
            found = live_reader(connection, token, platform=platform, now=now)
    except SQLAlchemyError:
        return None
    if found is None or is_due_for_touch(found.last_activity_at, now):
        return None
    return found.locale
