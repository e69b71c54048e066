"""Socket.IO: channels, direct messages, notifications."""

from flask import Flask


def install(app: Flask) -> None:
    """Bind this edge to the application."""
