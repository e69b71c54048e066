"""Verification: every proof of the ledger with what it counted, and a proof now."""

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext

from admin_views.acting import acting
from admin_views.base import AdminView
from admin_views.filters import Choice, OneOf, between
from admin_views.formats import Badge, Named, Told, moment, whole
from admin_views.happenings import ACTORS
from admin_views.writing import rule
from models.accounts.permissions import Permission as P
from models.errors import N_
from models.oversight import JobRun, RunStatus, run_now

PROOF = "ledger-verify"


def counted(name: str) -> Any:
    """One figure of a run, as a column."""
    return lambda of: of.counts[name].astext


class VerificationView(AdminView):
    table, slug, title = JobRun, "verification", N_("Verification")
    permissions = {"read": P.LEDGER_VERIFY, "verify": P.LEDGER_VERIFY}
    verbs = {**AdminView.verbs, "verify_now": "verify"}
    partial = True
    computed = {
        name: counted(name)
        for name in ("transfers", "entries", "affiliates", "differences", "difference", "head")
    }
    column_list = (
        "due_at",
        "status",
        "differences",
        "transfers",
        "entries",
        "affiliates",
        "head",
        "trigger",
    )
    column_details_list = (*column_list, "difference", "started_at", "ended_at", "error")
    column_labels = {
        "transfers": N_("Movements"),
        "entries": N_("Entries"),
        "affiliates": N_("Affiliates"),
        "differences": N_("Differences"),
        "difference": N_("First difference"),
        "head": N_("Head"),
    }
    formats = {
        "status": Badge(RunStatus),
        "trigger": Named(ACTORS),
        "head": Told(lambda head, row: (head or "")[:16]),
        **{
            name: Told(lambda count, row: whole(int(count)) if count else "")
            for name in ("transfers", "entries", "affiliates", "differences")
        },
    }
    column_filters = (
        Choice("status", N_("Status"), JobRun.status, RunStatus),
        OneOf(
            "found",
            N_("Differences"),
            {
                "yes": (N_("Found"), JobRun.counts["differences"].as_integer() > 0),
                "no": (N_("None"), JobRun.counts["differences"].as_integer() == 0),
            },
        ),
        *between("due", JobRun.due_at, N_("Due")),
    )
    intro = N_(
        "Each proof recomputes every balance, chain and sum of the ledger, and holds every "
        "commission, withdrawal and payment file against it."
    )
    empty = N_("The ledger is proved every night; each proof leaves a line here.")

    @property
    def other_tools(self) -> list[tuple[str, str]]:
        return [(N_("Verify now"), self.address_of("verify_now"))]

    def only(self, statement: Any) -> Any:
        return statement.where(JobRun.name == PROOF)

    def heading(self, row: Any) -> str:
        return moment(row["due_at"])

    @expose("/now/", methods=("GET", "POST"))
    def verify_now(self) -> ResponseReturnValue:
        """Ask for a proof at once; a worker makes it."""
        if request.method == "GET":
            return str(self.render("admin_views/verify_now.html"))
        with rule(gettext("The proof is asked for: its line shows what it finds.")) as session:
            run_now(session, PROOF, actor=acting())
        return redirect(self.address_of("index_view"))
