"""The machine's views: audit trail, mails, system logs and the runs of jobs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Is, OneOf, Reference, between
from admin_views.formats import NOTHING, Badge, Code, Count, Email, Linked, Named, Told
from admin_views.happenings import ACTORS, HAPPENINGS, MAILS, RECORDS
from admin_views.job_names import JOBS
from admin_views.job_words import count_words, without_amounts
from admin_views.listing import Lookup, Row
from admin_views.past import role_words, told_changes, what_happened
from admin_views.reach import NO_OWNERS_MAIL, NOT_ABOUT_AN_OWNER, in_reach
from admin_views.records import Panel
from admin_views.references import link_to_record
from admin_views.structures import holds_cents, structure
from models.accounts import User, UserType
from models.accounts.permissions import Permission as P
from models.base import Base
from models.errors import N_
from models.oversight import (
    AuditEvent,
    JobRun,
    MailStatus,
    OutgoingMail,
    RunStatus,
    SystemLog,
)
from models.oversight.resend_mail import resend_mail

ADMINS_AREA = (
    "users",
    "user_sessions",
    "communities",
    "community_members",
    "customers",
    "data_requests",
    "outgoing_mails",
    "job_runs",
)
"""The records whose history is an administrator's own area."""

WITH_AMOUNTS = ("terms", "next_terms", "subject")
"""Their only columns that hold amounts; of a mail that is its subject."""


class AuditView(AdminView):
    table, slug, title = AuditEvent, "audit", N_("Audit trail")
    permissions = {"read": P.AUDIT_READ_OWN_AREA}
    lookups = {"actor": Lookup(User, "actor_id")}
    column_list = ("at", "action", "subject_table", "actor.email", "actor_role", "reason")
    column_details_list = (
        *column_list,
        "subject_id",
        "data",
        "ip",
        "request_id",
        "session_id",
    )
    formats = {
        "action": Named(HAPPENINGS),
        "subject_table": Named(RECORDS, needs=("subject_id",)),
        "actor_role": Told(lambda role, row: role_words(role)),
        "actor.email": Linked("users", "actor_id"),
    }
    column_searchable_list = ("action", "actor.email")
    search_hint = N_("What happened, a record's key, or who did it")
    column_filters = (
        Is("action", N_("What happened"), AuditEvent.action),
        Is("record", N_("Record"), AuditEvent.subject_table),
        Is("key", N_("Record's key"), AuditEvent.subject_id),
        Reference("actor", N_("By"), "users", lambda key: AuditEvent.actor_id == key),
        *between("at", AuditEvent.at, N_("When"), made=AuditEvent.id),
    )
    empty = N_("Every act on a record is written here in the same transaction, for good.")

    def search_also(self, term: str) -> list[Any]:
        return [select(AuditEvent.id).where(AuditEvent.subject_id == term)]

    def cells(self, row: Row, names: Sequence[str]) -> list[Markup | str]:
        """A row's cells; the record's kind leads to the record, where a view shows it."""
        made = super().cells(row, names)
        if "subject_table" in names:
            place = list(names).index("subject_table")
            made[place] = self._record_link(row) or made[place]
        if "actor.email" in names and self._is_out_of_reach(row):
            made[list(names).index("actor.email")] = escape(row["actor.email"])
        return made

    def _is_out_of_reach(self, row: Row) -> bool:
        """Whether an owner did it, whose page this reader does not have."""
        return row["actor_role"] == UserType.OWNER and not self.console.may(P.USERS_TOUCH_OWNER)

    def detail(self, name: str, row: Row) -> Markup | str:
        link = self._record_link(row) if name == "subject_table" else None
        if name == "actor.email" and self._is_out_of_reach(row):
            link = escape(row[name])
        if name == "data" and self._kept_from_me():
            told = {key: value for key, value in row["data"].items() if not holds_cents(key)}
            return structure(told, self.find)
        return link or super().detail(name, row)

    def _record_link(self, row: Row) -> Markup | None:
        table, key = row["subject_table"], str(row["subject_id"])
        words = gettext(RECORDS.get(table, table))
        return link_to_record(self.console, table, key, words)

    def heading(self, row: Row) -> str:
        return what_happened(row["action"])

    def panels(self, session: Session, row: Row) -> list[Panel]:
        """What the event changed, column by column."""
        event = session.get_one(AuditEvent, row["id"])
        table = Base.metadata.tables.get(event.subject_table)
        kept = self._kept_from_me()
        changes = [] if table is None else told_changes(event, table, kept, self.find)
        lines = [[gettext(label), before or "–", after or "–"] for label, before, after in changes]
        heads = [N_("What"), N_("Before"), N_("After")]
        return [Panel(N_("What changed"), heads, lines, N_("No column changed."))]

    def _kept_from_me(self) -> dict[str, None]:
        """Columns whose changes hold amounts that this reader may not see."""
        return {} if self.console.may(P.CUSTOMERS_AMOUNTS) else dict.fromkeys(WITH_AMOUNTS)

    def history(self, key: Any) -> None:
        """What is written in the trail has no history of its own."""

    def only(self, statement: Any) -> Any:
        """An administrator reads their own area only, and in it nothing about owners."""
        if self.console.may(P.AUDIT_READ):
            return statement
        mine = statement.where(AuditEvent.subject_table.in_(ADMINS_AREA))
        return in_reach(self.console, mine, NOT_ABOUT_AN_OWNER)


def _resend(session: Session, key: UUID, data: Any, **who: Any) -> Any:
    return resend_mail(session, key, **who)


class MailView(AdminView):
    table, slug, title = OutgoingMail, "mails", N_("Mails")
    permissions = {"read": P.MAILS_READ}
    column_list = ("created_at", "to_email", "kind", "subject", "platform", "status", "sent_at")
    column_details_list = (
        *column_list,
        "locale",
        "attempts",
        "last_error",
        "next_try_at",
        "provider_id",
    )
    column_labels = {"provider_id": N_("Mailer's key")}
    reserved = {"subject": P.CUSTOMERS_AMOUNTS}
    formats = {
        "to_email": Linked("users", "user_id", Email()),
        "kind": Named(MAILS),
        "status": Badge(MailStatus),
        "attempts": Count(),
    }
    column_searchable_list = ("to_email", "subject")
    column_filters = (
        Choice("status", N_("Status"), OutgoingMail.status, MailStatus),
        Is("kind", N_("Kind"), OutgoingMail.kind),
        OneOf(
            "platform",
            N_("Platform"),
            {
                "WEOKTO": ("WEOKTO", OutgoingMail.platform == "WEOKTO"),
                "STAM": ("STAM", OutgoingMail.platform == "STAM"),
            },
        ),
        Reference("user", N_("Person"), "users", lambda key: OutgoingMail.user_id == key),
        *between("created", OutgoingMail.created_at, N_("Written"), made=OutgoingMail.id),
    )
    acts = (
        Act(
            "resend",
            N_("Send again"),
            P.MAILS_RESEND,
            _resend,
            N_("The mail is on its way again."),
            previews=True,
            bulk=True,
        ),
    )
    empty = N_("Mails stand here as soon as something asks for one, sent or not.")

    @property
    def search_hint(self) -> str:  # type: ignore[override]
        return N_("Address or subject") if self.shows("subject") else N_("Address")

    def heading(self, row: Row) -> str:
        """Its subject, which often says an amount; what it is for, to who may read none."""
        subject: str = row["subject"] if self.shows("subject") else ""
        return subject or self.format_of("kind").text(row["kind"], row)

    def only(self, statement: Any) -> Any:
        """An administrator sees no mails to owners."""
        return in_reach(self.console, statement, NO_OWNERS_MAIL)


class LogView(AdminView):
    table, slug, title = SystemLog, "logs", N_("System logs")
    permissions = {"read": P.SYSTEM_READ}
    column_list = ("at", "level", "module", "message", "request_id")
    column_details_list = (*column_list, "data")
    formats = {"level": Badge(), "request_id": Code()}
    column_searchable_list = ("message",)
    search_hint = N_("Words of the message")
    column_filters = (
        OneOf(
            "level",
            N_("Level"),
            {
                level: (level, SystemLog.level == level)
                for level in ("WARNING", "ERROR", "CRITICAL")
            },
        ),
        Is("module", N_("Module"), SystemLog.module),
        Is("request", N_("Request"), SystemLog.request_id),
        *between("at", SystemLog.at, N_("When"), made=SystemLog.id),
    )
    empty = N_("No warning and no error so far.")


def counted(told: Sequence[tuple[str, Markup | str]]) -> Markup:
    """What a run counted, in one line."""
    return Markup(" · ").join(
        Markup(gettext("%(name)s: %(words)s")) % {"name": name, "words": words}
        for name, words in told
    )


class RunView(AdminView):
    table, slug, title = JobRun, "runs", N_("Runs of jobs")
    permissions = {"read": P.SYSTEM_READ}
    column_list = (
        "name",
        "status",
        "trigger",
        "dry_run",
        "due_at",
        "started_at",
        "ended_at",
        "errors",
    )
    column_details_list = (*column_list, "counts", "error", "created_at")
    formats = {
        "name": Named(JOBS),
        "status": Badge(RunStatus),
        "trigger": Named(ACTORS),
        "errors": Count(),
    }
    column_searchable_list = ("name",)
    search_hint = N_("Job's name")
    column_filters = (
        Is("name", N_("Job"), JobRun.name),
        Choice("status", N_("Status"), JobRun.status, RunStatus),
        Flag("dry", N_("Dry run"), JobRun.dry_run),
        OneOf("failed", N_("Errors"), {"yes": (N_("With errors"), JobRun.errors > 0)}),
        *between("due", JobRun.due_at, N_("Due")),
    )
    empty = N_("Each run of a scheduled job leaves a line here.")

    def detail(self, name: str, row: Row) -> Markup | str:
        """What a run counted, without its amounts for whoever is told none."""
        if name != "counts":
            return super().detail(name, row)
        counts = row["counts"] or {}
        if not self.console.may(P.FINANCE_FIGURES):
            counts = without_amounts(counts)
        return counted(count_words(counts, self.find)) or NOTHING
