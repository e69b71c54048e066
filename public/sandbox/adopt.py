"""Adopting what the in-process twin did: a demo's cards can be charged, its payments refunded."""

import json
import logging
from pathlib import Path

from models import clock
from models.billing.twin_memory import FILE
from public.sandbox.store import Store, Thing

log = logging.getLogger(__name__)


def adopt_twin(store: Store, data_dir: str) -> int:
    """Take over what a twin left in the folder of data, once; answers how many cards it had."""
    path = Path(data_dir) / FILE
    if not path.exists():
        return 0
    memory = json.loads(path.read_text("utf-8"))
    now = int(clock.now().timestamp())
    with store.lock:
        for method in memory["methods"]:
            store.put("customer", _customer(method, now))
            store.put("payment_method", _method(method, now))
        for payment in memory["payments"]:
            store.put("payment_intent", _intent(payment, now))
    path.unlink()
    log.info("sandbox.twin_adopted", extra={"cards": len(memory["methods"])})
    return len(memory["methods"])


def _customer(method: Thing, now: int) -> Thing:
    return {
        "id": method["customer"],
        "object": "customer",
        "created": now,
        "email": None,
        "name": None,
        "metadata": {},
        "livemode": False,
    }


def _method(method: Thing, now: int) -> Thing:
    return {
        "id": method["id"],
        "object": "payment_method",
        "type": "card",
        "created": now,
        "customer": method["customer"],
        "livemode": False,
        "metadata": {},
        "card": {
            "brand": method["brand"],
            "last4": method["last4"],
            "exp_month": method["exp_month"],
            "exp_year": method["exp_year"],
            "fingerprint": method["fingerprint"],
            "country": "FR",
            "funding": "credit",
        },
        "_worked_before": method["worked_before"],
    }


def _intent(payment: Thing, now: int) -> Thing:
    return {
        "id": payment["id"],
        "object": "payment_intent",
        "client_secret": f"{payment['id']}_secret",
        "created": now,
        "customer": payment["customer"],
        "payment_method": payment["method"],
        "description": None,
        "metadata": {"attempt_key": payment["key"]},
        "livemode": False,
        "next_action": None,
        "status": "succeeded",
        "amount": payment["amount"],
        "amount_received": payment["amount"],
        "currency": str(payment["currency"]).lower(),
        "setup_future_usage": None,
        "latest_charge": None,
        "last_payment_error": None,
        "_refunded": payment["given_back"],
        "_return_url": None,
        "_key": payment["key"],
    }
