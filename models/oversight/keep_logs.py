"""Keeping warnings and worse in ``system_logs``, for the console; standard error has them all.

Lines wait in memory and are written in batches by a thread of their own, so that no request
waits for them and none is lost with its transaction. A database that is away costs nothing
but these lines.
"""

import atexit
import threading
from collections import deque
from contextvars import ContextVar
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import EventDict, WrappedLogger

from models import clock
from models.ids import new_id
from models.oversight.system_log import SystemLog
from models.session import unit_of_work

KEPT_LEVELS = ("warning", "error", "critical")
MOST_WAITING = 1000
SECONDS_BETWEEN_BATCHES = 1
LONGEST_TEXT = 20_000
OWN_COLUMNS = ("event", "level", "logger", "timestamp", "request_id")

_waiting: deque[SystemLog] = deque(maxlen=MOST_WAITING)
_writing: ContextVar[bool] = ContextVar("writing_system_logs", default=False)
_started = threading.Event()


def start_keeping() -> None:
    """Keep this process's warnings from now on, the last ones when it ends. Twice is fine."""
    if not _started.is_set():
        _started.set()
        atexit.register(write_waiting)
        threading.Thread(target=_write_on_and_on, daemon=True, name="system logs").start()


def keep(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put a cleaned line aside when it is a warning or worse; every line passes unchanged."""
    if _started.is_set() and event.get("level") in KEPT_LEVELS and not _writing.get():
        _waiting.append(
            SystemLog(
                id=new_id(),
                at=clock.now(),
                level=str(event["level"]).upper(),
                module=str(event.get("logger", "")),
                message=_storable(str(event.get("event", "")))[:LONGEST_TEXT],
                request_id=event.get("request_id"),
                data={k: _plain(v) for k, v in event.items() if k not in OWN_COLUMNS},
            )
        )
    return event


def write_waiting() -> None:
    """Write what waits. Nothing is logged from here, or it would follow itself for ever."""
    token = _writing.set(True)
    try:
        batch = [_waiting.popleft() for _ in range(len(_waiting))]
        if batch:
            with unit_of_work() as session:
                session.add_all(batch)
    except SQLAlchemyError:
        pass  # the database is away: standard error has these lines
    finally:
        _writing.reset(token)


def _write_on_and_on() -> None:
    pause = threading.Event()
    while not pause.wait(SECONDS_BETWEEN_BATCHES):
        write_waiting()


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {_storable(str(key)): _plain(part) for key, part in value.items()}
    return _storable(str(value))[:LONGEST_TEXT]


def _storable(text: str) -> str:
    """PostgreSQL's text holds no zero byte."""
    return text.replace("\0", "")
