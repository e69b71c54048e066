"""Scheduled jobs and queues: what runs when, how it went, run now; what failed, retry, discard."""

from typing import Any

from flask import abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView, expose
from flask_babel import gettext
from sqlalchemy import ARRAY, Text, cast, func, select, true
from sqlalchemy.orm import aliased

from admin_views.acting import acting
from admin_views.forms import ConsoleForm
from admin_views.guard import Console, Guarded
from admin_views.happenings import COUNTS, JOBS
from admin_views.queues import discard_job, queues_now, retry_job
from admin_views.reading import reading
from admin_views.words import status_words
from admin_views.writing import rule
from models import clock
from models.accounts.permissions import Permission as P
from models.errors import N_
from models.oversight import JobRun, RunStatus
from models.oversight.periodic import scheduled_jobs
from models.oversight.run_job import run_now


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
                "run": runs.get(job.name),
                "status": status_words(RunStatus, runs[job.name].status)[0]
                if job.name in runs
                else "",
                "name": JOBS.get(job.name, job.name),
                "counts": self._counts(runs.get(job.name)),
                "next": job.due_after(clock.now()),
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
            )
        )

    def _counts(self, run: JobRun | None) -> dict[str, Any]:
        """What a run did; amounts are for finance only."""
        counts = run.counts if run else {}
        finance = self.console.may(P.FINANCE_FIGURES)
        return {
            COUNTS.get(key, key.replace("_", " ")): value
            for key, value in counts.items()
            if finance or "amount" not in key
        }

    @expose("/run/", methods=("POST",))
    def run(self) -> ResponseReturnValue:
        """Ask for a run at once."""
        if not ConsoleForm(request.form).validate():
            abort(400)
        name = request.form.get("name", "")
        dry = "dry_run" in request.form
        asked = gettext(JOBS.get(name, name))
        told = gettext("Asked for: %(name)s. Reload to see how it went.", name=asked)
        with rule(told) as s:
            run_now(s, name, actor=acting(), dry_run=dry)
        return redirect(self.address_of("index_view"))

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
