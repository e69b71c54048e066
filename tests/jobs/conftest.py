"""What the tests of jobs share: committed data, a real Redis, and no memory of an outage."""

import pytest

from jobs import queue
from models import session as boundary


@pytest.fixture
def queued(committed, redis, monkeypatch):
    """Deferred jobs go to this worker's Redis, and Redis is not thought to be away."""
    monkeypatch.setattr(queue, "_left_alone_until", 0.0)
    queue.load_jobs()
    boundary.send_with(queue.enqueue)
    yield redis
    boundary.send_with(None)
