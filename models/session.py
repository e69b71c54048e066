"""The boundary of a transaction: one request, one job run or one socket event.

Rules receive a session and never commit; only this module does. Staff work (consoles,
jobs, rules after their own checks) runs as ``ws_staff``; what a member or nobody reads
runs as ``ws_member`` with ``app.user_id`` set for the transaction, so that row security
decides what is seen.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    URL,
    Connection,
    Dialect,
    Engine,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.orm import Session

from models.errors import DomainError
from models.settings import Settings, current_settings

log = logging.getLogger(__name__)

Row = TypeVar("Row")
REACHABLE = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""In seconds: a database that swallows what is sent to it is found to be away, not waited for."""

GLANCES = 3
"""Connections for reads that last a millisecond, beside each process's pool."""

Deferred = tuple[str, tuple[Any, ...]]
Sender = Callable[[str, tuple[Any, ...]], None]

_engines: dict[str, Engine | Connection] = {}
_movable: dict[str, Engine] = {}
_aims: dict[str, URL] = {}
_inside: ContextVar[bool] = ContextVar("inside_unit_of_work", default=False)
_send: Sender | None = None


class NestedUnitOfWork(RuntimeError):
    """A unit of work was opened inside another: a bug in the caller, never an answer."""


def make_engine(url: str, settings: Settings, *, durable: bool = True) -> Engine:
    """An engine whose statements stop after 30 s and whose pool never overflows. A database
    that answers nothing at all counts as away after 5 s.

    Not ``durable``: commits do not wait for the disk and nobody asks first whether a
    connection still lives, for work that can be done again.
    """
    options = "-c statement_timeout=30000 -c timezone=UTC"
    if not durable:
        options += " -c synchronous_commit=off"
    return create_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=durable,
        executemany_mode="values_plus_batch",  # a thousand changed rows go in few messages
        hide_parameters=settings.is_production,  # what people typed is no part of an error's words
        connect_args={"options": options, **REACHABLE},
    )


def bind(staff: Engine | Connection, member: Engine | Connection) -> None:
    """Say which databases ``unit_of_work`` and ``member_session`` speak to."""
    _engines.update(staff=staff, member=member)


def bind_from(settings: Settings) -> None:
    """Bind the engines that the settings name."""
    bind(
        make_engine(settings.database_url, settings),
        make_engine(settings.database_member_url or settings.database_url, settings),
    )


def engine_of(role: str) -> Engine | Connection:
    """The bound engine of ``staff`` or ``member``, made from the settings on first use."""
    if role not in _engines:
        bind_from(current_settings())
    return _engines[role]


def dispose() -> None:
    """Close every pooled connection and forget the engines."""
    for engine in _engines.values():
        if isinstance(engine, Engine):
            engine.dispose()
    _engines.clear()


@contextmanager
def speaking_to(settings: Settings, send: Sender | None) -> Iterator[None]:
    """Speak to other databases and another queue for a block, then as before: simulations.

    Their commits do not wait for the disk.
    """
    global _send
    engines, sender = dict(_engines), _send
    _engines.clear()
    bind(
        _aimed("staff", settings.database_url, settings),
        _aimed("member", settings.database_member_url or settings.database_url, settings),
    )
    _send = send
    try:
        yield
    finally:
        dispose()
        _engines.update(engines)
        _send = sender


def _aimed(role: str, url: str, settings: Settings) -> Engine:
    """This process's one engine for a role at other databases, its next connections to ``url``.

    Statements are compiled once for each engine, which takes longer than a short simulation.
    """
    _aims[role] = make_url(url)
    if role not in _movable:
        engine = _movable[role] = make_engine(url, settings, durable=False)

        @event.listens_for(engine, "do_connect")
        def aim(dialect: Dialect, _record: object, _args: object, named: dict[str, Any]) -> None:
            options = named["options"]
            named.clear()
            named.update(dialect.create_connect_args(_aims[role])[1], options=options)

    return _movable[role]


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """One transaction as staff: committed at the end, rolled back on any exception. Never nest.

    A refusal that says it is ``recorded`` commits what came before it, and is raised all the same.
    """
    if _inside.get():
        raise NestedUnitOfWork
    token = _inside.set(True)
    session = Session(engine_of("staff"), expire_on_commit=False)
    try:
        yield session
        session.commit()
    except DomainError as refusal:
        if refusal.recorded:
            session.commit()
        else:
            session.rollback()
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        deferred = session.info.pop("deferred", [])
        session.close()
        _inside.reset(token)
    session.info["unsent"] = _send_deferred(deferred)


@contextmanager
def staff_reading() -> Iterator[Session]:
    """A look as staff that commits nothing: whose cookie this is, before row security can know.

    What it loads may be kept after the block. It may be opened inside a unit of work, but
    sees only what is committed.
    """
    with Session(engine_of("staff")) as session:
        yield session


@contextmanager
def staff_glance() -> Iterator[Connection]:
    """One read as staff on a hot path, without a transaction.

    Its few connections are not asked first whether they still live: a glance may fail after
    the database was away, so only those glance who can do without.
    """
    staff = engine_of("staff")
    if isinstance(staff, Connection):
        yield staff
        return
    if "glance" not in _engines:
        _engines["glance"] = create_engine(
            staff.url,
            pool_size=GLANCES,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            connect_args={"options": "-c statement_timeout=3000", **REACHABLE},
        )
    glance = _engines["glance"]
    assert isinstance(glance, Engine)
    with glance.connect() as connection:
        yield connection


@contextmanager
def member_session(user_id: UUID | None) -> Iterator[Session]:
    """One transaction as a member (or as nobody): row security shows only what is theirs."""
    session = Session(engine_of("member"), expire_on_commit=False)
    session.info["user_id"] = "" if user_id is None else str(user_id)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


@event.listens_for(Session, "after_begin")
def _tell_row_security(session: Session, _transaction: object, connection: Connection) -> None:
    """Set who is reading for this transaction only, so that a pooled connection leaks nobody."""
    if "user_id" in session.info:
        connection.execute(
            text("select set_config('app.user_id', :user_id, true)"),
            {"user_id": session.info["user_id"]},
        )


def keep(session: Session, row: Row) -> Row:
    """Hold a row in memory until the session ends: whoever gets it by its key next asks nothing.

    SQLAlchemy forgets a row that nobody holds, and one act of many rules reads a few again
    and again.
    """
    session.info.setdefault("kept", []).append(row)
    return row


def one_at_a_time(session: Session, name: str) -> None:
    """Let whoever names the same wait until this transaction has ended: for what a count or a
    look would miss that another is about to write.

    Whoever takes several names takes them in one order everywhere (an address's, then the ip's
    or the person's), and before any row's lock.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def defer(session: Session, job: str, *args: Any) -> None:
    """Ask for a job by name once this transaction has committed; the same ask counts once.

    The queue only hurries: every deferred job has a sweep that would find its row anyway.
    """
    asked: list[Deferred] = session.info.setdefault("deferred", [])
    if (job, args) not in asked:
        asked.append((job, args))


def send_with(send: Sender | None) -> None:
    """Say how deferred jobs reach their queue; ``models`` knows no queue itself."""
    global _send
    _send = send


def unsent(session: Session) -> list[Deferred]:
    """After a unit of work: which of its deferred jobs reached no queue, for the few callers
    that would rather do the work themselves than leave it to the sweep."""
    left: list[Deferred] = session.info.get("unsent", [])
    return left


def _send_deferred(deferred: list[Deferred]) -> list[Deferred]:
    left = []
    for job, args in deferred:
        try:
            if _send is None:
                left.append((job, args))
            else:
                _send(job, args)
        except Exception:  # the commit stands whatever the queue does; a sweep finds the row
            log.warning("queue unreachable, left to the sweep", extra={"job": job}, exc_info=True)
            left.append((job, args))
    return left
