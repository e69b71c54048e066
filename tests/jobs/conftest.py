"""What the tests of jobs share: committed data, a real Redis, and no memory of an outage."""

import pytest

from jobs import queue
from models import session as boundary


@pytest.fixture
def sending(monkeypatch):
    """Say for one test how deferred jobs are sent; Redis is not thought to be away."""
    monkeypatch.setattr(queue, "_left_alone_until", 0.0)
    monkeypatch.setattr(boundary, "_send", None)
    queue.load_jobs()
    return boundary.send_with


@pytest.fixture
def queued(committed, redis, sending):
    """Deferred jobs go to this worker's Redis."""
    sending(queue.enqueue)
    return redis
