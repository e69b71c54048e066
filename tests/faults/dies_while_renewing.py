"""A process of its own that runs the renewals and is killed on the way, for crash tests.

``python -m tests.faults.dies_while_renewing WHERE NUMBER``: at the so-manieth commit, before
or after it, or at the so-manieth charge. Only the outside port and the boundary of a
transaction are touched. Where the kill never comes, it says how many commits and charges there
were.
"""

import json
import os
import signal
import sys

from sqlalchemy import event
from sqlalchemy.orm import Session

from models.billing.choose_provider import use_provider
from models.billing.http_provider import HttpProvider
from models.billing.renew_due import renew_due

WHERE, NUMBER = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("", 0)
seen = {"charge": 0, "commit": 0}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(HttpProvider):
    calls_at_once = 1

    def charge(self, request):
        seen["charge"] += 1
        if (WHERE, seen["charge"]) == ("before_charge", NUMBER):
            die()
        answer = super().charge(request)
        if (WHERE, seen["charge"]) == ("after_charge", NUMBER):
            die()
        return answer


def before_commit(_session):
    seen["commit"] += 1
    if (WHERE, seen["commit"]) == ("before_commit", NUMBER):
        die()


def after_commit(_session):
    if (WHERE, seen["commit"]) == ("after_commit", NUMBER):
        die()


if __name__ == "__main__":
    event.listen(Session, "before_commit", before_commit)
    event.listen(Session, "after_commit", after_commit)
    use_provider(Deadly())
    renew_due()
    print(json.dumps(seen))
