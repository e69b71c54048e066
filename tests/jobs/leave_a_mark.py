"""A job for tests of the worker: it marks each of its runs, and hangs in the first."""

import time
from pathlib import Path


def leave_a_mark(path: str) -> None:
    """Add a line to a file; the first run then takes a minute, the next ones none."""
    file = Path(path)
    first = not file.exists()
    with file.open("a") as marks:
        marks.write("run\n")
    if first:
        time.sleep(60)
