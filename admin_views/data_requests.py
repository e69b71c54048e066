"""Requests of people about their own data: seen here, and opened on someone's behalf."""

from typing import Any
from uuid import UUID

from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.filters import Choice, Reference, between
from admin_views.formats import Linked, Told
from admin_views.forms import ReasonForm
from admin_views.listing import Lookup, Row
from admin_views.reach import NO_OWNERS_REQUEST, in_reach
from admin_views.words import status_words
from models.accounts import DataRequest, DataRequestKind, DataRequestStatus, User
from models.accounts.copy_data import ask_copy
from models.accounts.delete_account import ask_deletion, undo_deletion
from models.accounts.permissions import Permission as P
from models.accounts.user import STAFF
from models.errors import N_

HELD_BY = {
    "checkout_under_way": N_("A payment is under way"),
    "money_waits": N_("Money can still be withdrawn"),
    "refund_under_way": N_("A refund is under way"),
    "staff_account": N_("The account is staff's"),
    "subscriptions_run": N_("A subscription still renews"),
    "withdrawal_under_way": N_("A withdrawal is under way"),
}
"""Per refusal that keeps a deletion from happening: what holds it."""


def _copy(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> DataRequest:
    return ask_copy(session, key, reason=data["reason"], **who)


def _delete(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> DataRequest:
    return ask_deletion(session, key, reason=data["reason"], **who)


def _undo(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> DataRequest:
    return undo_deletion(session, key, reason=data["reason"], **who)


def _is_a_members(row: Row) -> bool:
    """Whether it is an account, not deleted, of one who is no staff: staff could not download
    a copy, and lose their role before their account."""
    return row["closed_at"] is None and row["user_type"] not in STAFF


ON_BEHALF = (
    Act(
        "copy-data",
        N_("Prepare their data"),
        P.DATA_REQUESTS_CREATE,
        _copy,
        N_("The copy is being made. A mail tells the person, who alone can download it."),
        ReasonForm,
        N_("On the person's behalf: a copy of everything held on them, for them alone."),
        when=_is_a_members,
        needs=("closed_at",),
        leads_to="data-requests",
    ),
    Act(
        "delete-account",
        N_("Delete the account"),
        P.DATA_REQUESTS_CREATE,
        _delete,
        N_("The account is deleted in seven days. A mail tells the person how to keep it."),
        ReasonForm,
        N_("On the person's behalf. For seven days nothing changes and it can be undone."),
        when=_is_a_members,
        needs=("closed_at",),
        leads_to="data-requests",
        danger=True,
    ),
)
"""What staff open for a person, on that person's page."""


def held_words(code: Any, _row: Row) -> str:
    """What holds a deletion, in words."""
    return gettext(HELD_BY.get(code, code)) if code else ""


class DataRequestView(AdminView):
    table, slug, title = DataRequest, "data-requests", N_("Data requests")
    permissions = {"read": P.DATA_REQUESTS_READ}
    lookups = {"asker": Lookup(User, "requested_by")}
    intro = N_("The law gives a month. Copies are made at once, accounts deleted after seven days.")
    column_list = (
        "requested_at",
        "user.email",
        "kind",
        "status",
        "due_at",
        "held_by",
        "ended_at",
    )
    column_details_list = (*column_list, "asker.email", "reason", "expires_at", "size")
    column_labels = {
        "due_at": N_("Deletion due on"),
        "ended_at": N_("Ended"),
        "expires_at": N_("Kept until"),
        "asker.email": N_("Asked by"),
        "size": N_("Size in bytes"),
    }
    formats = {
        "user.email": Linked("users", "user_id"),
        "asker.email": Linked("users", "requested_by"),
        "held_by": Told(held_words),
    }
    column_searchable_list = ("user.email",)
    search_hint = N_("Email")
    column_filters = (
        Choice("kind", N_("Kind"), DataRequest.kind, DataRequestKind),
        Choice("status", N_("Status"), DataRequest.status, DataRequestStatus),
        Reference("user", N_("Person"), "users", lambda key: DataRequest.user_id == key),
        *between("requested", DataRequest.requested_at, N_("Asked on"), made=DataRequest.id),
    )
    acts = (
        Act(
            "undo",
            N_("Keep the account"),
            P.DATA_REQUESTS_DECIDE,
            _undo,
            N_("The account stays. A mail tells the person."),
            ReasonForm,
            when=lambda row: (
                row["kind"] is DataRequestKind.DELETION and row["status"] is DataRequestStatus.ASKED
            ),
        ),
    )
    empty = N_("Nobody has asked for their data or for their account to be deleted.")

    def only(self, statement: Any) -> Any:
        """An administrator sees no owner's requests."""
        return in_reach(self.console, statement, NO_OWNERS_REQUEST)

    def heading(self, row: Row) -> str:
        words = status_words(DataRequestKind, row["kind"])[0]
        return gettext("%(kind)s: %(email)s", kind=words, email=row["user.email"])
