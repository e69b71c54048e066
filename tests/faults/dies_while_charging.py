"""A process of its own that completes a checkout and is killed on the way, for crash tests.

``python -m tests.faults.dies_while_charging CAPTURE_ID WHERE``: the kill comes from inside
the outside port, the one place where a fake may stand.
"""

import os
import signal
import sys
from uuid import UUID

from models.billing.choose_provider import use_provider
from models.billing.complete_checkout import complete_checkout
from models.billing.http_provider import HttpProvider


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(HttpProvider):
    def __init__(self, where):
        self.where = where

    def register_card(self, card):
        if self.where == "before_register":
            die()
        answer = super().register_card(card)
        if self.where == "after_register":
            die()
        return answer

    def charge(self, request):
        if self.where == "before_charge":
            die()
        answer = super().charge(request)
        if self.where == "after_charge":
            die()
        return answer


if __name__ == "__main__":
    use_provider(Deadly(sys.argv[2]))
    complete_checkout(UUID(sys.argv[1]))
