"""The rendered cache in front of Flask."""

import gzip
import time

import pytest
from flask import Flask, Response, request

from public.rendered import RenderedPages, forget_rendered, keep_this_answer


@pytest.fixture
def site():
    """A small site behind the cache that counts how often it really answers."""
    site = Flask(__name__)
    site.rendered = 0
    site.reader = None  # the language of whoever the session cookie lets in
    site.looks = 0

    @site.get("/")
    def page():
        site.rendered += 1
        keep_this_answer()
        return f"page {site.rendered}", 200, {"X-Request-ID": "one", "X-Frame-Options": "DENY"}

    @site.get("/own")
    def own():
        site.rendered += 1
        return "mine"

    @site.get("/cookie")
    def cookie():
        keep_this_answer()
        site.rendered += 1
        return "set", 200, {"Set-Cookie": "a=b"}

    @site.get("/member")
    def member():
        site.rendered += 1
        keep_this_answer(site.reader or "")
        return f"member {site.rendered}"

    @site.get("/download")
    def download():
        return Response(parts())

    def parts():
        for number in range(3):
            site.rendered += 1
            yield f"{number}"

    @site.get("/echo")
    def echo():
        keep_this_answer()
        return request.host

    def look(environ):
        site.looks += 1
        return site.reader

    site.extensions["rendered"] = site.wsgi_app = RenderedPages(site.wsgi_app, reader=look)
    return site


class TestRenderedPages:
    def test_serves_the_second_visitor_from_memory(self, site):
        client = site.test_client()

        assert client.get("/").text == client.get("/").text == "page 1"
        assert site.rendered == 1

    @pytest.mark.parametrize(
        "headers",
        [
            {"Accept-Language": "en"},
            {"Cookie": "lang=en"},
            {"Cookie": "consent=no"},
            {"Cookie": "weokto_session=x"},
            {"Host": "stam.localhost"},
        ],
    )
    def test_never_mixes_what_differs(self, site, headers):
        client = site.test_client(use_cookies=False)
        client.get("/")

        assert client.get("/", headers=headers).text == "page 2"

    def test_leaves_queries_other_methods_and_unmarked_answers_alone(self, site):
        client = site.test_client()
        for _ in range(2):
            client.get("/?ref=alice")
            client.head("/")
            client.get("/own")
            client.get("/cookie")

        assert site.rendered == 8

    def test_compresses_once_and_keeps_the_headers_of_the_page(self, site):
        client = site.test_client()
        client.get("/")

        answer = client.get("/", headers={"Accept-Encoding": "gzip"})

        assert gzip.decompress(answer.data) == b"page 1"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "X-Request-ID" not in answer.headers
        assert "Cookie" in answer.headers["Vary"]

    def test_says_unchanged_to_whoever_has_it(self, site):
        client = site.test_client()
        etag = client.get("/").headers["ETag"]

        answer = client.get("/", headers={"If-None-Match": etag})

        assert answer.status_code == 304
        assert answer.data == b""

    def test_forgets_at_once_when_told(self, site):
        client = site.test_client()
        client.get("/")

        forget_rendered(site)

        assert client.get("/").text == "page 2"

    def test_renders_again_once_stale(self, site):
        site.extensions["rendered"].keep_seconds = 0.001
        client = site.test_client()
        client.get("/")
        time.sleep(0.005)

        assert client.get("/").text == "page 2"

    def test_stays_small(self, site):
        client = site.test_client()
        for number in range(600):
            client.get("/echo", base_url=f"http://host{number}")

        assert len(site.extensions["rendered"].pages) <= 512


class TestSignedInReaders:
    """Pages that say nothing about who reads them but that they are signed in."""

    @pytest.fixture
    def member(self, site):
        site.reader = "fr"
        return site.test_client(use_cookies=False)

    @staticmethod
    def read(client, path="/member"):
        return client.get(path, headers={"Cookie": "weokto_session=x"}).text

    def test_get_what_was_made_for_another_of_their_language(self, site, member):
        assert self.read(member) == self.read(member) == "member 1"
        assert site.looks == 1

    def test_of_another_language_get_their_own(self, site, member):
        self.read(member)
        site.reader = "en"

        assert self.read(member) == self.read(member) == "member 2"

    def test_whose_session_opens_nothing_are_left_to_the_application(self, site, member):
        self.read(member)
        site.reader = None

        assert self.read(member) == "member 2"
        assert self.read(member) == "member 3"

    def test_never_leave_their_page_to_strangers(self, site, member):
        self.read(member)
        site.reader = None

        assert member.get("/member").text == "member 2"

    def test_cost_no_look_where_nothing_is_kept(self, site, member):
        self.read(member, "/own")
        self.read(member, "/own")

        assert site.looks == 0

    def test_get_a_download_as_it_comes(self, site, member):
        answer = member.get("/download", headers={"Cookie": "weokto_session=x"}, buffered=False)

        assert site.rendered < 3
        assert answer.text == "012"
