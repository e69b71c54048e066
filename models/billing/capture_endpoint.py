"""Capture endpoints: one checkout, from the press of a button to paid, failed or expired."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.accounts import User
from models.base import Base, Becoming, Encrypted, Json, Keyed, Stamped, enum_of, not_negative
from models.catalog import PaymentButton


class CaptureStatus(enum.StrEnum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class CapturePurpose(enum.StrEnum):
    PURCHASE = "PURCHASE"
    CARD = "CARD"


class CaptureEndpoint(Keyed, Stamped, Becoming, Base):
    """One checkout and the vault endpoint that takes its card: to buy, or, with the purpose
    ``CARD``, to give a running purchase (``customer_id`` from the start) another card.

    ``quote`` is what was promised when it began (lines, amounts, trial, interval) on the plan
    ``plan_id``: what is charged and sold, whatever the catalogue says by then. A declined card
    may be followed by another on the same checkout: each try opens a new endpoint at the
    vault and raises ``try_no``, so that a late word about an older card changes nothing.
    ``capture_url`` holds the form's address with its secret and is encrypted; of the webhook's
    secret only the hash is kept. The consent given is evidence: its text, when and from where.
    """

    __tablename__ = "capture_endpoints"
    __table_args__ = (
        not_negative("amount"),
        CheckConstraint(
            "CASE purpose WHEN 'CARD' THEN customer_id IS NOT NULL AND amount = 0"
            " ELSE button_id IS NOT NULL AND plan_id IS NOT NULL END",
            name="of_a_purchase_or_a_customer",
        ),
        Index("ix_capture_endpoints_user_id_id", "user_id", "id"),
        Index("ix_capture_endpoints_button_id_id", "button_id", "id"),
        Index("ix_capture_endpoints_plan_id", "plan_id"),
        Index("ix_capture_endpoints_customer_id", "customer_id"),
        Index(
            "ix_capture_endpoints_affiliate_click_id",
            "affiliate_click_id",
            postgresql_where=text("affiliate_click_id IS NOT NULL"),
        ),
        Index(
            "ix_capture_endpoints_open", "expires_at", postgresql_where=text("status = 'PENDING'")
        ),
    )
    LEADS_TO = {
        CaptureStatus.PENDING: {
            CaptureStatus.COMPLETED,
            CaptureStatus.FAILED,
            CaptureStatus.EXPIRED,
        },
        CaptureStatus.COMPLETED: set(),
        CaptureStatus.FAILED: set(),
        # Charged in time and confirmed late; or confirmed when there was nothing left to pay.
        CaptureStatus.EXPIRED: {CaptureStatus.COMPLETED, CaptureStatus.FAILED},
    }

    purpose: Mapped[CapturePurpose] = mapped_column(
        enum_of(CapturePurpose, "purpose"), default=CapturePurpose.PURCHASE
    )
    button_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_buttons.id"))
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    status: Mapped[CaptureStatus] = mapped_column(
        enum_of(CaptureStatus, "status"), default=CaptureStatus.PENDING
    )
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    quote: Mapped[Json]
    locale: Mapped[str] = mapped_column(default="fr")
    affiliate_click_id: Mapped[str | None]
    consent_text: Mapped[str]
    consented_at: Mapped[datetime]
    consent_ip: Mapped[str | None]
    user_agent: Mapped[str] = mapped_column(default="")
    try_no: Mapped[int] = mapped_column(default=1)
    vault_capture_id: Mapped[str | None] = mapped_column(unique=True)
    capture_url: Mapped[str | None] = mapped_column(Encrypted)
    capture_secret_hash: Mapped[str | None] = mapped_column(info={"secret": True})
    expires_at: Mapped[datetime]
    card_received_at: Mapped[datetime | None]
    vault_token: Mapped[str | None] = mapped_column(Encrypted)
    vault_reference: Mapped[str | None]
    brand: Mapped[str] = mapped_column(default="")
    last4: Mapped[str] = mapped_column(default="")
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    psp_customer_id: Mapped[str | None]
    psp_payment_method_id: Mapped[str | None]
    card_fingerprint: Mapped[str | None]
    last_decline_code: Mapped[str | None]
    completed_at: Mapped[datetime | None]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    invoice_id: Mapped[UUID | None]

    button: Mapped[PaymentButton] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
