"""The person behind an address: found, or made as a client of the platform."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.accounts.email import clean_email
from models.accounts.platform import Platform
from models.accounts.user import User, user_by_email
from models.oversight import Actor, emit

LANGUAGES = ("fr", "en")


def user_for_email(
    session: Session, platform: Platform, email: str, *, locale: str, actor: Actor
) -> User:
    """The user of a platform with this address; made as CLIENT, unverified, when there is none.

    Two askers at once get the same row. Nobody is signed in by this. Raises NotAnAddress.
    """
    email = clean_email(email)
    user = user_by_email(session, platform, email)
    if user is not None:
        return user
    user = User(platform=platform, email=email, locale=locale if locale in LANGUAGES else "fr")
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        found = user_by_email(session, platform, email)
        if found is None:
            raise
        return found
    emit(session, "accounts.user_created", user, actor=actor)
    return user
