"""Playing the buyer at the in-process twin's card form, as the vault would tell us of it."""

import json

from models import clock
from models.billing.in_process import InProcessProvider


def typed_card(twin: InProcessProvider, capture_id: str, number: str) -> tuple[bytes, str]:
    """Type a test card into an open form: the callback's raw body and its secret header.

    Give both to ``hear_vault``. Raises UnknownTestCard; KeyError for a form that is not open.
    """
    request = twin.captures[capture_id]
    card = twin.enter_card(number, reference=request.reference)
    shown = {
        "card_holder": "J DOE",
        "last_four": card.last4,
        "card_type": card.brand,
        "expiry": f"{card.exp_month:02d}/{card.exp_year % 100:02d}",
    }
    body = {
        "metadata": {"checkout_id": request.checkout_id, "try_no": request.try_no},
        "token_info": {
            "token": card.token,
            "reference": card.reference,
            "stored_at": clock.now().isoformat(),
            "safe_data": json.dumps(shown),
        },
    }
    return json.dumps(body).encode(), request.webhook_secret
