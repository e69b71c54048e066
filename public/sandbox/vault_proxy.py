"""Plays PCI Vault's proxy: fills a stored card into a request and sends it on over HTTP."""

import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from models.billing.vault_client import TRIES_PARAMETER
from public.sandbox.state import Sandbox, here
from public.sandbox.vault import fault_refusal, key_is_known, refusal, signed_in

vault_proxy = Blueprint("vault_proxy", __name__)
log = logging.getLogger(__name__)

DEFAULT_TRIES = 8
MOST_TRIES = 16
SYNCHRONOUS_SECONDS = 20

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HERE = ("127.0.0.1", "localhost", "::1")


@vault_proxy.post("/proxy/post")
@signed_in
def forward() -> ResponseReturnValue:
    here().note("proxy")
    return here().faults.around("proxy", _forward, fault_refusal)


def _forward() -> Response:
    sandbox = here()
    if not key_is_known():
        return refusal(403, "Unknown key or wrong passphrase")
    stored = sandbox.vaulted.get((request.args.get("token", ""), request.args.get("reference", "")))
    if stored is None:
        return refusal(404, "No such token and reference")
    body = request.get_json(silent=True) or {}
    template = body.get("request") or {}
    values = {**stored.fields, **(template.get("extra_data") or {})}
    url = fill(str(template.get("url", "")), values)
    if urlsplit(url).hostname not in _HERE:
        return refusal(403, "The sandbox sends requests to this machine only")
    headers = {
        name: fill(str(value), values)
        for pair in template.get("headers") or []
        for name, value in pair.items()
    }
    text = fill(str(template.get("body", "")), values)
    tries = min(int(request.args.get(TRIES_PARAMETER, DEFAULT_TRIES)), MOST_TRIES)
    if request.args.get("synchronous") == "true":
        return _as_response(post_with_tries(url, headers, text, tries))
    webhook = body.get("webhook") or {}
    threading.Thread(
        target=_forward_later, args=(sandbox, url, headers, text, tries, webhook), daemon=True
    ).start()
    return jsonify(message="accepted")


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Put the values in place of ``{{names}}``; an unknown name becomes empty."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], "")), template)


def post_with_tries(
    url: str, headers: Mapping[str, str], text: str, tries: int
) -> requests.Response | None:
    """Post, again on 429 and from 500 on, ``tries`` times at most; None without an answer."""
    answer = None
    for _ in range(max(1, tries)):
        try:
            with requests.Session() as http:
                http.trust_env = False
                answer = http.post(
                    url, data=text.encode(), headers=headers, timeout=SYNCHRONOUS_SECONDS
                )
        except requests.RequestException as error:
            log.info("sandbox.proxy_unanswered %s", type(error).__name__)
            continue
        if answer.status_code != 429 and answer.status_code < 500:
            break
    return answer


def _as_response(answer: requests.Response | None) -> Response:
    if answer is None:
        return refusal(504, "The request was not answered in time")
    return Response(
        answer.content,
        status=answer.status_code,
        content_type=answer.headers.get("Content-Type", "application/json"),
    )


def _forward_later(
    sandbox: Sandbox,
    url: str,
    headers: Mapping[str, str],
    text: str,
    tries: int,
    webhook: Mapping[str, Any],
) -> None:
    answer = post_with_tries(url, headers, text, tries)
    if not webhook.get("url"):
        return
    told = {
        "headers": [{name: value} for name, value in (answer.headers if answer else {}).items()],
        "body": answer.text if answer is not None else "",
        "status": str(answer.status_code) if answer is not None else "504",
    }
    secret = str(webhook.get("secret", ""))
    sandbox.courier.send(
        "vault_webhook",
        str(webhook["url"]),
        json.dumps(told).encode(),
        lambda: {"X-PCIVault-Webhook-Secret": secret},
    )
