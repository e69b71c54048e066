"""Forms: every POST proves that one of our own pages sent it."""

from flask import Flask
from flask_wtf import CSRFProtect

csrf = CSRFProtect()


def install(app: Flask) -> None:
    """Guard every POST; an endpoint called by other machines says ``@csrf.exempt``."""
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", 12 * 3600)
    app.config.setdefault("WTF_CSRF_HEADERS", ["X-CSRF-Token"])
    csrf.init_app(app)
