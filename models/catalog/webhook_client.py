"""The client that posts webhooks to addresses that others typed in.

Such an address may point at our own network: the name is resolved once, every address it
has must be public, and the connection goes to that very address, so that a name cannot
change its mind between the check and the call. https only; redirects are not followed.
"""

import ipaddress
import json
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from standardwebhooks import Webhook

from models.base import Json
from models.catalog.send_webhook import Answered
from models.catalog.webhook_deadline import Deadline
from models.settings import Settings

USER_AGENT = "weokto-stam-webhooks/1.0"
TIMEOUT = urllib3.Timeout(connect=5, read=20)
SECONDS_AT_MOST = 25
"""For a whole delivery once the name is resolved, however slowly the answer comes."""

READ_AT_MOST = 2000


class NotAllowedThere(Exception):
    """The address is none that webhooks go to; the text says why."""


def deliver(
    settings: Settings,
    *,
    url: str,
    secret: str,
    event_id: UUID,
    kind: str,
    data: Json,
    happened_at: datetime,
    now: datetime,
    seconds: float = SECONDS_AT_MOST,
) -> Answered:
    """Post one signed webhook and say what was answered. Raises nothing for what may go wrong.

    After ``seconds`` there was no answer, however much of one had come.
    """
    body = json.dumps(
        {"type": kind, "timestamp": _iso(happened_at), "data": data}, ensure_ascii=False
    )
    message_id = f"msg_{event_id.hex}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now.astimezone(UTC), body),
    }
    with Deadline(seconds) as deadline:
        try:
            return _post(settings, urlsplit(url), body.encode(), headers, deadline)
        except NotAllowedThere as refusal:
            return Answered(error=str(refusal))
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
            slow = f"no whole answer within {seconds} s" if deadline.is_over else ""
            return Answered(error=slow or type(failure).__name__)


def _post(
    settings: Settings,
    url: SplitResult,
    body: bytes,
    headers: dict[str, str],
    deadline: Deadline,
) -> Answered:
    private = settings.webhooks_to_private_addresses and not settings.is_production
    secure = url.scheme == "https"
    if url.hostname is None or not (secure or (private and url.scheme == "http")):
        raise NotAllowedThere("a webhook needs an https address")
    port = url.port or (443 if secure else 80)
    address = _address_of(url.hostname, port, private=private)
    pool: urllib3.HTTPConnectionPool
    if secure:
        pool = urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=TIMEOUT,
            cert_reqs="CERT_REQUIRED",
            ca_certs=DEFAULT_CA_BUNDLE_PATH,
            server_hostname=url.hostname,
            assert_hostname=url.hostname,
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=TIMEOUT)
    deadline.watch(pool)
    with pool:
        answer = pool.urlopen(
            "POST",
            f"{url.path or '/'}{'?' + url.query if url.query else ''}",
            body=body,
            headers={**headers, "Host": url.netloc.rpartition("@")[2]},
            redirect=False,
            retries=False,
            preload_content=False,
        )
        if deadline.is_over:  # the library takes headers that are cut short for all there are
            raise TimeoutError
        words = "" if 200 <= answer.status < 300 else _beginning_of(answer)
        answer.close()
    return Answered(answer.status, words, _retry_after(answer))


def _beginning_of(answer: urllib3.BaseHTTPResponse) -> str:
    """What a refusal says first; its status counts whether or not the words come in time."""
    try:
        return answer.read(READ_AT_MOST).decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError):
        return ""


def _address_of(host: str, port: int, *, private: bool) -> str:
    """The first address of a name. Raises NotAllowedThere where any of them is not public."""
    found = [str(place[4][0]) for place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not private and not is_public(address):
            raise NotAllowedThere(f"{host} is not on the public internet")
    return found[0]


def is_public(address: str) -> bool:
    """Whether an address is out on the internet, also when it is an IPv4 one dressed as IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:  # given up long ago, and still routed inside some networks
            return False
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _retry_after(answer: urllib3.BaseHTTPResponse) -> timedelta | None:
    seconds = answer.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(seconds), 86400)) if seconds.isdigit() else None


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
