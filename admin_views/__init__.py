"""The consoles of owner, admins and product managers, generated from one registry."""

from flask import Flask


def install(app: Flask) -> None:
    """Bind this edge to the application."""
    from admin_views import consoles, reading

    reading.install(app)
    consoles.install(app)
