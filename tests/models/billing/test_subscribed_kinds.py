"""What the PSP is asked to tell: the list that a person copies, each kind of it acted upon."""

import json
import re

import pytest
from stripe import WebhookSignature

from models import clock
from models.billing.hear_psp import SUBSCRIBED, hear_psp
from models.billing.provider_event import EventOutcome
from tests.processes import ROOT


def test_the_deployment_document_lists_them_all():
    text = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    listed = re.findall(r"`((?:payment_intent|setup_intent|refund|charge)\.[a-z_.]+)`", text)

    assert sorted(listed) == sorted(SUBSCRIBED)


@pytest.mark.usefixtures("committed", "now")
@pytest.mark.parametrize("kind", sorted(SUBSCRIBED))
def test_none_is_passed_over(settings, kind):
    thing = kind.rpartition(".")[0].replace("charge.dispute", "dispute")
    about = {"object": thing, "id": "x_1", "payment_intent": "pi_1", "amount_refunded": 100}
    told = {"id": f"evt_{kind}", "type": kind, "data": {"object": about}}
    raw = json.dumps(told)
    seal = WebhookSignature.generate_signature_header(
        raw, settings.psp_webhook_secret, timestamp=int(clock.now().timestamp())
    )

    assert hear_psp(raw.encode(), seal) is EventOutcome.OPEN  # known, and of no payment of ours
