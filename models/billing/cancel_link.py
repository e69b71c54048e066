"""The link that cancels without signing in: sealed, mailed, good for some hours, often."""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Platform, User
from models.accounts.email import clean_email
from models.accounts.user import user_by_email
from models.errors import N_, Gone, TooMany
from models.ids import new_id
from models.oversight import OutgoingMail, queue_mail
from models.secrets import seal, unseal
from models.session import one_at_a_time
from models.settings import current_settings

KIND = "cancel_link"
PURPOSE = "cancel"
PER_EMAIL, WINDOW = 5, timedelta(minutes=15)


class CancelLinkOver(Gone):
    """Unknown, altered or expired: one answer for all, which tells nothing."""

    code = "cancel_link_over"
    message = N_("This link is no longer valid. Ask for a new one.")


@dataclass(frozen=True)
class CancelLink:
    """Whose contracts a link shows; the address proved itself by receiving it."""

    platform: Platform
    email: str


def send_cancel_link(
    session: Session, *, platform: Platform, email: str, locale: str, now: datetime
) -> OutgoingMail:
    """Mail a link to an address, which shows the contracts of that address and ends them.

    What happens is the same for a known and an unknown address. A second call sends a
    second mail, and both links work. Raises NotAnAddress, and TooMany beyond 5 for an
    address in 15 minutes.
    """
    email = clean_email(email)
    _stay_within_limit(session, platform, email, now)
    user = user_by_email(session, platform, email)
    hours = current_settings().cancel_link_hours
    sealed = {
        "for": PURPOSE,
        "platform": platform.value,
        "email": email,
        "until": (now + timedelta(hours=hours)).isoformat(),
    }
    return queue_mail(
        session,
        KIND,
        platform=platform,
        to_email=email,
        locale=user.locale if user else locale,
        key=f"{KIND}:{new_id()}",
        user_id=user.id if user else None,
        context={"hours": hours},
        secrets={"token": seal(json.dumps(sealed))},
    )


def read_cancel_link(token: str, *, platform: Platform, now: datetime) -> CancelLink:
    """Whose contracts a link opens. Raises CancelLinkOver."""
    try:
        sealed = json.loads(unseal(token))
        purpose, until = sealed["for"], datetime.fromisoformat(sealed["until"])
        link = CancelLink(Platform(sealed["platform"]), sealed["email"])
    except (InvalidToken, ValueError, KeyError, TypeError):
        raise CancelLinkOver from None
    if purpose != PURPOSE or link.platform is not platform or now >= until:
        raise CancelLinkOver
    return link


def holder_of(session: Session, link: CancelLink) -> User | None:
    """The person whose address received a link; None where nobody has it."""
    return user_by_email(session, link.platform, link.email)


def _stay_within_limit(session: Session, platform: Platform, email: str, now: datetime) -> None:
    """Two asks at once for one address wait for each other, or both would pass the count."""
    one_at_a_time(session, f"{KIND}:{platform}:{email.lower()}")
    sent = session.scalars(
        select(OutgoingMail.created_at)
        .where(
            OutgoingMail.to_email == email,
            OutgoingMail.kind == KIND,
            OutgoingMail.platform == platform.value,
            OutgoingMail.created_at > now - WINDOW,
        )
        .order_by(OutgoingMail.created_at)
    ).all()
    if len(sent) >= PER_EMAIL:
        wait = sent[-PER_EMAIL] + WINDOW - now
        raise TooMany(minutes=max(1, math.ceil(wait.total_seconds() / 60)))
