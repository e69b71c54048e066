"""Keys of other records as links in words: a history says which plan, not its number."""

from typing import Any

from flask import g
from markupsafe import Markup

from admin_views.guard import Console
from admin_views.structures import KEY

MOST = 40
"""How many records one page names; further ones are linked by the start of their key."""

VIEWS = {
    "actor_id": "users",
    "affiliate_id": "affiliates",
    "batch_id": "sepa-batches",
    "attribution_id": "attributions",
    "boost_redemption_id": "boost-uses",
    "button_id": "buttons",
    "capture_id": "checkouts",
    "checkout_id": "checkouts",
    "code_id": "boosts",
    "commission_id": "commissions",
    "community_id": "communities",
    "created_by": "users",
    "credit_note_id": "credit-notes",
    "current_guild_id": "communities",
    "current_plan_id": "plans",
    "customer_id": "customers",
    "invoice_id": "invoices",
    "lock_rule_version_id": "lock-rules",
    "next_plan_id": "plans",
    "plan_id": "plans",
    "product_id": "products",
    "program_id": "programs",
    "refund_id": "refunds",
    "requested_by": "users",
    "tracking_event_id": "clicks",
    "transfer_id": "transfers",
    "user_id": "users",
    "withdrawal_id": "withdrawals",
}
"""Per column that points at a record: the view that shows it."""


def link_to(console: Console, name: str, key: Any) -> Markup | None:
    """The record a column points at, as a link; None where this reader cannot open one."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        return None
    view = console.views.get(VIEWS.get(name, ""))
    if view is None or not view.allows("read"):
        return None
    return Markup('<a href="{}/details/?id={}">{}</a>').format(view.url, key, _called(view, key))


def link_to_record(console: Console, table: str, key: str, words: str) -> Markup | None:
    """A record of a table as a link with the words given; None where no view shows it."""
    for view in console.views.values():
        shown = getattr(getattr(view, "table", None), "__tablename__", None)
        if shown == table and not view.partial and view.allows("read"):
            link = '<a href="{}/details/?id={}">{}</a>'
            return Markup(link).format(view.url, key, words)
    return None


def _called(view: Any, key: str) -> str:
    """What a record is called, looked up once per page."""
    known: dict[tuple[str, str], str] = g.setdefault("console_called", {})
    if (view.slug, key) not in known:
        short = f"{key[:8]}…"
        known[view.slug, key] = short if len(known) >= MOST else view.called(key) or short
    return known[view.slug, key]
