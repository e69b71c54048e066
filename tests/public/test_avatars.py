"""One's picture on the profile page: chosen, shown, replaced, removed; bad files told in words."""

import pytest

from models.accounts import Platform
from models.accounts.avatar import folder
from tests.models.accounts.test_avatar import drawing, opened
from tests.public.clients import speak_english
from tests.visitors import TOKEN, Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")


@pytest.fixture
def ada(app):
    for file in folder().glob("*"):
        file.unlink()
    visitor = Visitor(app, Platform.STAM)
    visitor.sign_in()
    speak_english("ada@example.org")
    return visitor


def send(visitor, data):
    """Post a file as browsers do, in one piece: the test client would leave a large one open."""
    found = TOKEN.search(visitor.get("/profile", follow_redirects=True).text)
    head = (
        '--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n'
        f"{found.group(1)}\r\n--x\r\n"
        'Content-Disposition: form-data; name="avatar"; filename="me.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return visitor.browser.post(
        "/profile/avatar",
        data=head.encode() + data + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        base_url=visitor.base,
    )


class TestPicture:
    def test_is_chosen_and_shown(self, app, ada):
        assert send(ada, drawing()).location == "/profile"

        url = ada.user().avatar_url
        assert f'src="{url}"' in ada.get("/profile").text
        answer = Visitor(app, Platform.STAM).get(url)
        assert (answer.status_code, answer.mimetype) == (200, "image/webp")
        assert opened(answer.data).size == (480, 480)
        for header, words in (
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "immutable"),
            ("Content-Security-Policy", "default-src 'none'"),
        ):
            assert words in answer.headers[header]

    def test_another_one_takes_its_place(self, ada):
        send(ada, drawing())
        first = ada.user().avatar_url
        send(ada, drawing("JPEG"))

        assert ada.get(first).status_code == 404
        assert ada.get(ada.user().avatar_url).status_code == 200
        assert len(list(folder().iterdir())) == 1

    def test_is_removed_with_its_file(self, ada):
        send(ada, drawing())
        url = ada.user().avatar_url

        assert ada.post("/profile/avatar/remove", form="/profile").location == "/profile"

        assert ada.user().avatar_url is None
        assert ada.get(url).status_code == 404
        assert not list(folder().iterdir())

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "Choose a picture first."),
            (b"<svg/>", "no picture we can read"),
            (drawing() + b"\x00" * 2 * 1024 * 1024, "too large"),
        ],
        ids=["none", "svg", "large"],
    )
    def test_a_bad_file_is_told_beside_the_field(self, ada, data, words):
        answer = send(ada, data)

        assert answer.status_code == 422
        assert words in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert ada.get("/profile/avatar").location == "/profile"
        assert not list(folder().glob("*"))

    def test_five_megabytes_are_not_even_read(self, ada):
        assert send(ada, b"x" * 5_000_000).status_code == 413

    def test_wants_somebody(self, app):
        assert send(Visitor(app, Platform.STAM), drawing()).location.startswith("/login")

    @pytest.mark.parametrize("name", ["x", "..%2f..%2fapp.py", "0" * 48 + ".webp"])
    def test_no_other_file_is_served(self, ada, name):
        assert ada.get(f"/avatars/{name}").status_code == 404
