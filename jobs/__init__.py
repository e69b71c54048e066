"""Background work: queues, workers, the schedule, and the processes of one machine."""

from flask import Flask


def install(app: Flask) -> None:
    """Bind this edge to the application."""
