"""System logs: warnings and worse, kept for the console."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models import clock
from models.base import Base, Json, Keyed, trigrams


class SystemLog(Keyed, Base):
    """One log line at WARNING or above, already cleaned of secrets and card numbers."""

    __tablename__ = "system_logs"
    __table_args__ = (
        Index("ix_system_logs_level_id", "level", "id"),
        trigrams("system_logs", "message"),
    )

    at: Mapped[datetime] = mapped_column(default=clock.now)
    level: Mapped[str]
    module: Mapped[str]
    message: Mapped[str]
    request_id: Mapped[str | None]
    data: Mapped[Json] = mapped_column(default=dict)
