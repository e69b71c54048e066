"""Sending a way in: one mail with a link and a code, never telling whether the address is known."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from models.accounts.email import clean_email
from models.accounts.magic_link import MagicLink, links_asked, void_links
from models.accounts.make_magic_link import LIFETIME, make_magic_link
from models.accounts.pace import refuse_beyond
from models.accounts.platform import Platform
from models.accounts.user import user_by_email
from models.oversight import Actor, queue_mail
from models.session import one_at_a_time

PER_EMAIL, EMAIL_WINDOW = 5, timedelta(minutes=15)
PER_IP, IP_WINDOW = 20, timedelta(hours=1)


def send_magic_link(
    session: Session,
    *,
    platform: Platform,
    email: str,
    locale: str,
    actor: Actor,
    now: datetime,
    next_path: str | None = None,
) -> MagicLink:
    """Make a link and its code for an address, void the older ones, and queue the mail.

    The welcome link of a purchase stays good: its mail is another one, and says so.
    What happens is the same for a known, an unknown and a suspended address. A second call
    replaces the first link. ``next_path`` is where to go once signed in, already checked to
    be a path of this site. Raises NotAnAddress, and TooMany beyond 5 for an address in 15
    minutes or 20 from an ip in an hour.
    """
    email = clean_email(email)
    one_at_a_time(session, f"magic-link:{platform}:{email.lower()}")
    if actor.ip is not None:
        one_at_a_time(session, f"magic-link-from:{actor.ip}")
    _stay_within_limits(session, platform, email, actor.ip, now)
    void_links(session, platform, email, now=now, only_codes=True)
    way_in = make_magic_link(
        session, platform=platform, email=email, actor=actor, now=now, next_path=next_path
    )
    user = user_by_email(session, platform, email)
    queue_mail(
        session,
        "magic_link",
        platform=platform,
        to_email=email,
        locale=user.locale if user else locale,
        key=f"magic-link:{way_in.link.id}",
        user_id=user.id if user else None,
        context={"next": next_path, "minutes": int(LIFETIME.total_seconds() // 60)},
        secrets=way_in.secrets,
    )
    return way_in.link


def _stay_within_limits(
    session: Session, platform: Platform, email: str, ip: str | None, now: datetime
) -> None:
    for_email = links_asked(
        session,
        MagicLink.platform == platform,
        MagicLink.email == email,
        MagicLink.otp_hash.is_not(None),
        since=now - EMAIL_WINDOW,
    )
    refuse_beyond(PER_EMAIL, for_email, EMAIL_WINDOW, now)
    if ip is not None:
        from_ip = links_asked(session, MagicLink.ip == ip, since=now - IP_WINDOW)
        refuse_beyond(PER_IP, from_ip, IP_WINDOW, now)
