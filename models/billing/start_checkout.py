"""Starting a checkout: who buys what under which button, at which terms, with which consent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from models.accounts import User
from models.accounts.email import NotAnAddress
from models.accounts.use_magic_link import Suspended
from models.accounts.user_for_email import find_or_make_user
from models.billing.capture_endpoint import CaptureEndpoint, CaptureStatus
from models.billing.customer import RUNNING, Customer
from models.billing.provider import Capture
from models.billing.quote import quote_of
from models.catalog import PaymentButton
from models.catalog.edit_button import mark_used
from models.catalog.on_sale import button_on_sale
from models.errors import N_, BadInput, DomainError, Gone
from models.oversight import Actor, emit
from models.oversight.emit import told_together
from models.secrets import digest
from models.settings import current_settings

MANAGE_PATH = "/settings"
LONGEST_CLICK = 100


class AlreadyCustomer(DomainError):
    """The person has this product already; ``url`` is where they manage it."""

    code = "already_customer"
    message = N_("You already have “%(product)s”. You can manage it from your account.")
    url = MANAGE_PATH


class ConsentMissing(BadInput):
    code = "consent_missing"
    message = N_("Tick the box that asks for immediate access to go on.")


class CheckoutOver(Gone):
    code = "checkout_over"
    message = N_("This checkout has expired. Nothing was charged; start again.")


@dataclass(frozen=True)
class CheckoutAsked:
    """What a visitor sent. ``consent_text`` is the text they agreed to, None where they did not;
    ``user_id`` is who is signed in, whose own address is used where the platform is theirs."""

    button_key: str
    email: str | None = None
    user_id: UUID | None = None
    consent_text: str | None = None
    locale: str = "fr"
    click_id: str | None = None
    ip: str | None = None
    user_agent: str = ""


def start_checkout(
    session: Session, asked: CheckoutAsked, *, actor: Actor, now: datetime
) -> CaptureEndpoint:
    """Open a checkout with its quote, before any card form; each press opens another.

    Raises NotOnSale, ConsentMissing, NotAnAddress, Suspended or AlreadyCustomer.
    """
    button = button_on_sale(session, asked.button_key)
    if asked.consent_text is None:
        raise ConsentMissing(field="consent")
    with told_together(session), session.no_autoflush:  # all of it is written at once
        return _start(session, button, asked, actor, now)


def _start(
    session: Session, button: PaymentButton, asked: CheckoutAsked, actor: Actor, now: datetime
) -> CaptureEndpoint:
    user, is_new = _buyer(session, button, asked, actor)
    psp_customer_id = None if is_new else _known_customer(session, button, user)
    quote = quote_of(button.product, button.plan)
    capture = CaptureEndpoint(
        button_id=button.id,
        plan_id=button.plan_id,
        user_id=user.id,
        status=CaptureStatus.PENDING,
        amount=quote.amount,
        currency=quote.currency,
        quote=quote.to_json(),
        locale=asked.locale,
        affiliate_click_id=(asked.click_id or "")[:LONGEST_CLICK] or None,
        consent_text=asked.consent_text,
        consented_at=now,
        consent_ip=asked.ip,
        user_agent=asked.user_agent[:500],
        psp_customer_id=psp_customer_id,
        expires_at=now + timedelta(minutes=current_settings().capture_minutes),
    )
    capture.button, capture.user = button, user
    session.add(capture)
    mark_used(button, at=now)
    emit(
        session,
        "billing.checkout_begun",
        capture,
        actor=actor,
        data={"button_key": button.button_key, "user_id": user.id, "amount": quote.amount},
    )
    return capture


def _buyer(
    session: Session, button: PaymentButton, asked: CheckoutAsked, actor: Actor
) -> tuple[User, bool]:
    """Whoever is signed in on the button's platform, else the person of the typed address; and
    whether they were made for it."""
    platform, is_new = button.product.community.platform, False
    user = session.get(User, asked.user_id) if asked.user_id else None
    if user is None or user.platform is not platform:
        if not asked.email:
            raise NotAnAddress(field="email", email="")
        user, is_new = find_or_make_user(
            session, platform, asked.email, locale=asked.locale, actor=actor
        )
    if user.is_suspended:
        raise Suspended
    return user, is_new


def _known_customer(session: Session, button: PaymentButton, user: User) -> str | None:
    """The PSP's customer that an earlier checkout made of somebody. Raises AlreadyCustomer."""
    asked = {"user_id": user.id, "product_id": button.product_id}
    has_it, psp_customer_id = session.execute(_KNOWN, asked).one()
    if has_it:
        raise AlreadyCustomer(product=button.product.name)
    return cast(str | None, psp_customer_id)


_KNOWN = select(
    exists().where(
        Customer.user_id == bindparam("user_id"),
        Customer.product_id == bindparam("product_id"),
        Customer.status.in_(RUNNING),
    ),
    select(CaptureEndpoint.psp_customer_id)
    .where(
        CaptureEndpoint.user_id == bindparam("user_id"),
        CaptureEndpoint.psp_customer_id.is_not(None),
        CaptureEndpoint.status == CaptureStatus.COMPLETED,
    )
    .order_by(CaptureEndpoint.id.desc())
    .limit(1)
    .scalar_subquery(),
)
"""Asks whether a person has a product, and for the PSP's customer that an earlier checkout of
theirs made."""


def keep_card_form(
    session: Session, capture_id: UUID, form: Capture, *, try_no: int, webhook_secret: str
) -> CaptureEndpoint:
    """Keep the card form that the vault opened for one try; only the hash of its secret.

    Raises CheckoutOver where the checkout has moved on meanwhile.
    """
    kept = session.scalars(
        _KEEP_FORM,
        {
            "key": capture_id,
            "current_try": try_no,
            "form": form.capture_id,
            "url": form.iframe_url,
            "secret_hash": digest(webhook_secret),
        },
    ).one_or_none()
    if kept is None:
        raise CheckoutOver
    return kept


_KEEP_FORM = (
    update(CaptureEndpoint)
    .where(
        CaptureEndpoint.id == bindparam("key"),
        CaptureEndpoint.status == CaptureStatus.PENDING,
        CaptureEndpoint.try_no == bindparam("current_try"),
    )
    .values(
        vault_capture_id=bindparam("form"),
        capture_url=bindparam("url"),
        capture_secret_hash=bindparam("secret_hash"),
    )
    .returning(CaptureEndpoint)
    .execution_options(synchronize_session=False, populate_existing=True)
)


def give_up_checkout(
    session: Session, capture_id: UUID, *, because: str, actor: Actor
) -> CaptureEndpoint:
    """End a checkout that cannot take a card; a second call changes nothing."""
    capture = CaptureEndpoint.for_update(session, capture_id)
    if capture.status is CaptureStatus.PENDING:
        capture.become(CaptureStatus.FAILED)
        capture.last_decline_code = because
        emit(session, "billing.checkout_failed", capture, actor=actor, reason=because)
    return capture
