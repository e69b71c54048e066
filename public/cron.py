"""``GET /api/cron/<job>``: asking for a scheduled job from an outside clock."""

from uuid import UUID

from flask import Blueprint, request

from models.errors import N_, DomainError
from models.oversight import Actor, run_now
from models.secrets import same
from models.session import unit_of_work
from models.settings import current_settings
from public.json_api import Answer, endpoint
from public.limits import limiter

pages = Blueprint("cron", __name__)


class NotTheClock(DomainError):
    status = 401
    code = "not_the_clock"
    message = N_("This address wants the cron secret as a bearer token.")


class Asked(Answer):
    """The run that was asked for; the console shows how it goes."""

    job: str
    run: UUID


@pages.get("/api/cron/<job>")
@limiter.limit("600 per 15 minutes")
@endpoint(answers=Asked, refuses=(401, 404), tag="machines")
def ask(job: str) -> Asked:
    """Queue a scheduled job now. 401 without the right secret, 404 for an unknown job."""
    secret = current_settings().cron_secret
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if not secret or kind.lower() != "bearer" or not same(given.strip(), secret):
        raise NotTheClock
    with unit_of_work() as session:
        actor = Actor(role="cron", ip=request.remote_addr)
        run = run_now(session, job, actor=actor, trigger="cron")
    return Asked(job=run.name, run=run.id)
