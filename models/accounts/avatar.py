"""Pictures of people: what is taken, how it is made anew, and where its file lies.

A picture is decoded and drawn again, so that no byte somebody sent is ever served: neither
what hides in a file nor where a photograph was taken. Files lie under ``DATA_DIR``, out of
the web's reach, under names nobody guesses; the row names its file.
"""

import io
import re
import secrets
import warnings
from datetime import datetime
from pathlib import Path
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy.orm import Session

from models.accounts.user import User
from models.errors import N_, BadInput
from models.oversight import Actor, emit
from models.settings import current_settings

LARGEST = 2 * 1024 * 1024
MOST_PIXELS = 40_000_000
SIDE = 512
FORMATS = ("PNG", "JPEG", "WEBP")
PREFIX = "/avatars/"
NAME = re.compile(r"[0-9a-f]{48}\.webp")


class PictureMissing(BadInput):
    code = "picture_missing"
    message = N_("Choose a picture first.")


class PictureTooLarge(BadInput):
    code = "picture_too_large"
    message = N_("This picture is too large: at most 2 MB.")


class NotAPicture(BadInput):
    code = "not_a_picture"
    message = N_("This is no picture we can read. Choose a PNG, JPEG or WebP file.")


class TooManyPixels(BadInput):
    code = "too_many_pixels"
    message = N_("This picture has too many pixels. Choose a smaller one.")


def change_avatar(
    session: Session, user_id: UUID, sent: bytes, *, actor: Actor, now: datetime
) -> User:
    """Give a person another picture. Its file is there before the row names it.

    The caller drops the former one's file once this is committed. Raises PictureMissing,
    PictureTooLarge, NotAPicture and TooManyPixels.
    """
    picture = drawn_anew(sent)
    user = User.for_update(session, user_id)
    user.avatar_url = PREFIX + _keep(picture)
    emit(session, "accounts.avatar_changed", user, actor=actor)
    return user


def remove_avatar(session: Session, user_id: UUID, *, actor: Actor, now: datetime) -> User:
    """Take a person's picture away. Without one nothing changes."""
    user = User.for_update(session, user_id)
    if user.avatar_url is not None:
        user.avatar_url = None
        emit(session, "accounts.avatar_changed", user, actor=actor)
    return user


def drawn_anew(sent: bytes) -> bytes:
    """A picture as a square WebP of at most 512 pixels a side, upright, with nothing else in it."""
    if not sent:
        raise PictureMissing(field="avatar")
    if len(sent) > LARGEST:
        raise PictureTooLarge(field="avatar")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(sent), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            raise TooManyPixels(field="avatar")
        return _square(picture)
    except TooManyPixels:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise TooManyPixels(field="avatar") from None
    except Exception:  # a decoder stumbles over a stranger's bytes in ways without number
        raise NotAPicture(field="avatar") from None


def picture_file(name: str) -> Path | None:
    """The file of a picture; None for a name that cannot be one, or that is there no more."""
    file = folder() / name
    return file if NAME.fullmatch(name) and file.is_file() else None


def drop_picture(url: str | None) -> None:
    """Remove the file of a picture that no row names any more. Twice does nothing."""
    name = (url or "").removeprefix(PREFIX)
    if NAME.fullmatch(name):
        (folder() / name).unlink(missing_ok=True)


def folder() -> Path:
    """Where pictures lie; web processes on several machines share it."""
    return Path(current_settings().data_dir).absolute() / "avatars"


def _square(picture: Image.Image) -> bytes:
    picture.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded no larger than it is wanted
    upright = ImageOps.exif_transpose(picture)
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    side = min(SIDE, *plain.size)
    made = io.BytesIO()
    ImageOps.fit(plain, (side, side)).save(made, "WEBP", quality=85)
    return made.getvalue()


def _keep(picture: bytes) -> str:
    folder().mkdir(parents=True, exist_ok=True)
    name = f"{secrets.token_hex(24)}.webp"
    (folder() / name).write_bytes(picture)
    return name
