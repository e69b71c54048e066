"""People's views: users of both platforms, their sessions, and what can be done about them."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from wtforms import SelectField
from wtforms.validators import DataRequired

from admin_views.acts import Act
from admin_views.base import AdminView
from admin_views.customer_acts import GRANT
from admin_views.data_requests import ON_BEHALF
from admin_views.filters import Choice, Flag, Is, OneOf, Reference, between
from admin_views.formats import Code, Linked
from admin_views.forms import ReasonForm
from admin_views.listing import Lookup
from admin_views.reach import NO_OWNER, NO_OWNERS_SESSION, in_reach
from admin_views.records import Related
from admin_views.words import choices_of
from models import clock
from models.accounts import Platform, SecondFactor, User, UserSession, UserType
from models.accounts.change_role import change_role
from models.accounts.enrol_second_factor import reset_second_factor
from models.accounts.open_session import end_all_sessions, end_session
from models.accounts.permissions import Permission as P
from models.accounts.suspend_user import guard_target, reactivate_user, suspend_user
from models.affiliation import AffiliateProfile
from models.errors import N_


class RoleForm(ReasonForm):
    """Which role, and why."""

    user_type = SelectField(
        N_("New role"),
        [DataRequired()],
        choices=lambda: choices_of(UserType),
        coerce=lambda value: value if isinstance(value, UserType) else UserType(value),
    )


def _suspend(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return suspend_user(session, key, reason=data["reason"], **who)


def _reactivate(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return reactivate_user(session, key, reason=data["reason"], **who)


def _change_role(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return change_role(session, key, data["user_type"], reason=data["reason"], **who)


def _reset_second_factor(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    return reset_second_factor(session, key, reason=data["reason"], **who)


def _end_sessions(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    guard_target(User.for_update(session, key), who["actor"])
    return end_all_sessions(session, key, reason=data["reason"], **who)


def _end_one(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> Any:
    guard_target(User.for_update(session, UserSession.get(session, key).user_id), who["actor"])
    return end_session(session, key, reason=data["reason"], **who)


class UserView(AdminView):
    table, slug, title = User, "users", N_("Users")
    permissions = {"read": P.USERS_READ}
    column_list = (
        "email",
        "display_name",
        "platform",
        "user_type",
        "is_suspended",
        "last_login_at",
        "created_at",
    )
    column_details_list = (
        *column_list,
        "suspension_reason",
        "email_verified_at",
        "closed_at",
        "locale",
        "bio",
        "profile.affiliate_slug",
        "factor.confirmed_at",
        "updated_at",
        "id",
    )
    column_labels = {
        "profile.affiliate_slug": N_("Affiliate"),
        "factor.confirmed_at": N_("Second factor since"),
    }
    reserved = {
        "profile.affiliate_slug": P.AFFILIATES_READ,
        "factor.confirmed_at": P.SECOND_FACTORS_RESET,
    }
    lookups = {
        "profile": Lookup(AffiliateProfile, "id", "user_id"),
        "factor": Lookup(SecondFactor, "id", "user_id"),
    }
    formats = {
        "email": Linked("users", "id"),
        "profile.affiliate_slug": Linked("affiliates", "id", Code()),
    }
    column_searchable_list = ("email", "display_name")
    search_hint = N_("Email or name")
    column_sortable_list = (("created_at", "id"),)
    column_filters = (
        Choice("platform", N_("Platform"), User.platform, Platform),
        Choice("role", N_("Role"), User.user_type, UserType),
        Flag("suspended", N_("Suspended"), User.is_suspended),
        *between("created", User.created_at, N_("Created"), made=User.id),
    )
    related = (
        Related("customers", "user", N_("Purchases")),
        Related("sessions", "user", N_("Sessions")),
        Related("mails", "user", N_("Mails")),
        Related("data-requests", "user", N_("Data requests")),
    )
    acts = (
        Act(
            "suspend",
            N_("Suspend"),
            P.USERS_SUSPEND,
            _suspend,
            N_("The person is suspended and signed out everywhere."),
            ReasonForm,
            N_("They are signed out at once and cannot sign in again."),
            when=lambda row: not row["is_suspended"],
            previews=True,
            bulk=True,
            danger=True,
        ),
        Act(
            "reactivate",
            N_("Let in again"),
            P.USERS_SUSPEND,
            _reactivate,
            N_("The person can sign in again."),
            ReasonForm,
            when=lambda row: bool(row["is_suspended"]),
            previews=True,
        ),
        Act(
            "end-sessions",
            N_("End all sessions"),
            P.SESSIONS_END,
            _end_sessions,
            N_("Every session of this person has ended."),
            ReasonForm,
            previews=True,
        ),
        Act(
            "change-role",
            N_("Change role"),
            P.ROLES_CHANGE,
            _change_role,
            N_("The role is changed."),
            RoleForm,
            previews=True,
            fresh=True,
            danger=True,
        ),
        Act(
            "reset-second-factor",
            N_("Reset second factor"),
            P.SECOND_FACTORS_RESET,
            _reset_second_factor,
            N_("The second factor is reset."),
            ReasonForm,
            N_("They are signed out everywhere and set up a new one at their next sign-in."),
            when=lambda row: row["factor.confirmed_at"] is not None,
            previews=True,
            fresh=True,
            danger=True,
        ),
        GRANT,
        *ON_BEHALF,
    )
    empty = N_("Nobody has signed up or bought anything yet.")

    def only(self, statement: Any) -> Any:
        """An administrator sees everybody but the owners."""
        return in_reach(self.console, statement, NO_OWNER)


class SessionView(AdminView):
    table, slug, title = UserSession, "sessions", N_("Sessions")
    permissions = {"read": P.SESSIONS_READ}
    column_list = (
        "user.email",
        "browser",
        "os",
        "ip",
        "last_activity_at",
        "expires_at",
        "revoked_at",
    )
    column_details_list = (
        *column_list,
        "device",
        "user_agent",
        "created_at",
        "second_factor_at",
        "user.user_type",
    )
    formats = {"user.email": Linked("sessions", "id")}
    column_searchable_list = ("user.email", "user.display_name")
    search_hint = N_("Email or name")
    column_filters = (
        Reference("user", N_("Person"), "users", lambda key: UserSession.user_id == key),
        Is("ip", N_("Address"), UserSession.ip),
        OneOf(
            "ended",
            N_("Ended"),
            {
                "no": (N_("Still open"), UserSession.revoked_at.is_(None)),
                "yes": (N_("Ended by hand"), UserSession.revoked_at.is_not(None)),
            },
        ),
        *between("created", UserSession.created_at, N_("Opened"), made=UserSession.id),
    )
    acts = (
        Act(
            "end",
            N_("End this session"),
            P.SESSIONS_END,
            _end_one,
            N_("The session has ended."),
            ReasonForm,
            when=lambda row: row["revoked_at"] is None and row["expires_at"] > clock.now(),
            bulk=True,
            danger=True,
        ),
    )
    empty = N_("Nobody is signed in.")

    def only(self, statement: Any) -> Any:
        """An administrator sees no owner's sessions."""
        return in_reach(self.console, statement, NO_OWNERS_SESSION)
