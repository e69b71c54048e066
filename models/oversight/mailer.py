"""The port to whoever delivers mails: what it is given, what it answers, and its silent twin.

A mailer sends one message under an idempotency key and answers in these words; it never
raises for what the other side says or fails to say.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True)
class Attachment:
    """A PDF that a mail brings along."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """One rendered mail to one address."""

    sender: str
    to: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What became of a message: sent, to be tried again (after ``wait``), or refused for good."""

    sent: bool = False
    provider_id: str | None = None
    error: str = ""
    refused: bool = False
    wait: timedelta | None = None
    everyone_waits: bool = False


class Mailer(Protocol):
    """Whoever delivers. The same key is delivered once.

    Documents are set for a mail only where ``takes_attachments``.
    """

    takes_attachments: bool

    def send(self, message: Message, *, key: str) -> Answer: ...


class SilentMailer:
    """The twin for simulations: takes everything, delivers nothing, remembers what it took."""

    def __init__(self, *, takes_attachments: bool = True) -> None:
        self.takes_attachments = takes_attachments
        self.sent: dict[str, Message] = {}

    def send(self, message: Message, *, key: str) -> Answer:
        self.sent.setdefault(key, message)
        return Answer(sent=True, provider_id=key)
