"""The embedded Redis: every write appended to a file, synced each second, nothing evicted."""

import time

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from models.embedded.place import CannotStart, Place

SECONDS_TO_START = 30
DATABASES = 64
SETTINGS = """\
port 0
unixsocket "{sockets}/redis.sock"
unixsocketperm 700
daemonize yes
dir "{data}"
pidfile "{data}/redis.pid"
logfile "{data}/redis.log"
loglevel warning
databases {databases}
appendonly yes
appendfsync {appendfsync}
save ""
maxmemory-policy noeviction
"""


def socket_path(place: Place) -> str:
    """The path of its socket."""
    return f"{place.sockets}/redis.sock"


def client(place: Place) -> "Redis":
    """A client of database 0 that hears at once whether anyone is there."""
    at_once = Retry(NoBackoff(), 0)  # the library's default goes on trying for 3.5 s
    return Redis(unix_socket_path=socket_path(place), socket_timeout=5, retry=at_once)


def start(place: Place, *, fast: bool) -> None:
    """Start the server, or join it when it runs. Raises CannotStart with its last words."""
    if _answers(place):
        return
    data = place.folder(place.home / "redis")
    place.folder(place.sockets)
    conf = SETTINGS.format(
        sockets=place.sockets,
        data=data,
        databases=DATABASES,
        appendfsync="no" if fast else "everysec",
    )
    place.write(data / "redis.conf", conf)
    said = place.run([place.redis_program, data / "redis.conf"])
    give_up_at = time.monotonic() + SECONDS_TO_START
    while not _answers(place):
        if said.returncode or time.monotonic() > give_up_at:
            words = (said.stderr.strip() or said.stdout.strip()).splitlines()[-1:]
            raise CannotStart(f"Redis did not start: {' '.join(words)} (see {data}/redis.log)")
        time.sleep(0.02)


def stop(place: Place) -> None:
    """Stop the server and wait until it is gone. A second call changes nothing."""
    if not _answers(place):
        return
    with client(place) as server:
        pid = server.info("server")["process_id"]
        server.shutdown(nosave=True)  # the appended file has everything already
    give_up_at = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < give_up_at:
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:  # a zombie that its parent never reaps has ended all the same
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _answers(place: Place) -> bool:
    with client(place) as server:
        try:
            return bool(server.ping())
        except BusyLoadingError:
            time.sleep(0.05)
            return _answers(place)
        except RedisError:
            return False
