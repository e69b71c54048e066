"""Payment methods: a card as the vault and the provider know it; never its number."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Encrypted, Keyed


class PaymentMethod(Keyed, Base):
    """One card of one customer: the vault's token and reference, and what may be shown of it."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index(
            "uq_payment_methods_default",
            "customer_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
        Index("ix_payment_methods_card_fingerprint", "card_fingerprint"),
        Index("ix_payment_methods_last4", "last4"),
    )

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), index=True)
    vault_token: Mapped[str] = mapped_column(Encrypted)
    vault_reference: Mapped[str]
    psp_customer_id: Mapped[str]
    psp_payment_method_id: Mapped[str]
    card_fingerprint: Mapped[str | None]
    brand: Mapped[str] = mapped_column(default="")
    last4: Mapped[str] = mapped_column(default="")
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    is_default: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    def __str__(self) -> str:
        return f"{self.brand} •••• {self.last4}"
