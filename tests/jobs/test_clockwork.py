"""The scheduler as a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from rq import Queue

from jobs.queue import QUEUES
from jobs.worker import addresses

ROOT = Path(__file__).resolve().parents[2]


def test_what_it_ticks_reaches_the_queues(committed, redis, settings):
    environment = {**os.environ, **addresses(settings), "ENV": "test"}
    with subprocess.Popen(
        [sys.executable, "app.py", "scheduler"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    ) as scheduler:
        try:
            give_up_at = time.monotonic() + 30
            queued = 0
            while not queued and time.monotonic() < give_up_at:
                time.sleep(0.2)
                queued = sum(Queue(name, connection=redis).count for name in QUEUES)
        finally:
            scheduler.terminate()
            scheduler.communicate(timeout=20)

    assert queued
