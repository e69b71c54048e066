"""Mails to people with an account: their own address, site and language."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.accounts.user import User
from models.oversight import OutgoingMail, queue_mail


def mail_user(
    session: Session,
    user: User,
    kind: str,
    context: dict[str, Any] | None = None,
    *,
    about: object,
    to_email: str | None = None,
    locale: str | None = None,
    secrets: dict[str, Any] | None = None,
    not_before: datetime | None = None,
) -> OutgoingMail:
    """Queue a mail to somebody, once for each kind and what it is ``about`` (a row's key).

    ``to_email`` and ``locale`` say otherwise than the account: an address it has just left,
    the language a checkout was read in.
    """
    return queue_mail(
        session,
        kind,
        platform=user.platform,
        to_email=to_email or user.email,
        locale=locale or user.locale,
        key=f"{kind}:{about}",
        user_id=user.id,
        context=context,
        secrets=secrets,
        not_before=not_before,
    )
