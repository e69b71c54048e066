"""Making, changing and closing payment buttons. A key that pages use never changes."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.catalog.change import (
    InUse,
    check_slug,
    check_text,
    delete_unused,
    scheme_and_host,
    take_over,
)
from models.catalog.payment_button import SHORTEST_KEY, PaymentButton, PaymentType
from models.catalog.plan import Plan
from models.errors import N_, BadInput, DomainError
from models.oversight import Actor, emit
from models.secrets import new_signing_secret
from models.settings import current_settings

EDITABLE = frozenset(
    {
        "button_key",
        "plan_id",
        "display_name",
        "description",
        "cta_text",
        "success_url",
        "cancel_url",
        "webhook_url",
        "is_active",
        "extra",
    }
)

DESTINATIONS = {"success_url": "/welcome", "cancel_url": "/cancelled"}
"""Where a checkout leads, each with its usual place, which an address left empty stands for."""

# One slash, then no second one in any spelling that a browser takes for one; no white space.
_PATH = re.compile(r"/(?!/)[^\\\s]*")


class KeyInUse(DomainError):
    """Pages out there carry this key."""

    code = "button_key_in_use"
    message = N_("This key has been used and cannot change: pages that carry it would break.")


def create_button(
    session: Session,
    *,
    plan_id: UUID,
    button_key: str,
    display_name: str,
    actor: Actor,
    **texts: Any,
) -> PaymentButton:
    """Put a plan on sale under a key; its payment type follows the plan. Raises BadInput.

    That of a free product makes a customer without a card: it is how such a one is joined.
    """
    button = PaymentButton(plan_id=plan_id, button_key=button_key, display_name=display_name)
    take_over(button, texts, EDITABLE)
    _follow_plan(session, button)
    _check(session, button)
    session.add(button)
    emit(session, "catalog.button_created", button, actor=actor)
    return button


def edit_button(
    session: Session, button_id: UUID, changes: Mapping[str, Any], *, actor: Actor
) -> PaymentButton:
    """Change a button, also the plan it sells. Raises KeyInUse for a used key."""
    button = PaymentButton.for_update(session, button_id)
    key = changes.get("button_key", button.button_key)
    if button.used_at and key != button.button_key:
        raise KeyInUse
    with session.no_autoflush:
        if not take_over(button, changes, EDITABLE):
            return button
        _follow_plan(session, button)
        _check(session, button)
    emit(session, "catalog.button_edited", button, actor=actor)
    return button


def delete_button(session: Session, button_id: UUID, *, actor: Actor) -> None:
    """Delete a button that nobody ever pressed or embedded. Raises InUse otherwise."""
    button = PaymentButton.for_update(session, button_id)
    if button.used_at:
        raise InUse(name=button.button_key)
    emit(session, "catalog.button_deleted", button, actor=actor)
    delete_unused(session, button)


def mark_used(button: PaymentButton, *, at: datetime) -> None:
    """Remember a button's first use, a checkout or a page; later ones change nothing."""
    if button.used_at is None:
        button.used_at = at


def _follow_plan(session: Session, button: PaymentButton) -> None:
    plan = Plan.get(session, button.plan_id)
    if button.product_id and button.product_id != plan.product_id:
        raise BadInput(N_("The plan must belong to the button's product."), field="plan_id")
    button.product_id = plan.product_id
    button.payment_type = (
        PaymentType.SUBSCRIPTION if plan.billing_interval.renews else PaymentType.ONE_TIME
    )
    if button.webhook_url and not button.webhook_secret:
        button.webhook_secret = new_signing_secret()


def _check(session: Session, button: PaymentButton) -> None:
    check_text("display_name", button.display_name)
    check_text("cta_text", button.cta_text or "S'inscrire", longest=60)
    check_slug(
        session,
        PaymentButton.button_key,
        button.button_key,
        shape="[a-z0-9-]+",
        shortest=SHORTEST_KEY,
        but=button.id,
    )
    for field, usual in DESTINATIONS.items():
        setattr(button, field, getattr(button, field) or usual)
        check_destination(field, getattr(button, field))
    if button.webhook_url and scheme_and_host(button.webhook_url)[0] != "https":
        raise BadInput(N_("A webhook needs an https address."), field="webhook_url")


def check_destination(field: str, address: str) -> None:
    """Refuse what is neither a path on our sites nor an https address on one of our hosts."""
    scheme, host = scheme_and_host(address)
    hosts = (*current_settings().weokto_hosts, *current_settings().stam_hosts)
    on_our_host = scheme == "https" and host in hosts
    if not (_PATH.fullmatch(address) or on_our_host):
        raise BadInput(
            N_("A path such as /welcome, or an https address on one of our own hosts."),
            field=field,
        )
