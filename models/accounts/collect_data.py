"""Everything held on one person, table by table, as plain values.

Tables are found by their names, since accounts know no other area. What a member may read
is read as that member: row security, not a condition written here, decides what is theirs.
What they may not read (mails, sign-ins, acts in the trail) is read as staff by the
conditions below. Left out: what would open something (tokens, their fingerprints, the
vault's and the provider's keys), other people's data (of an act on their account: who of the
house did it, from where and why), and the copies themselves.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Text, and_, case, cast, or_, select
from sqlalchemy.orm import Session

from models.accounts.user import STAFF, User, UserType
from models.base import Base
from models.oversight.changes import plain

Rows = list[dict[str, Any]]
Condition = Callable[[Any, User], ColumnElement[bool]]
MEMBERS = sorted(set(UserType) - STAFF)


def _customers_of(user: User) -> Select[Any]:
    """Their purchases' keys, as webhooks write them."""
    customers = Base.metadata.tables["customers"].c
    return select(cast(customers.id, Text)).where(customers.user_id == user.id)


SHOWN_TO_THEM = (
    "users",
    "user_sessions",
    "data_requests",
    "silenced_mails",
    "customers",
    "access_grants",
    "capture_endpoints",
    "payment_methods",
    "invoices",
    "invoice_lines",
    "payment_attempts",
    "refunds",
    "credit_notes",
    "subscription_notices",
    "affiliate_profiles",
    "affiliate_commissions",
    "affiliate_boost_redemptions",
    "withdrawal_requests",
    "withdrawal_allocations",
    "ledger_accounts",
    "ledger_transfers",
    "ledger_entries",
)
"""Tables of which row security shows a member their own rows only."""

SHARED: dict[str, Condition] = {"community_members": lambda it, user: it.user_id == user.id}
"""Tables that show a member others' rows too: theirs are picked out."""

KEPT_FROM_THEM: dict[str, Condition] = {
    "magic_links": lambda it, user: and_(it.email == user.email, it.platform == user.platform),
    "email_changes": lambda it, user: it.user_id == user.id,
    "second_factors": lambda it, user: it.user_id == user.id,
    "outgoing_mails": lambda it, user: or_(
        it.user_id == user.id,
        and_(
            it.user_id.is_(None),
            it.to_email == user.email,
            it.platform == user.platform.value,
        ),
    ),
    "webhook_deliveries": lambda it, user: it.data["customer"].astext.in_(_customers_of(user)),
    "affiliate_attributions": lambda it, user: it.user_id == user.id,
    "risk_level_changes": lambda it, user: it.affiliate_id == user.id,
    "audit_events": lambda it, user: or_(
        and_(it.actor_id == user.id, it.actor_role.in_(MEMBERS)),
        and_(
            it.actor_id.is_distinct_from(user.id),
            it.subject_table == "users",
            it.subject_id == str(user.id),
        ),
    ),
}
"""Tables that only staff read, and whose a row is; what one did as staff is the house's."""

OF_THE_ACTOR = frozenset({"actor_id", "ip", "reason", "session_id"})
"""Columns of the trail that are told of a person's own acts, and empty where somebody else,
or nobody known, acted on their account."""

WITHHELD = frozenset(
    {
        "capture_secret_hash",
        "capture_url",
        "card_fingerprint",
        "changed_by",
        "content",
        "created_by",
        "evidence",
        "hash",
        "idempotency_key",
        "last_error",
        "otp_hash",
        "prev_hash",
        "redirect_url",
        "request_key",
        "secret",
        "secrets",
        "self_referral_evidence",
        "token_hash",
        "url",
        "vault_capture_id",
        "vault_reference",
        "vault_token",
    }
)
"""Columns that would open something, speak of somebody else, or mean nothing to the person."""


def collect_data(own: Session, staff: Session, user: User) -> dict[str, Rows]:
    """What is held on a person, per table, the oldest first; empty tables are left out.

    ``own`` reads as the person, ``staff`` as staff. Amounts are in cents.
    """
    found = dict(_of_each(own, dict.fromkeys(SHOWN_TO_THEM), user))
    found |= dict(_of_each(own, SHARED, user))
    found |= dict(_of_each(staff, KEPT_FROM_THEM, user))
    return {name: rows for name, rows in found.items() if rows}


def told_columns(table: Table) -> list[str]:
    """The columns of a table that a copy tells of."""
    return [
        column.name
        for column in table.columns
        if column.name not in WITHHELD and not column.info.get("secret")
    ]


def _of_each(session: Session, asked: Any, user: User) -> Iterator[tuple[str, Rows]]:
    for name, condition in asked.items():
        table = Base.metadata.tables[name]
        names = told_columns(table)
        told = (_told(table, each, user) for each in names)
        rows = select(*told).order_by(*table.primary_key.columns)
        if condition is not None:
            rows = rows.where(condition(table.c, user))
        yield (
            name,
            [
                {each: plain(value) for each, value in zip(names, row, strict=True)}
                for row in session.execute(rows)
            ],
        )


def _told(table: Table, column: str, user: User) -> ColumnElement[Any]:
    if table.name == "audit_events" and column in OF_THE_ACTOR:
        return case((table.c.actor_id == user.id, table.c[column]))
    return table.c[column]
