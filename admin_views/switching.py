"""Taking something of the catalogue off sale and putting it back: two acts, each with a preview.

Neither stands in an edit form, where it would pass in silence: the act says how many
subscriptions run and go on.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask_babel import ngettext
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from admin_views.acts import Act
from admin_views.selections import products_of
from models.accounts.permissions import Permission
from models.billing import RUNNING, Customer
from models.errors import N_
from models.oversight import Actor

STOPS = N_("New sales stop; subscriptions go on as they are.")


def on_and_off(
    permission: Permission,
    edit: Callable[..., Any],
    notes: Callable[[Session, UUID], list[str]],
    *,
    stop: tuple[str, str],
    resume: tuple[str, str],
    explains: str = STOPS,
) -> tuple[Act, Act]:
    """The two acts of a kind of record: ``stop`` and ``resume`` are their words and what is said
    once done, ``edit`` the area's rule, ``notes`` says what runs on."""
    return (
        Act(
            "deactivate",
            stop[0],
            permission,
            _switch(edit, False),
            stop[1],
            explains=explains,
            when=lambda row: bool(row["is_active"]),
            notes=notes,
            previews=True,
            danger=True,
        ),
        Act(
            "activate",
            resume[0],
            permission,
            _switch(edit, True),
            resume[1],
            when=lambda row: not row["is_active"],
            previews=True,
        ),
    )


def still_running_on(session: Session, key: UUID) -> list[str]:
    """How many subscriptions a plan keeps, in words."""
    return [
        ngettext(
            "%(num)s subscription runs on this plan and goes on.",
            "%(num)s subscriptions run on this plan and go on.",
            running(session, Customer.current_plan_id == key),
        )
    ]


def still_running_in(session: Session, key: UUID) -> list[str]:
    """How many subscriptions a community keeps, in words."""
    return [
        ngettext(
            "%(num)s subscription runs in this community and goes on.",
            "%(num)s subscriptions run in this community and go on.",
            running(session, Customer.product_id.in_(products_of(key))),
        )
    ]


def still_running_of(session: Session, key: UUID) -> list[str]:
    """How many subscriptions a product keeps, in words."""
    return [
        ngettext(
            "%(num)s subscription runs on this product and goes on.",
            "%(num)s subscriptions run on this product and go on.",
            running(session, Customer.product_id == key),
        )
    ]


def running(session: Session, *which: ColumnElement[bool]) -> int:
    """How many purchases in force there are of some plan, product or community."""
    statement = select(func.count()).select_from(Customer)
    return session.scalar(statement.where(Customer.status.in_(RUNNING), *which)) or 0


def _switch(edit: Callable[..., Any], on: bool) -> Any:
    def switch(session: Session, key: UUID, data: Any, *, actor: Actor, **_: Any) -> Any:
        return edit(session, key, {"is_active": on}, actor=actor)

    return switch
