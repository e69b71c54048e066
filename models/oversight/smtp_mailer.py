"""Mails through any SMTP server."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from models.oversight.mailer import Answer, Message

ANSWER_SECONDS = 15


class SmtpMailer:
    """An SMTP server: ``smtps://user:password@host:465`` or ``smtp://…:587`` (STARTTLS).

    ``?tls=none`` is for a server on the same machine. SMTP has no idempotency of its own:
    Resend's header is sent along, and the ``Message-ID`` is the key's.
    """

    takes_attachments = True

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._implicit = parts.scheme == "smtps"
        self._plain = parse_qs(parts.query).get("tls") == ["none"]
        self._port = parts.port or (465 if self._implicit else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")

    def send(self, message: Message, *, key: str) -> Answer:
        try:
            with self._connect() as server:
                server.send_message(_mime(message, key))
        except smtplib.SMTPRecipientsRefused as refusal:
            codes = [code for code, _ in refusal.recipients.values()]
            return Answer(error=f"recipient refused: {codes}", refused=min(codes) >= 500)
        except smtplib.SMTPResponseException as refusal:
            everyone = isinstance(refusal, smtplib.SMTPAuthenticationError)
            return Answer(error=f"SMTP {refusal.smtp_code}", everyone_waits=everyone)
        except (smtplib.SMTPException, OSError) as failure:
            return Answer(error=type(failure).__name__)
        return Answer(sent=True)

    def _connect(self) -> smtplib.SMTP:
        server: smtplib.SMTP
        if self._implicit:
            context = ssl.create_default_context()
            server = smtplib.SMTP_SSL(
                self._host, self._port, timeout=ANSWER_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=ANSWER_SECONDS)
            if not self._plain:
                server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)
        return server


def _mime(message: Message, key: str) -> EmailMessage:
    name, address = parseaddr(message.sender)
    mime = EmailMessage()
    mime["From"] = Address(name, addr_spec=address)
    mime["To"] = Address(addr_spec=message.to)
    mime["Subject"] = message.subject
    mime["Message-ID"] = f"<{key}@{address.rsplit('@', 1)[-1]}>"
    mime["Resend-Idempotency-Key"] = key
    mime.set_content(message.text)
    mime.add_alternative(message.html, subtype="html")
    for file in message.attachments:
        mime.add_attachment(
            file.content, maintype="application", subtype="pdf", filename=file.filename
        )
    return mime
