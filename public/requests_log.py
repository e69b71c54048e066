"""Every request gets an id, one access line in the logs, and a place in the metrics."""

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

from models.card_numbers import has_card_number

SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
HEADER = "X-Request-ID"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are counted by name: a method is any word that a stranger sends."""

log = structlog.get_logger("access")
served = Counter("http_requests_total", "Requests answered", ["method", "endpoint", "status"])
seconds = Histogram("http_request_seconds", "Time to answer a request", ["endpoint"])


def install(app: Flask) -> None:
    """Begin every request with an id and end it with a line."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    is_sane = SANE_ID.fullmatch(given) and not has_card_number(given)
    g.request_id = given if is_sane else uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    took = time.perf_counter() - g.began
    endpoint = request.endpoint or "none"
    response.headers[HEADER] = g.request_id
    method = request.method if request.method in METHODS else "other"
    served.labels(method, endpoint, str(response.status_code)).inc()
    seconds.labels(endpoint).observe(took)
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round(took * 1000, 1),
    )
    return response


def _forget(_error: BaseException | None) -> None:
    """What the thread logs next is of nobody's request."""
    structlog.contextvars.clear_contextvars()
