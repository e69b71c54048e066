"""Making a way in: a link, and mostly a code, of which only hashes are kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.accounts.magic_link import MagicLink, code_digest
from models.accounts.platform import Platform
from models.ids import new_id
from models.oversight import Actor, emit
from models.secrets import digest, new_token

LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class WayIn:
    """A link's row, and what its mail must say once: the token, and the six-digit code if any."""

    link: MagicLink
    token: str
    code: str | None

    @property
    def secrets(self) -> dict[str, str]:
        """What the mail carries, encrypted until it is sent."""
        return {"token": self.token} | ({"code": self.code} if self.code else {})


def make_magic_link(
    session: Session,
    *,
    platform: Platform,
    email: str,
    actor: Actor,
    now: datetime,
    next_path: str | None = None,
    with_code: bool = True,
) -> WayIn:
    """A new way in for an address, good for 15 minutes; the caller mails it to that address.

    ``with_code``: whether its mail shows the code, and so whether there is one. Older ones
    stay as they are. A second call makes a second one.
    """
    token, key = new_token(), new_id()
    code = f"{secrets.randbelow(10**6):06}" if with_code else None
    link = MagicLink(
        id=key,
        platform=platform,
        email=email,
        token_hash=digest(token),
        otp_hash=code_digest(key, code) if code else None,
        expires_at=now + LIFETIME,
        ip=actor.ip,
        next_path=next_path,
        created_at=now,
    )
    session.add(link)
    emit(session, "accounts.magic_link_sent", link, actor=actor)
    return WayIn(link, token, code)
