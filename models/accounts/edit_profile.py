"""A person's own profile: the name and presentation that others see, and the language."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts.user import User
from models.accounts.user_for_email import LANGUAGES
from models.errors import N_, BadInput
from models.oversight import Actor, emit

LONGEST_NAME = 80
LONGEST_BIO = 1000


class ProfileTextTooLong(BadInput):
    code = "too_long"
    message = N_("This is too long: at most %(most)s characters.")


class UnknownLanguage(BadInput):
    code = "unknown_language"
    message = N_("The languages are French (fr) and English (en).")


def edit_profile(
    session: Session,
    user_id: UUID,
    *,
    actor: Actor,
    now: datetime,
    display_name: str | None = None,
    bio: str | None = None,
    locale: str | None = None,
) -> User:
    """Change what is given and leave the rest. The same values again change nothing.

    Raises ProfileTextTooLong and UnknownLanguage, each naming its field.
    """
    user = User.for_update(session, user_id)
    if display_name is not None:
        user.display_name = _within(" ".join(display_name.split()), LONGEST_NAME, "display_name")
    if bio is not None:
        user.bio = _within(bio.strip(), LONGEST_BIO, "bio")
    if locale is not None:
        if locale not in LANGUAGES:
            raise UnknownLanguage(field="locale")
        user.locale = locale
    if session.is_modified(user):
        emit(session, "accounts.profile_edited", user, actor=actor)
    return user


def _within(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise ProfileTextTooLong(field=field, most=most)
    return text
