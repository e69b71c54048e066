"""Figure 18: from nothing to every process answering, against what nobody can do without.

Ours is ``app.py run`` in an empty data folder, packages and catalogues present, without the
demo. Theirs is one ``initdb``, one start of that server, and one import of our code.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from models import embedded
from models.embedded.place import find_place
from tests.bench.ground import DATA, Ground
from tests.bench.measure import Figure, compared, told
from tests.processes import ROOT, free_port, read_until, start

UP = "Ctrl-C stops everything"
IMPORT = (
    "import app, jobs.house, jobs.clockwork, jobs.worker, public.sandbox.serve, public.serving,"
    " realtime.server"
)


def figures(_ground: Ground) -> list[Figure]:
    """A first start of everything."""
    return [
        compared(
            "18",
            "cold start of every process",
            "initdb + start + import",
            whole_house,
            bare_necessities,
            at_most=3.0,
            timed=told,
            note="both servers, migrations, web, realtime, worker, scheduler, sandbox",
        )
    ]


def whole_house() -> float:
    """Seconds from the command to the addresses it prints once all answer."""
    with empty_folder() as folder:
        began = time.perf_counter()
        house = start("run", "--no-demo", data_dir=folder, port=free_port())
        try:
            read_until(house, UP)
            return time.perf_counter() - began
        finally:
            house.terminate()
            house.communicate(timeout=30)


def bare_necessities() -> float:
    """Seconds of the three, one after the other."""
    with empty_folder() as folder:
        place = find_place(folder)
        place.folder(place.home)
        data, log = place.home / "postgres", place.home / "postgres.log"
        options = f"-c listen_addresses='' -c unix_socket_directories={place.home}"
        initdb = [place.postgres_programs / "initdb", "--auth=trust", "--no-sync", "-D", data]
        pg_ctl = [place.postgres_programs / "pg_ctl", "start", "-w", "-D", data, "-l", log]
        began = time.perf_counter()
        for command in (initdb, [*pg_ctl, "-o", options]):
            done = place.run(command)
            if done.returncode:
                raise RuntimeError(done.stderr)
        command = [sys.executable, "-W", "ignore", "-c", IMPORT]
        subprocess.run(command, cwd=ROOT, check=True)
        return time.perf_counter() - began


@contextmanager
def empty_folder() -> Iterator[Path]:
    """A data folder of one start, whose servers end with it."""
    with TemporaryDirectory(prefix="cold-", dir=DATA) as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "var"
        try:
            yield folder
        finally:
            embedded.discard(folder)
