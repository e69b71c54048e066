"""What the in-process twin remembers, as JSON, for a sandbox that takes its place.

A demo is played with the twin; the house that shows it afterwards charges and refunds over
HTTP. No card number is in it: the last four digits tell the published test cards apart.
"""

import json
from pathlib import Path

from models.base import Json
from models.billing.in_process import InProcessProvider
from models.billing.provider import PaymentOutcome

FILE = "twin.json"
"""Its name in the folder of data, where the sandbox looks for it at its start."""


def remember_twin(provider: InProcessProvider, data_dir: str) -> Path:
    """Write down the twin's cards and payments; what an earlier twin left is replaced."""
    path = Path(data_dir) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(memory_of(provider)), "utf-8")
    return path


def memory_of(provider: InProcessProvider) -> Json:
    """The cards that were registered, and the payments that took money, with what was given
    back of each, in cents."""
    return {
        "methods": [
            {
                "id": answer.payment_method_id,
                "customer": answer.psp_customer_id,
                "brand": answer.brand,
                "last4": answer.last4,
                "exp_month": answer.exp_month,
                "exp_year": answer.exp_year,
                "fingerprint": answer.fingerprint,
                "worked_before": provider.methods[str(answer.payment_method_id)].worked_before,
            }
            for _, answer in provider.registered.values()
        ],
        "payments": [
            {
                "id": payment.payment_id,
                "key": payment.attempt_key,
                "customer": payment.psp_customer_id,
                "method": payment.payment_method_id,
                "amount": payment.amount,
                "currency": payment.currency,
                "given_back": provider.given_back.get(str(payment.payment_id), 0),
            }
            for payment in provider.payments.values()
            if payment.amount and payment.outcome is PaymentOutcome.SUCCEEDED
        ],
    }
