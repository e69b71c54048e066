"""Sends the webhooks of the services that the sandbox plays, and tries again as they do."""

import logging
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import requests

from public.sandbox.faults import Faults, What

log = logging.getLogger(__name__)

ANSWER_SECONDS = 15
BACKOFF_SECONDS = (0.0, 1.0, 5.0, 30.0, 120.0, 600.0)


class Courier:
    """One thread per webhook; anything but a 2xx is tried again after a longer wait.

    ``names`` says by which name to ask for what is called by its number (``127.0.0.1:8000``):
    our own web process answers under the sites' names only.
    """

    def __init__(
        self,
        faults: Faults,
        backoff: tuple[float, ...] = BACKOFF_SECONDS,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._faults = faults
        self._backoff = backoff
        self._names = names or {}
        self._threads: set[threading.Thread] = set()

    def send(
        self, on: str, url: str, body: bytes, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        """Deliver in the background; ``headers`` are made anew for each try, as a signature
        carries its time."""
        fault = self._faults.take(on)
        if fault is not None and fault.what is What.DROP:
            return
        first_wait = fault.seconds if fault is not None else 0.0
        copies = 2 if fault is not None and fault.what is What.DUPLICATE else 1
        for _ in range(copies):
            thread = threading.Thread(
                target=self._deliver, args=(url, body, headers, first_wait), daemon=True
            )
            self._threads = {known for known in self._threads if known.is_alive()} | {thread}
            thread.start()

    def close(self) -> None:
        """Give up what is still waiting, and wait for what is on its way."""
        self._faults.stopped.set()
        for thread in list(self._threads):
            thread.join(timeout=ANSWER_SECONDS)

    def _deliver(
        self, url: str, body: bytes, headers: Callable[[], Mapping[str, str]], first_wait: float
    ) -> None:
        name = self._names.get(urlsplit(url).netloc)
        always = {"Content-Type": "application/json"} | ({"Host": name} if name else {})
        for wait in (self._backoff[0] + first_wait, *self._backoff[1:]):
            if self._faults.stopped.wait(wait):
                return
            try:
                with requests.Session() as http:
                    http.trust_env = False
                    answer = http.post(
                        url,
                        data=body,
                        headers={**always, **headers()},
                        timeout=ANSWER_SECONDS,
                        allow_redirects=False,
                    )
                if answer.ok:
                    return
                log.info("sandbox.webhook_refused %s answered %s", url, answer.status_code)
            except requests.RequestException as error:
                log.info("sandbox.webhook_undelivered %s: %s", url, type(error).__name__)
        log.warning("sandbox.webhook_given_up %s", url)
