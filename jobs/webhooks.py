"""Jobs of webhooks: telling the endpoints of payment buttons what waits to be told."""

import time

from jobs.queue import job
from models import clock
from models.catalog import WebhookDelivery, WebhookStatus
from models.catalog.send_webhook import note_answer, take_due_webhook
from models.catalog.webhook_client import deliver
from models.oversight import SYSTEM
from models.session import unit_of_work
from models.settings import current_settings

SECONDS_AT_MOST = 60


@job("catalog-send-webhooks", queue="mail", timeout=SECONDS_AT_MOST + 60, retry=())
def send_webhooks() -> dict[str, int]:
    """Tell every endpoint that is due, for a while; what fails waits for its next try.

    Each call is made between two transactions: leased, called, written down.
    """
    counts = {"delivered": 0, "later": 0, "given_up": 0}
    give_up_at = time.monotonic() + SECONDS_AT_MOST
    while time.monotonic() < give_up_at:
        with unit_of_work() as session:
            delivery = take_due_webhook(session, now=clock.now())
        if delivery is None:
            break
        counts[_tell(delivery)] += 1
    return counts


def _tell(delivery: WebhookDelivery) -> str:
    answered = deliver(
        current_settings(),
        url=delivery.url,
        secret=delivery.button.webhook_secret or "",
        event_id=delivery.event_id,
        kind=delivery.kind,
        data=delivery.data,
        happened_at=delivery.happened_at,
        now=clock.now(),
    )
    with unit_of_work() as session:
        noted = note_answer(session, delivery.id, answered, actor=SYSTEM, now=clock.now())
    outcomes = {
        WebhookStatus.DELIVERED: "delivered",
        WebhookStatus.QUEUED: "later",
        WebhookStatus.FAILED: "given_up",
    }
    return outcomes[noted.status]
