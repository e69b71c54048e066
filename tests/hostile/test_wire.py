"""What is hardly HTTP, sent to the real web process: it answers, lives on, and logs no card."""

import socket

import pytest

from tests.hostile.test_card_numbers import NUMBERS, traces
from tests.processes import free_port, start, status_of, wait_for

HOST = b"Host: weokto.localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"
CALLBACK = b"POST /api/payments/pci-vault/callback HTTP/1.1\r\n"
SAID = {
    "a NUL in a header": (b"GET / HTTP/1.1\r\nUser-Agent: a\x00b\r\n", 200),
    "bytes in headers": (
        b"GET / HTTP/1.1\r\nUser-Agent: \xff\xfe\r\nReferer: \xed\xa0\x80\r\n",
        200,
    ),
    "a NUL in the path": (b"GET /\x00 HTTP/1.1\r\n", 404),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n", 404),
    "another site's address": (b"GET http://evil.example/ HTTP/1.1\r\n", 404),
    "half an emoji": (b"GET /p/%ED%A0%80?x=%ED%A0%80 HTTP/1.1\r\n", 404),
    "less than nothing": (b"POST /login HTTP/1.1\r\nContent-Length: -5\r\n", 400),
    "a length in words": (b"POST /login HTTP/1.1\r\nContent-Length: five\r\n", 400),
    "two lengths": (
        b"POST /login HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        400,
    ),
    "an endless address": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n", 414),
    "an endless header": (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n", 400),
    "a thousand headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000, 431),
    "a secret of bytes": (CALLBACK + b"X-PCIVault-Webhook-Secret: \x00\xff\r\n", 422),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    "no protocol": (b"hello\r\n", 400),
}
CARDS = [
    part.replace(b"CARD", number.encode())
    for number in NUMBERS
    for part in (
        b"CARD\r\n",
        b"POST CARD\x00 CARD\r\n",
        b"GET /CARD HTTP/9.CARD\r\n",
        b"CARD / HTTP/1.1\r\n",
        b"GET /p/CARD?c=CARD HTTP/1.1\r\nX: CARD\r\nReferer: CARD\r\nCARD: x\r\n",
        b"GET /CARD HTTP/1.1\r\n" + b"X: y\r\n" * 1000,
        b"POST /login HTTP/1.1\r\nContent-Length: CARD\r\n",
    )
]


@pytest.fixture(scope="module")
def web(settings, tmp_path_factory):
    """The web process at INFO, on the tests' database; its output is read when it has ended."""
    port = free_port()
    process = start(
        "web",
        data_dir=tmp_path_factory.mktemp("wire"),
        port=port,
        DATABASE_URL=settings.database_url,
        DATABASE_MEMBER_URL=settings.database_member_url,
        DATABASE_OWNER_URL=settings.database_owner_url,
        REDIS_URL=settings.redis_url,
        LOG_LEVEL="INFO",
    )
    wait_for(lambda: status_of(f"http://127.0.0.1:{port}/healthz") == 200, 60)
    yield port
    process.terminate()
    told, _ = process.communicate(timeout=60)
    assert "not understood" in told
    assert "Traceback" not in told
    assert not traces(told)


def say(port, raw):
    """Send it with a host and an end; gives the answer's status, 0 where there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw + HOST + CLOSE)
        answer = connection.makefile("rb").read()
    first = answer.split(b"\r\n")[0].split()
    if first and first[0].startswith(b"HTTP/"):
        return int(first[1])
    return 400 if b"Error code: 400" in answer else 0


@pytest.mark.parametrize("kind", SAID)
def test_what_is_hardly_http_gets_its_status(web, kind):
    raw, status = SAID[kind]
    assert say(web, raw) == status
    assert status_of(f"http://127.0.0.1:{web}/healthz") == 200


def test_card_numbers_where_no_request_begins_are_not_logged(web):
    for raw in CARDS:
        assert say(web, raw) < 500
