"""Making the copies of their data that people asked for: a ZIP of JSON, CSV and a few words."""

import io
import json
import logging
import zipfile
from functools import lru_cache
from gettext import NullTranslations
from typing import Any
from uuid import UUID

from babel.support import Translations

from jobs.mail_rendering import LOCALES, ROOT
from models import clock
from models.accounts import DataRequest, User
from models.accounts.avatar import PREFIX, picture_file
from models.accounts.collect_data import Rows, collect_data
from models.accounts.copy_data import keep_copy
from models.accounts.data_request import copies_to_make
from models.csv_lines import csv_lines
from models.errors import N_
from models.oversight import SYSTEM
from models.session import member_session, staff_reading, unit_of_work

log = logging.getLogger(__name__)

INTRODUCTION = N_(
    "This is everything %(site)s holds on %(email)s, on %(moment)s in universal time."
    " data.json holds all of it; each CSV file holds one kind of record."
    " Amounts are in cents, instants in universal time."
)
LEFT_OUT = N_(
    "Left out: what would open something (tokens and keys), and what belongs to other people."
    " We never had the number of your card."
)


def make_copies() -> dict[str, int]:
    """Make every copy that is asked for. Safe twice: one that is there is not made again."""
    counts = {"copies": 0, "errors": 0}
    with staff_reading() as session:
        asked = copies_to_make(session)
    for request_id in asked:
        try:
            counts["copies"] += _make(request_id)
        except Exception:  # one person's copy holds up nobody else's; the night tries again
            log.exception("data_copy.crashed", extra={"data_request_id": str(request_id)})
            counts["errors"] += 1
    return counts


def _make(request_id: UUID) -> int:
    with staff_reading() as staff:
        request = DataRequest.get(staff, request_id)
        user = User.get(staff, request.user_id)
        with member_session(user.id) as own:
            data = collect_data(own, staff, user)
        content = packed(data, user, locale=user.locale)
    with unit_of_work() as session:
        keep_copy(session, request_id, content, actor=SYSTEM, now=clock.now())
    return 1


def packed(data: dict[str, Rows], user: User, *, locale: str) -> bytes:
    """The ZIP: a few words in the person's language, everything as JSON, each table as CSV."""
    said = {
        "site": user.platform.value,
        "email": user.email,
        "moment": f"{clock.now():%Y-%m-%d %H:%M}",
    }
    words = [_words(locale).gettext(text) for text in (INTRODUCTION, LEFT_OUT)]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", "\n\n".join(words) % said + "\n")
        archive.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=2))
        picture = picture_file((user.avatar_url or "").removeprefix(PREFIX))
        if picture is not None:
            archive.write(picture, "picture.webp")
        for name, rows in data.items():
            titles = list(rows[0])
            lines = ([_cell(row[title]) for title in titles] for row in rows)
            archive.writestr(f"{name}.csv", "".join(csv_lines(titles, lines)))
    return made.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


@lru_cache(maxsize=len(LOCALES))
def _words(locale: str) -> NullTranslations:
    return Translations.load(ROOT / "content" / "translations", [locale])
