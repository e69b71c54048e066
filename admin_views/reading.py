"""The session a console page reads with: one per request, read-only, never slow for long.

Flask-Admin wants a session for the life of a view; it gets this stand-in, which opens the
request's own session on first use. It is ended before a rule runs, so that one request
never holds two connections.
"""

from typing import Any

from flask import Flask, g
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.session import engine_of

PATIENCE = "3s"


def reading() -> Session:
    """This request's reading session; its statements stop after three seconds."""
    session: Session | None = g.get("console_reading")
    if session is None:
        session = Session(engine_of("staff"), autoflush=False)
        session.execute(
            text(f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '{PATIENCE}'")
        )
        g.console_reading = session
    return session


def stop_reading(_error: BaseException | None = None) -> None:
    """Give the connection back; what was read stays usable as it was."""
    session: Session | None = g.pop("console_reading", None)
    if session is not None:
        session.expunge_all()
        session.rollback()
        session.close()


def install(app: Flask) -> None:
    """End the reading session with its request."""
    app.teardown_appcontext(stop_reading)


class ReadingSession:
    """What Flask-Admin holds as its session; ``session`` tells it that this is no plain one."""

    session = None

    def query(self, *entities: Any) -> Any:
        return reading().query(*entities)
