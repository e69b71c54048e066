"""Jobs and commands of accounts: copies of people's data, forgetting in time, a way back in."""

import logging
from uuid import UUID

import click

from jobs.data_copies import make_copies
from jobs.queue import job
from models import clock
from models.accounts import Platform, SecondFactor
from models.accounts.copy_data import MAKE, forget_copies
from models.accounts.data_request import due_deletions
from models.accounts.delete_account import delete_account, note_held
from models.accounts.enrol_second_factor import reset_second_factor
from models.accounts.purge import purge_email_changes, purge_magic_links, purge_sessions
from models.accounts.user import user_by_email
from models.catalog.forget_webhooks import purge_webhooks
from models.errors import DomainError
from models.oversight import SYSTEM
from models.oversight.forget_mails import forget_farewells
from models.oversight.purge import purge_records
from models.session import staff_reading, unit_of_work

log = logging.getLogger(__name__)


@job(MAKE, timeout=300, without_queue=True)
def copy_data() -> dict[str, int]:
    """Make the copies of their data that people wait for."""
    return make_copies()


@job("accounts-tidy", timeout=300)
def tidy() -> dict[str, int]:
    """Delete the accounts whose days are over; forget ended sessions, dead links, old copies,
    webhooks that are over, and the machine's records past their time. Makes what copies were
    left."""
    deleted, copies = delete_accounts(), make_copies()
    counts = deleted | copies | {"errors": deleted["errors"] + copies["errors"]}
    now = clock.now()
    with unit_of_work() as session:
        counts |= {
            "sessions": purge_sessions(session, now=now),
            "links": purge_magic_links(session, now=now),
            "email_changes": purge_email_changes(session, now=now),
            "copies_forgotten": forget_copies(session, now=now),
            "farewells": forget_farewells(session),
            "webhooks": purge_webhooks(session, now=now),
        }
    with unit_of_work() as session:
        return counts | purge_records(session, now=now)


def delete_accounts() -> dict[str, int]:
    """Delete each account whose days are over, in a transaction of its own; what holds one is
    written down beside its request, and it is tried again the next night."""
    counts = {"accounts_deleted": 0, "accounts_held": 0, "errors": 0}
    with staff_reading() as session:
        due = due_deletions(session, now=clock.now())
    for request_id in due:
        try:
            counts[_delete(request_id)] += 1
        except Exception:  # one account holds up no other, nor the tidying
            log.exception("deletion.crashed", extra={"data_request_id": str(request_id)})
            counts["errors"] += 1
    return counts


def _delete(request_id: UUID) -> str:
    """Delete one account, or write down what holds it; which of the two it was."""
    try:
        with unit_of_work() as session:
            delete_account(session, request_id, actor=SYSTEM, now=clock.now())
    except DomainError as refusal:
        with unit_of_work() as session:
            note_held(session, request_id, refusal, actor=SYSTEM)
        return "accounts_held"
    return "accounts_deleted"


def reset_in_words(email: str, *, reason: str) -> int:
    """Take away a staff member's second factor and print so; answers the exit status.

    For an owner whom no other owner can help: whoever may do this on the server could write
    the row as well, but here it is audited and mailed.
    """
    try:
        with unit_of_work() as session:
            user = user_by_email(session, Platform.WEOKTO, email)
            if user is None or session.get(SecondFactor, user.id) is None:
                click.echo(f"No WEOKTO account under {email} has a second factor.", err=True)
                return 1
            reset_second_factor(session, user.id, reason=reason, actor=SYSTEM, now=clock.now())
    except DomainError as refusal:
        click.echo(str(refusal), err=True)
        return 2
    click.echo(f"{email} has no second factor any more, and sets one up at the next sign-in.")
    return 0
