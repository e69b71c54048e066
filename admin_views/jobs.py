"""Scheduled jobs and queues: what runs when, how it went, run now; what failed, retry, discard."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext
from sqlalchemy import ARRAY, Text, cast, func, select, true
from sqlalchemy.orm import aliased

from admin_views.acting import acting
from admin_views.forms import ConsoleForm
from admin_views.guard import Console, Guarded
from admin_views.job_words import count_words, job_words, seconds, without_amounts
from admin_views.queues import discard_job, queues_now, retry_job
from admin_views.reading import reading
from admin_views.references import link_to
from admin_views.words import status_words
from admin_views.writing import Outcome, in_words, transaction
from models import clock
from models.accounts.permissions import Permission as P
from models.errors import N_
from models.oversight import JobRun, RunStatus
from models.oversight.periodic import scheduled_jobs
from models.oversight.run_job import run_now

WATCHED = timedelta(minutes=2)
"""How long the page looks again by itself for the end of a run asked for by hand."""


class JobsView(Guarded, BaseView):
    """The schedule with each job's last run, and the queues with what failed."""

    slug, title = "jobs", N_("Scheduled jobs")
    permissions = {"read": P.SYSTEM_READ, "run": P.SYSTEM_RUN}
    verbs = {"index_view": "read", "run": "run", "failed": "run"}

    def __init__(self, console: Console) -> None:
        self.console = console
        super().__init__(name=self.title, endpoint=f"{console.key}_jobs", url=f"{console.url}/jobs")

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """The page."""
        runs = last_runs()
        lines = [
            {
                "job": job,
                "words": job_words(job.name),
                "next": job.due_after(clock.now()),
                **self._told(runs.get(job.name)),
            }
            for job in scheduled_jobs().values()
        ]
        queues, workers, failed = queues_now()
        return str(
            self.render(
                "admin_views/jobs.html",
                lines=lines,
                queues=queues,
                workers=workers,
                failed=failed,
                may_run=self.allows("run"),
                runs_url=self.console.addresses().get("runs"),
                asked=self._asked(),
            )
        )

    def _told(self, run: JobRun | None) -> dict[str, Any]:
        """How a run went, in words; amounts are for finance only."""
        if run is None:
            return {"run": None, "counts": []}
        counts = run.counts
        if not self.console.may(P.FINANCE_FIGURES):
            counts = without_amounts(counts)
        status, colour = status_words(RunStatus, run.status)
        ended = run.started_at and run.ended_at
        return {
            "run": run,
            "status": status,
            "colour": "bad" if run.errors else colour,
            "counts": count_words(counts, partial(link_to, self.console)),
            "nothing": bool(counts) and not any(counts.values()),
            "took": seconds(run.ended_at - run.started_at) if ended else "",  # type: ignore[operator]
        }

    def _asked(self) -> dict[str, Any] | None:
        """The run that was just asked for by hand, and whether to look again for its end."""
        try:
            run = reading().get(JobRun, UUID(request.args.get("run", "")))
        except ValueError:
            return None
        if run is None:
            return None
        young = clock.now() - run.due_at < WATCHED
        goes_on = run.status in (RunStatus.QUEUED, RunStatus.RUNNING)
        words = job_words(run.name)
        return {**self._told(run), "words": words, "again": goes_on and young, "late": goes_on}

    @expose("/run/", methods=("POST",))
    def run(self) -> ResponseReturnValue:
        """Ask for a run at once."""
        if not ConsoleForm(request.form).validate():
            abort(400)
        name = request.form.get("name", "")
        dry = "dry_run" in request.form
        outcome, run = Outcome(), None
        with transaction(outcome) as session:
            run = run_now(session, name, actor=acting(), dry_run=dry)
            session.flush()
            key = str(run.id)
        if run is None or outcome.refusal is not None:
            flash(in_words(outcome.refusal) if outcome.refusal else "", "error")
            return redirect(self.address_of("index_view"))
        return redirect(self.address_of("index_view", run=key))

    @expose("/failed/", methods=("POST",))
    def failed(self) -> ResponseReturnValue:
        """Try a failed job again, or forget it."""
        if not ConsoleForm(request.form).validate():
            abort(400)
        act = {"retry": retry_job, "discard": discard_job}.get(request.form.get("do", ""))
        if act is None:
            abort(400)
        if act(request.form.get("job", ""), request.form.get("queue", "")):
            flash(gettext("Done."), "success")
        else:
            flash(gettext("This job is no longer there."), "error")
        return redirect(self.address_of("index_view"))


def last_runs() -> dict[str, JobRun]:
    """Each scheduled job's newest run."""
    names = func.unnest(cast(list(scheduled_jobs()), ARRAY(Text))).table_valued("name")
    newest = (
        select(JobRun)
        .where(JobRun.name == names.c.name)
        .order_by(JobRun.id.desc())
        .limit(1)
        .lateral()
    )
    latest = aliased(JobRun, newest)
    found = reading().scalars(select(latest).select_from(names).join(newest, true()))
    return {run.name: run for run in found}
