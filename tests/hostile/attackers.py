"""Those who send rubbish, and what every answer to them must be like."""

import re
from itertools import count

from sqlalchemy import select

from models import clock
from models.accounts import User
from models.accounts.open_session import open_session
from models.oversight import NOBODY
from models.session import staff_reading, unit_of_work
from models.tables import metadata
from tests.factories import Make

_addresses = count(1)

INNARDS = re.compile(r"Traceback \(most|psycopg2|sqlalchemy|werkzeug\.|File &#34;|File \"/")
REFUSALS = {400, 401, 403, 404, 405, 409, 410, 413, 414, 415, 422, 429}


def an_address():
    """Another one each time, so that no limit of one visitor's pace stands in the way."""
    number = next(_addresses)
    return f"198.18.{number // 250 % 250}.{number % 250 + 1}"


class Stranger:
    """A browser without scruples: every request from another address, no token unless taken."""

    def __init__(self, app, site="weokto", lang="fr"):
        self.base = f"http://{site}.localhost"
        self.lang = lang
        self.browser = app.test_client()

    def ask(self, method, path, **values):
        values.setdefault("base_url", self.base)
        headers = {"Accept-Language": self.lang, **values.pop("headers", {})}
        environ = {"REMOTE_ADDR": an_address(), **values.pop("environ_overrides", {})}
        return self.browser.open(
            path,
            method=method,
            headers=headers,
            environ_overrides=environ,
            buffered=True,
            **values,
        )

    def get(self, path, **values):
        return self.ask("GET", path, **values)

    def post(self, path, **values):
        return self.ask("POST", path, **values)


def signed_in(visitor, email, platform, **values):
    """Let a visitor be a person of their platform, staff with their second factor proved."""
    with unit_of_work() as session:
        user = session.scalar(select(User).where(User.email == email, User.platform == platform))
        if user is None:
            user = Make(session).user(email, platform=platform, **values)
        row, token = open_session(
            session, user, user_agent="Test", remember=False, actor=NOBODY, now=clock.now()
        )
        row.second_factor_at = clock.now() if user.is_staff else None
    name = f"{platform.lower()}_session"
    visitor.browser.set_cookie(name, token, domain=visitor.base.removeprefix("http://"))
    return visitor


def rows():
    """How many rows every table has; asked thousands of times, so planned once a connection."""
    with staff_reading() as session:
        connection = session.connection()
        if "row_counts" not in connection.info:
            counts = " UNION ALL ".join(
                f"SELECT '{name}', count(*) FROM {name}" for name in sorted(metadata.tables)
            )
            connection.exec_driver_sql(f"PREPARE row_counts AS {counts}")
            connection.info["row_counts"] = True
        return dict(connection.exec_driver_sql("EXECUTE row_counts").all())


def assert_told(answer, *, refused=None):
    """An answer that is no crash, and where it is a refusal, one in words with its status.

    ``refused``: whether it must be one; None where either is right.
    """
    told = answer.get_data(as_text=True)
    asked = answer.request.method, answer.request.path
    assert answer.status_code < 500, (asked, answer.status_code, told[:400])
    assert not INNARDS.search(told), (asked, told[:400])
    if refused is not None:
        assert (answer.status_code in REFUSALS) is refused, (asked, answer.status_code, told[:400])
    if answer.status_code not in REFUSALS or answer.request.method == "HEAD":
        return
    if answer.request.path.startswith("/api/"):
        error = answer.json["error"]
        assert error["code"], (asked, error)
        assert len(error["message"]) > 8, (asked, error)
    else:
        assert answer.mimetype == "text/html", (asked, answer.mimetype)
        assert re.search(r'<html lang="(fr|en)"', told), (asked, told[:400])
        assert len(re.sub(r"<[^>]*>|\s+", "", told)) > 60, (asked, told[:400])
