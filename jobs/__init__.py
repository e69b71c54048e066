"""Background work: queues, workers, the schedule, and the processes of one machine."""

from flask import Flask

from jobs.queue import enqueue, load_jobs
from models.session import send_with


def install(app: Flask) -> None:
    """Bind this edge to the application: what it defers is queued once committed."""
    load_jobs()
    send_with(enqueue)
