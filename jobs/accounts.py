"""Jobs of accounts: forgetting in time."""

from jobs.queue import job
from models import clock
from models.accounts.purge import purge_email_changes, purge_magic_links, purge_sessions
from models.oversight.purge import purge_records
from models.session import unit_of_work


@job("accounts-tidy", timeout=300)
def tidy() -> dict[str, int]:
    """Forget ended sessions, dead links, and the machine's records past their time."""
    now = clock.now()
    with unit_of_work() as session:
        counts = {
            "sessions": purge_sessions(session, now=now),
            "links": purge_magic_links(session, now=now),
            "email_changes": purge_email_changes(session, now=now),
        }
    with unit_of_work() as session:
        return counts | purge_records(session, now=now)
