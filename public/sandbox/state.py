"""What one running sandbox holds: its settings, its memory and its file.

Card numbers live in ``vaulted`` only, in memory, and are gone when the sandbox stops.
"""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app

from models.settings import Settings
from public.sandbox.adopt import adopt_twin
from public.sandbox.courier import BACKOFF_SECONDS, Courier
from public.sandbox.faults import Faults
from public.sandbox.store import Store

EXTENSION = "sandbox"
# Longer than our own client waits, so that a lost answer is seen as one.
SILENCE_SECONDS = 25.0
STRIP_SPACES = {
    "name": "replace",
    "input_field": "card_number",
    "output_field": "card_number",
    "order_position": 1,
    "arguments": {"substr": " ", "new_str": ""},
}
"""The one operation of the rule that docs/deployment.md has made once at the vault."""


@dataclass(frozen=True)
class VaultedCard:
    """A captured card, as the vault would decrypt it for its proxy."""

    fields: dict[str, str] = field(repr=False)


@dataclass
class OpenCapture:
    """A capture endpoint: used any number of times until it expires or is deleted."""

    capture_id: str
    secret: str
    reference: str
    expires_at: datetime | None
    webhook: dict[str, Any]
    with_card_metadata: bool
    rules: list[str]


class Sandbox:
    """The state behind the sandbox's pages; made once per app."""

    def __init__(
        self,
        settings: Settings,
        *,
        psp_webhook_url: str,
        silence_seconds: float = SILENCE_SECONDS,
        backoff: tuple[float, ...] = BACKOFF_SECONDS,
    ) -> None:
        self.settings = settings
        self.psp_webhook_url = psp_webhook_url
        self.store = Store(Path(settings.data_dir) / "sandbox.sqlite")
        adopt_twin(self.store, settings.data_dir)
        self.faults = Faults(silence_seconds)
        self.courier = Courier(
            self.faults, backoff, {f"127.0.0.1:{settings.port}": settings.weokto_hosts[0]}
        )
        self.captures: dict[str, OpenCapture] = {}
        self.rules: dict[str, list[dict[str, Any]]] = {"strip": [STRIP_SPACES]}
        self.vaulted: dict[tuple[str, str], VaultedCard] = {}
        self.calls: Counter[str] = Counter()
        self.in_flight: set[str] = set()
        self.next_refunds: deque[str] = deque()
        self.lock = threading.Lock()

    def note(self, call: str) -> None:
        """Count a call, so that tests can prove how often something was asked."""
        with self.lock:
            self.calls[call] += 1

    def close(self) -> None:
        """Stop deliveries and close the file."""
        self.courier.close()
        self.store.close()


def here() -> Sandbox:
    """The sandbox of the app that is answering."""
    sandbox: Sandbox = current_app.extensions[EXTENSION]
    return sandbox
