"""A process of its own that releases commissions and is killed on the way, for crash tests.

``python -m tests.faults.dies_while_maturing INSTANT WHERE N``: before or after its N-th
commit of five parts.
"""

import os
import signal
import sys
from datetime import datetime

from sqlalchemy import event
from sqlalchemy.orm import Session

from models import clock
from models.affiliation import mature

PARTS_AT_ONCE = 5


def dies(where, number):
    """Have the process killed at a commit; a savepoint's is none."""
    left = [number]

    def count(session):
        if session.in_nested_transaction():
            return
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Session, f"{where}_commit", count)


if __name__ == "__main__":
    clock.move_to(datetime.fromisoformat(sys.argv[1]))
    mature.AT_ONCE = PARTS_AT_ONCE
    dies(sys.argv[2], int(sys.argv[3]))
    mature.mature_due()
