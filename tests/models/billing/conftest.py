"""The in-process twin in the provider's place, and jobs left to whoever asked for them."""

import pytest

from models import session as boundary
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.session import send_with


@pytest.fixture
def twin():
    """A vault and a PSP in memory; without a queue, callbacks complete purchases themselves."""
    twin = InProcessProvider()
    use_provider(twin)
    sent_with = boundary._send
    send_with(None)
    yield twin
    send_with(sent_with)
    use_provider(None)
