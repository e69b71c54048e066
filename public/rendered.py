"""Rendered pages kept as bytes and served before Flask does any work.

The application marks an answer as the same for everyone (``keep_this_answer``); for a few
seconds, whoever asks the same host for the same address in the same language and state of
consent, without a session, gets those bytes: compressed once, with their ETag and every
header they left with, content policy included. A stale page is rendered again by the first
who asks while the others still get the former one. Whoever is signed in gets the bytes made
for signed-in readers of the same language, after one look at who they are.
``forget_rendered`` drops everything in this process at once; other processes follow within
``KEEP_SECONDS``.
"""

import gzip
import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request
from prometheus_client import Counter

from public.languages import LANGUAGES, preferred_language
from public.readers import reader_of

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Key = tuple[str, ...]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

KEEP_SECONDS = 5.0
MOST_PAGES = 512
MARK = "weokto.keep"
SIGNED_IN = re.compile(r"(?:weokto|stam)_session=")
LANGUAGE_COOKIE = re.compile(r"(?:^|;\s*)lang=(fr|en)(?:;|$)")
CONSENT_COOKIE = re.compile(r"(?:^|;\s*)consent=")
OF_ONE_ANSWER = frozenset(
    {"x-request-id", "content-length", "content-encoding", "etag", "date", "vary"}
)
STATIC = "/static/"
VARIES = "Accept-Encoding, Accept-Language, Cookie"

from_memory = Counter("rendered_pages_total", "Answers served from the rendered cache")


@dataclass
class Page:
    """One answer's bytes, plain and compressed, with the headers each leaves with."""

    etag: str
    body: bytes
    zipped: bytes
    plain_headers: Headers
    zipped_headers: Headers
    unchanged_headers: Headers
    until: float
    being_renewed: bool = False


class RenderedPages:
    """The WSGI middleware around the application; one per process."""

    def __init__(
        self,
        inner: Wsgi,
        keep_seconds: float = KEEP_SECONDS,
        reader: Callable[[Environ], str | None] = reader_of,
    ) -> None:
        self.inner = inner
        self.keep_seconds = keep_seconds
        self.reader = reader
        self.pages: dict[Key, Page] = {}
        self.texts: dict[Key, tuple[float, str]] = {}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        key = key_of(environ)
        if key is None:
            return self.inner(environ, start_response)
        if is_signed_in(environ) and not key[0].startswith(STATIC):
            return self._for_member(key, environ, start_response)
        page = self.pages.get(key)
        if page is not None and (page.until > time.monotonic() or page.being_renewed):
            from_memory.inc()
            return _answer(page, environ, start_response)
        return self._render(key, page, environ, start_response)

    def _for_member(
        self, key: Key, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The page kept for this reader's language; who reads is only asked where one is kept."""
        now = time.monotonic()
        kept = {language: self.pages.get(_of_member(key, language)) for language in LANGUAGES}
        if any(page is not None and page.until > now for page in kept.values()):
            page = kept.get(self.reader(environ) or "")
            if page is not None and page.until > now:
                from_memory.inc()
                return _answer(page, environ, start_response)
        return self._render(key, None, environ, start_response, member=True)

    def _render(
        self,
        key: Key,
        former: Page | None,
        environ: Environ,
        start_response: Callable[..., Any],
        *,
        member: bool = False,
    ) -> Iterable[bytes]:
        """Let the application answer, and keep the answer when it says so and for whom."""
        told: list[Any] = []
        if former is not None:
            former.being_renewed = True
        try:
            parts = self.inner(environ, lambda *given: told.append(given))
            if MARK not in environ:  # it may be a long download: it goes out as it comes
                start_response(*told[0])
                return parts
            try:
                body = b"".join(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        finally:
            if former is not None:
                former.being_renewed = False
        status, headers = told[0][0], told[0][1]
        reader = environ[MARK]
        if bool(reader) != member or not status.startswith("200") or _sets_cookie(headers):
            start_response(*told[0])
            return [body]
        varies = "Accept-Encoding" if key[0].startswith(STATIC) else VARIES
        page = _page(body, headers, varies, time.monotonic() + self.keep_seconds)
        self._keep(_of_member(key, reader) if member else key, page)
        return _answer(page, environ, start_response)

    def _keep(self, key: Key, page: Page) -> None:
        if self.keep_seconds <= 0:
            return
        self.pages.pop(key, None)
        while len(self.pages) >= MOST_PAGES:
            self.pages.pop(next(iter(self.pages)), None)
        self.pages[key] = page


def install(app: Flask) -> None:
    """Put the cache in front of the application; tests see every change at once."""
    front = RenderedPages(app.wsgi_app, 0.0 if app.testing else KEEP_SECONDS)
    app.wsgi_app = front  # type: ignore[method-assign]
    app.extensions["rendered"] = front


def keep_this_answer(reader: str = "") -> None:
    """Say that the answer being made is the same for everyone who asks alike.

    ``reader`` is the language of the signed-in person it is made for, if one asks.
    """
    request.environ[MARK] = reader


def kept_text(render: Callable[[], str], *variant: str) -> str:
    """A page's text made at most once in a while for each variant of it.

    For those whom Flask has to answer (a signed-in person reading a page that says nothing
    about them): ``variant`` names all that may differ, language included.
    """
    front: RenderedPages = current_app.extensions["rendered"]
    now = time.monotonic()
    until, text = front.texts.get(variant, (0.0, ""))
    if until <= now:
        text = render()
        if front.keep_seconds > 0 and len(front.texts) < MOST_PAGES:
            front.texts[variant] = (now + front.keep_seconds, text)
    return text


def forget_rendered(app: Flask) -> None:
    """Drop every kept page of this process, because what they show has changed."""
    front: RenderedPages = app.extensions["rendered"]
    front.pages.clear()
    front.texts.clear()


def key_of(environ: Environ) -> Key | None:
    """What tells two answers to strangers apart; None where the cache has no say."""
    if environ["REQUEST_METHOD"] != "GET":
        return None
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    if path.startswith(STATIC):
        return (path, query)
    if query:
        return None
    cookies = environ.get("HTTP_COOKIE", "")
    chosen = LANGUAGE_COOKIE.search(cookies) if cookies else None
    return (
        environ.get("HTTP_HOST", ""),
        environ.get("HTTP_X_FORWARDED_HOST", "") + environ.get("HTTP_X_FORWARDED_PROTO", ""),
        path,
        chosen.group(1) if chosen else preferred_language(environ.get("HTTP_ACCEPT_LANGUAGE", "")),
        "asked" if cookies and CONSENT_COOKIE.search(cookies) else "",
    )


def _of_member(key: Key, language: str) -> Key:
    """The same page for signed-in readers: their profile's language goes before the browser's."""
    return (*key[:3], language, key[4], "member")


def is_signed_in(environ: Environ) -> bool:
    """Whether a cookie says so; whether it is true has to be looked up."""
    cookies = environ.get("HTTP_COOKIE", "")
    return bool(cookies) and SIGNED_IN.search(cookies) is not None


def _sets_cookie(headers: Headers) -> bool:
    return any(name.lower() == "set-cookie" for name, _value in headers)


def _page(body: bytes, headers: Headers, varies: str, until: float) -> Page:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    zipped = gzip.compress(body, 9, mtime=0)
    kept = [(name, value) for name, value in headers if name.lower() not in OF_ONE_ANSWER]
    kept += [("Vary", varies), ("ETag", etag)]
    quiet = [(n, v) for n, v in kept if n.lower() not in ("content-type", "content-disposition")]
    return Page(
        etag=etag,
        body=body,
        zipped=zipped,
        plain_headers=[*kept, ("Content-Length", str(len(body)))],
        zipped_headers=[
            *kept,
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(zipped))),
        ],
        unchanged_headers=quiet,
        until=until,
    )


def _answer(page: Page, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    if page.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 NOT MODIFIED", page.unchanged_headers.copy())
        return [b""]
    if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
        start_response("200 OK", page.zipped_headers.copy())
        return [page.zipped]
    start_response("200 OK", page.plain_headers.copy())
    return [page.body]
