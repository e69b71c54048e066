"""The person behind an address: found, or made as a client of the platform."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts.email import clean_email
from models.accounts.platform import Platform
from models.accounts.user import User, user_by_email
from models.ids import new_id
from models.oversight import Actor, emit
from models.oversight.changes import note_made

LANGUAGES = ("fr", "en")


def user_for_email(
    session: Session, platform: Platform, email: str, *, locale: str, actor: Actor
) -> User:
    """The user of a platform with this address; made as CLIENT, unverified, when there is none.

    Two askers at once get the same row. Nobody is signed in by this. Raises NotAnAddress.
    """
    return find_or_make_user(session, platform, email, locale=locale, actor=actor)[0]


def find_or_make_user(
    session: Session, platform: Platform, email: str, *, locale: str, actor: Actor
) -> tuple[User, bool]:
    """As ``user_for_email``, and whether it was made by this call."""
    email = clean_email(email)
    found = user_by_email(session, platform, email)
    if found is not None:
        return found, False
    values = {
        "id": new_id(),
        "platform": platform,
        "email": email,
        "locale": locale if locale in LANGUAGES else "fr",
    }
    user = session.scalar(_MAKE, values)
    if user is None:  # whoever was quicker has committed: the insert waited for them
        return find_or_make_user(session, platform, email, locale=locale, actor=actor)
    note_made(session, user, values)
    emit(session, "accounts.user_created", user, actor=actor)
    return user, True


_MAKE = insert(User).on_conflict_do_nothing(index_elements=["platform", "email"]).returning(User)
