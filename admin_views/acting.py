"""Who is acting in a console: the signed-in person, their role, and the actor that rules name."""

from datetime import datetime, timedelta
from typing import Any

from flask import g
from flask_login import current_user

from models import clock
from models.accounts import UserType
from models.oversight import Actor

FRESH = timedelta(minutes=10)
"""How recent a second factor must be before a money action or a change of role."""


def signed_in() -> Any | None:
    """The person of this request, or None."""
    person = current_user._get_current_object()
    return person if person and person.is_authenticated else None


def role() -> UserType | None:
    """The role of the person of this request; None for nobody. Views ask it of every link."""
    found: UserType | None
    if "console_role" in g:
        found = g.console_role
    else:
        person = signed_in()
        found = g.console_role = person.user_type if person else None
    return found


def second_factor_at() -> datetime | None:
    """When the second factor was last proved in this session."""
    person = signed_in()
    return person.second_factor_at if person else None


def is_fresh() -> bool:
    """Whether the second factor was proved recently enough for a sensitive act."""
    proved = second_factor_at()
    return proved is not None and proved > clock.now() - FRESH


def acting() -> Actor:
    """The actor that rules write into the audit trail."""
    actor: Actor = current_user.actor
    return actor
