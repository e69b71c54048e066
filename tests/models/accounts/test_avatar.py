"""Pictures of people: drawn anew, bad files refused by name, no file left behind."""

import io

import pytest
from PIL import Image

from models.accounts.avatar import (
    LARGEST,
    NotAPicture,
    PictureMissing,
    PictureTooLarge,
    TooManyPixels,
    change_avatar,
    drawn_anew,
    drop_picture,
    folder,
    picture_file,
    remove_avatar,
)
from models.oversight import SYSTEM, history_of


def drawing(kind="PNG", size=(640, 480), mode="RGB", **values):
    """A picture's file."""
    made = io.BytesIO()
    Image.new(mode, size, "red").save(made, kind, **values)
    return made.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


class TestDrawnAnew:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    def test_is_a_square_webp_whatever_came(self, kind):
        made = opened(drawn_anew(drawing(kind)))

        assert (made.format, made.size) == ("WEBP", (480, 480))

    def test_is_no_larger_than_it_is_shown(self):
        assert opened(drawn_anew(drawing(size=(3000, 1000)))).size == (512, 512)

    def test_keeps_what_shines_through(self):
        made = io.BytesIO()
        Image.new("RGBA", (64, 64), (255, 0, 0, 80)).save(made, "PNG")

        assert opened(drawn_anew(made.getvalue())).mode == "RGBA"

    def test_keeps_nothing_but_the_picture(self):
        exif = Image.Exif()
        exif[0x010E] = "taken at home"
        sent = drawing("JPEG", exif=exif) + b"<script>alert(1)</script>"

        made = drawn_anew(sent)

        assert b"taken at home" not in made
        assert b"script" not in made

    def test_stands_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        wide = Image.new("RGB", (400, 200), "red")
        wide.paste("blue", (0, 0, 200, 200))
        made = io.BytesIO()
        wide.save(made, "JPEG", exif=exif)

        upright = opened(drawn_anew(made.getvalue())).convert("RGB")

        assert upright.getpixel((100, 10))[2] > 200, "what was left is above once turned"

    @pytest.mark.parametrize(
        "sent",
        [
            b"not a picture",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            drawing("GIF"),
            drawing("BMP"),
            drawing("TIFF"),
            drawing()[:60],
            drawing("JPEG", size=(900, 900))[:-400],
            b"\x89PNG\r\n\x1a\n" + b"\x00" * 200,
            b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        ],
        ids=[
            "text",
            "svg",
            "gif",
            "bmp",
            "tiff",
            "cut png",
            "cut jpeg",
            "hollow png",
            "hollow webp",
        ],
    )
    def test_refuses_what_is_no_such_picture(self, sent):
        with pytest.raises(NotAPicture) as refusal:
            drawn_anew(sent)
        assert refusal.value.field == "avatar"

    def test_refuses_an_empty_one(self):
        with pytest.raises(PictureMissing):
            drawn_anew(b"")

    def test_refuses_more_than_two_megabytes(self):
        with pytest.raises(PictureTooLarge):
            drawn_anew(drawing() + b"\x00" * LARGEST)

    @pytest.mark.parametrize("size", [(7000, 7000), (12_000, 12_000), (20_000, 20_000)])
    def test_refuses_a_bomb_before_it_is_decoded(self, size):
        with pytest.raises(TooManyPixels):
            drawn_anew(drawing(mode="1", size=size))


class TestChangeAvatar:
    def test_names_a_file_that_is_there(self, session, make, now):
        user = make.user()

        change_avatar(session, user.id, drawing(), actor=SYSTEM, now=now)

        name = user.avatar_url.removeprefix("/avatars/")
        assert opened(picture_file(name).read_bytes()).format == "WEBP"
        session.flush()
        [event] = history_of(session, "users", str(user.id))
        assert event.action == "accounts.avatar_changed"
        drop_picture(user.avatar_url)
        assert picture_file(name) is None

    def test_is_taken_away_once(self, session, make, now):
        user = make.user()
        change_avatar(session, user.id, drawing(), actor=SYSTEM, now=now)
        drop_picture(user.avatar_url)

        for _ in range(2):
            remove_avatar(session, user.id, actor=SYSTEM, now=now)

        assert user.avatar_url is None
        session.flush()
        assert len(history_of(session, "users", str(user.id))) == 2

    @pytest.mark.parametrize("name", ["../settings.py", "a.webp", "x" * 48 + ".webp", ""])
    def test_no_other_file_is_reached(self, name):
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / "a.webp").write_bytes(b"")

        assert picture_file(name) is None
        drop_picture(f"/avatars/{name}")
        assert (folder() / "a.webp").exists()
