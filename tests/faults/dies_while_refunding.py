"""A process of its own that sends refunds and is killed on the way, for crash tests.

``python -m tests.faults.dies_while_refunding WHERE [N]``: before or after its N-th commit, or
around the call outside. Where the kill never comes, it says how many commits there were.
"""

import json
import os
import signal
import sys

from sqlalchemy import event
from sqlalchemy.orm import Session

from models.billing.choose_provider import use_provider
from models.billing.http_provider import HttpProvider
from models.billing.send_refunds import send_refunds


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(HttpProvider):
    def __init__(self, where):
        self.where = where

    def refund(self, request):
        if self.where == "before_call":
            die()
        answer = super().refund(request)
        if self.where == "after_call":
            die()
        return answer


seen = {"before_commit": 0, "after_commit": 0}


def die_at_commit(where, number):
    def on_commit(_session):
        seen[where] += 1
        if seen[where] == number:
            die()

    event.listen(Session, where, on_commit)


if __name__ == "__main__":
    where = sys.argv[1]
    use_provider(Deadly(where))
    if where.endswith("_commit"):
        die_at_commit(where, int(sys.argv[2]))
    send_refunds()
    print(json.dumps(seen))
