"""Mails about accounts: what changed on one's account, told where it may not have been oneself."""

from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts import User
from models.oversight import OutboxEvent, queue_mail


def mail_email_changed(session: Session, event: OutboxEvent) -> None:
    """Tell the old address that the account has left it: it may not have been its holder."""
    user = User.get(session, UUID(event.subject_id))
    queue_mail(
        session,
        "email_changed",
        platform=user.platform,
        to_email=event.data["former"],
        locale=user.locale,
        key=f"email_changed:{event.id}",
        user_id=user.id,
        context={"now": user.email, "changed_at": event.created_at},
    )
