"""Background work: queues, workers, the schedule, and the processes of one machine."""

from flask import Flask

from jobs.queue import join_queue


def install(app: Flask) -> None:
    """Bind this edge to the application: what it defers is queued once committed."""
    join_queue()
