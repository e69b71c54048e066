"""The rendered cache in front of Flask."""

import gzip
import time

import pytest
from flask import Flask, request

from public.rendered import RenderedPages, forget_rendered, keep_this_answer


@pytest.fixture
def site():
    """A small site behind the cache that counts how often it really answers."""
    site = Flask(__name__)
    site.rendered = 0

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

    @site.get("/echo")
    def echo():
        keep_this_answer()
        return request.host

    site.extensions["rendered"] = site.wsgi_app = RenderedPages(site.wsgi_app)
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
