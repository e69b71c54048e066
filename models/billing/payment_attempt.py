"""Payment attempts: each charge we ask for, written and committed before it is sent."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Becoming, Keyed, enum_of, not_negative, trigrams
from models.errors import IllegalTransition


class AttemptOutcome(enum.StrEnum):
    PENDING = "PENDING"
    NEEDS_ACTION = "NEEDS_ACTION"
    SUCCEEDED = "SUCCEEDED"
    DECLINED = "DECLINED"
    ERROR = "ERROR"


class PaymentAttempt(Keyed, Becoming, Base):
    """One charge of one checkout or invoice under its own idempotency key.

    A first purchase has no invoice until it is paid: its attempts hang off the checkout
    and are given the invoice once there is one. PENDING is neither success nor decline:
    it is resolved by asking the provider, and blocks every further attempt meanwhile.
    ``uses_retry``: made by a run of renewals, without the customer, so that a refusal counts.
    """

    __tablename__ = "payment_attempts"
    __table_args__ = (
        CheckConstraint("num_nonnulls(capture_id, invoice_id) > 0", name="of_something"),
        not_negative("amount"),
        UniqueConstraint("capture_id", "attempt_no"),
        UniqueConstraint("invoice_id", "attempt_no"),
        Index(
            "uq_payment_attempts_open_per_capture",
            "capture_id",
            unique=True,
            postgresql_where=text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
        ),
        Index(
            "uq_payment_attempts_open_per_invoice",
            "invoice_id",
            unique=True,
            postgresql_where=text("outcome IN ('PENDING', 'NEEDS_ACTION')"),
        ),
        Index(
            "uq_payment_attempts_one_success_per_capture",
            "capture_id",
            unique=True,
            postgresql_where=text("outcome = 'SUCCEEDED'"),
        ),
        Index(
            "uq_payment_attempts_one_success_per_invoice",
            "invoice_id",
            unique=True,
            postgresql_where=text("outcome = 'SUCCEEDED'"),
        ),
        Index("ix_payment_attempts_outcome_id", "outcome", "id"),
        Index("ix_payment_attempts_psp_payment_id", "psp_payment_id"),
        trigrams("payment_attempts", "psp_payment_id"),
    )
    LEADS_TO = {
        AttemptOutcome.PENDING: {
            AttemptOutcome.NEEDS_ACTION,
            AttemptOutcome.SUCCEEDED,
            AttemptOutcome.DECLINED,
            AttemptOutcome.ERROR,
        },
        AttemptOutcome.NEEDS_ACTION: {
            AttemptOutcome.SUCCEEDED,
            AttemptOutcome.DECLINED,
            AttemptOutcome.ERROR,
        },
        AttemptOutcome.SUCCEEDED: set(),
        AttemptOutcome.DECLINED: set(),
        AttemptOutcome.ERROR: {AttemptOutcome.SUCCEEDED},  # given up, and the money came after all
    }

    capture_id: Mapped[UUID | None] = mapped_column(ForeignKey("capture_endpoints.id"))
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    payment_method_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_methods.id"))
    attempt_no: Mapped[int]
    uses_retry: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(default="EUR")
    outcome: Mapped[AttemptOutcome] = mapped_column(
        enum_of(AttemptOutcome, "outcome"), default=AttemptOutcome.PENDING
    )
    decline_code: Mapped[str | None]
    message: Mapped[str | None]
    psp_customer_id: Mapped[str | None]
    psp_payment_id: Mapped[str | None]
    redirect_url: Mapped[str | None]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    asked_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    def become(self, outcome: AttemptOutcome) -> None:
        """Move to another outcome. Raises IllegalTransition for a move not in the table."""
        if outcome not in self.LEADS_TO[self.outcome]:
            raise IllegalTransition(self, self.outcome.value, outcome.value)
        self.outcome = outcome

    @property
    def is_open(self) -> bool:
        """Whether it may still become a payment."""
        return self.outcome in (AttemptOutcome.PENDING, AttemptOutcome.NEEDS_ACTION)
