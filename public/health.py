"""How the machine is: for a load balancer, for a person, for Prometheus."""

from collections.abc import Callable

import structlog
from flask import Blueprint, Response, abort, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from models.migrations.run import at_head
from models.quick_redis import brief_connection
from models.secrets import same
from models.session import unit_of_work
from models.settings import current_settings
from public.machine_metrics import machine_figures

log = structlog.get_logger(__name__)
pages = Blueprint("health", __name__)


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """This process answers."""
    return jsonify(ok=True)


@pages.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Whether requests can be served: 503 names what is missing."""
    wrong = what_is_wrong()
    return jsonify(ok=not wrong, wrong=wrong), 503 if wrong else 200


@pages.get("/status")
def status() -> ResponseReturnValue:
    """The same for people, in plain words."""
    wrong = what_is_wrong()
    lines = [
        _("Pages, purchases and accounts: interrupted.")
        if {"database", "migrations"} & set(wrong)
        else _("Pages, purchases and accounts: working."),
        _("Mails and notifications: delayed.")
        if "redis" in wrong
        else _("Mails and notifications: working."),
    ]
    headline = _("Everything works.") if not wrong else _("Part of the site is in trouble.")
    page = render_template("health/status.html", headline=headline, lines=lines)
    return page, 503 if wrong else 200


@pages.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Figures for Prometheus; without the right bearer token there is nothing here."""
    token = current_settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not same(given, token):
        abort(404 if "platform" in g else Response(status=404))
    figures = generate_latest() + machine_figures()
    return current_app.response_class(figures, content_type=CONTENT_TYPE_LATEST)


def what_is_wrong() -> list[str]:
    """The names of what does not answer; empty when all is well."""
    checks: dict[str, Callable[[], None]] = {
        "database": _ask_database,
        "redis": _ask_redis,
        "migrations": _ask_migrations,
    }
    wrong = []
    for name, ask in checks.items():
        try:
            ask()
        except Exception as reason:  # whatever the reason, the answer is that it is not ready
            log.warning("not ready", part=name, reason=str(reason))
            wrong.append(name)
    return wrong


def _ask_database() -> None:
    with unit_of_work() as session:
        session.execute(text("select 1"))


def _ask_redis() -> None:
    with brief_connection() as redis:
        redis.ping()


def _ask_migrations() -> None:
    with unit_of_work() as session:
        if not at_head(session.connection()):
            raise LookupError("the schema is not the newest; run: python app.py migrate")
