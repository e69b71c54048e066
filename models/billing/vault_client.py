"""The client of PCI Vault: card forms, and requests sent through it with a card filled in.

The key's passphrase travels in the address of each call, so no exception of the HTTP
library leaves this module and its debug lines are scrubbed. Each call opens a connection
of its own: a kept one that the other side has closed looks like a lost answer.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from models.billing.provider import Capture, CaptureRequest, ProviderUnavailable
from models.settings import Settings

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
CALL_SECONDS = 10

# The vendor's text says that the number of tries can be set but not under which name:
# this is the one place to correct. The PSP's idempotency key protects us either way.
TRIES_PARAMETER = "tries"

_SECRETS = re.compile(r"((?:passphrase|secret|password)=)[^&\s\"']+", re.IGNORECASE)


def scrub(text: str) -> str:
    """The text with the values of secret query parameters blanked."""
    return _SECRETS.sub(r"\1***", text)


class _ScrubFilter(logging.Filter):
    """Blanks secrets in the addresses that urllib3 writes at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(record.getMessage()), ()
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_ScrubFilter())


def connection_to(base_url: str) -> requests.Session:
    """A session for one call; a sandbox on this machine is not asked for through a proxy."""
    session = requests.Session()
    session.trust_env = base_url.startswith("https://")
    return session


class VaultSilent(Exception):
    """The vault gave no answer that can be used; ``sent`` says whether it may have acted."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.sent = sent


def never_sent(error: BaseException | None) -> bool:
    """Whether a failed request surely never left: no connection was made."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


@dataclass(frozen=True)
class ProxyAnswer:
    """What stood behind the proxy answered, or what the vault itself said of the request."""

    status: int
    body: Mapping[str, Any]


class VaultClient:
    """Calls PCI Vault under the settings it is given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> requests.Response:
        """One request. Raises VaultSilent, from which every secret was taken."""
        settings = self._settings
        trouble, sent = "", True
        try:
            with connection_to(settings.vault_url) as http:
                return http.request(
                    method,
                    f"{settings.vault_url}{path}",
                    params=query,
                    json=json,
                    auth=(settings.pcivault_user, settings.pcivault_password),
                    timeout=(min(CONNECT_SECONDS, seconds), seconds),
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            trouble, sent = type(error).__name__, not never_sent(error)
        # Raised outside the handler, so that no traceback carries the address along.
        log.warning("vault.silent", extra={"call": path.split("?")[0], "trouble": trouble})
        raise VaultSilent(trouble, sent=sent)

    def _key(self) -> dict[str, str]:
        return {
            "user": self._settings.pcivault_key_user,
            "passphrase": self._settings.pcivault_key_passphrase,
        }

    def open_capture(self, request: CaptureRequest) -> Capture:
        """Open a card form that lives ``ttl_minutes``. Raises ProviderUnavailable.

        What is typed passes the vault's rules before it is stored: the PSP takes no number
        with the spaces in which people type it.
        """
        query = {
            **self._key(),
            "ttl": f"PT{request.ttl_minutes}M",
            "reference": request.reference,
            "return_card_metadata": "true",
        }
        if self._settings.pcivault_rules:
            query["rules"] = ",".join(self._settings.pcivault_rules)
        webhook = {
            "url": request.webhook_url,
            "secret": request.webhook_secret,
            "metadata": {"checkout_id": request.checkout_id, "try_no": request.try_no},
        }
        try:
            answer = self._call("POST", "/capture", query=query, json={"webhook": webhook})
        except VaultSilent:
            raise ProviderUnavailable() from None
        return self._read_capture(answer, request)

    def _read_capture(self, answer: requests.Response, request: CaptureRequest) -> Capture:
        """The form that the vault opened. Raises ProviderUnavailable for any other answer."""
        body = json_of(answer)
        try:
            capture_id = str(body["url"]).rstrip("/").rsplit("/", 1)[-1]
            secret = str(body["secret"])
            expires_at = datetime.fromisoformat(str(body["expires_at"]))
        except (KeyError, ValueError):
            log.error("vault.refused", extra={"call": "/capture", "status": answer.status_code})
            raise ProviderUnavailable() from None
        form = self._settings.pcivault_form
        query = urlencode(
            {"unique_id": capture_id, "secret": secret, "reference": request.reference}
        )
        iframe_url = f"{self._settings.vault_url}/capture/iframe/{form}?{query}"
        return Capture(capture_id, iframe_url, secret, expires_at)

    def close_capture(self, capture_id: str) -> None:
        """Take a card form away; one already gone is done. Raises ProviderUnavailable."""
        try:
            answer = self._call("DELETE", f"/capture/{capture_id}")
        except VaultSilent:
            raise ProviderUnavailable() from None
        if not answer.ok and answer.status_code not in (404, 410):
            raise ProviderUnavailable()

    def post_through(self, token: str, reference: str, template: Mapping[str, Any]) -> ProxyAnswer:
        """Send a request with the card filled in, once, and wait for its answer.

        Raises VaultSilent when none came.
        """
        query = {
            **self._key(),
            "token": token,
            "reference": reference,
            "synchronous": "true",
            TRIES_PARAMETER: "1",
        }
        answer = self._call(
            "POST",
            "/proxy/post",
            query=query,
            json={"request": template},
            seconds=self._settings.psp_timeout_seconds,
        )
        return ProxyAnswer(answer.status_code, json_of(answer))


def json_of(answer: requests.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it is anything else."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
