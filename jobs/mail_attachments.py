"""What a mail brings along: documents made at the moment of sending, never kept with the mail.

A mail's context names them under ``attached``: the kind of document, its record's key and
the file's name. The same document is the same file each time, so that a mail sent again
under its key is the same mail.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from models.affiliation.payouts.statement_pdf import payout_statement_pdf
from models.base import Json
from models.billing.invoice_pdf import credit_note_pdf, invoice_pdf
from models.oversight import OutgoingMail
from models.oversight.mailer import Attachment
from models.pdf import FontsMissing
from models.session import staff_reading

log = logging.getLogger(__name__)

Make = Callable[[Session, UUID, str], bytes]
DOCUMENTS: dict[str, Make] = {
    "invoice": invoice_pdf,
    "credit_note": credit_note_pdf,
    "payout_statement": payout_statement_pdf,
}
"""Per kind of document: what makes it, given a session, its record's key and the language."""


def attach(document: str, key: UUID, name: str) -> Json:
    """What a mail's context says of a document it brings along."""
    return {"document": document, "id": key, "name": name}


def attachments_of(mail: OutgoingMail) -> tuple[Attachment, ...]:
    """The mail's documents as files. Without their fonts the mail goes out alone: all that
    matters stands in it, and the document can be fetched from the site."""
    asked = mail.context.get("attached") or []
    if not asked:
        return ()
    try:
        with staff_reading() as session:
            return tuple(
                Attachment(
                    f"{each['name']}.pdf",
                    DOCUMENTS[each["document"]](session, UUID(each["id"]), mail.locale),
                )
                for each in asked
            )
    except FontsMissing as missing:
        log.error("mail.without_documents: %s", missing, extra={"mail_id": str(mail.id)})
        return ()
