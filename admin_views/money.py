"""The ledger's views: transfers with their entries, and every affiliate's accounts. Read-only."""

from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.base import AdminView
from admin_views.filters import Choice, Reference, between
from admin_views.formats import Code, Count, Linked, Money, euros
from admin_views.listing import Lookup, Row
from admin_views.records import Panel
from admin_views.words import status_words
from models.accounts.permissions import Permission as P
from models.affiliation import AffiliateProfile
from models.errors import N_
from models.ledger import Account, LedgerEntry, LedgerTransfer, TransferType

AFFILIATE = {"affiliate": Lookup(AffiliateProfile, "affiliate_id", "user_id")}


class TransferView(AdminView):
    table, slug, title = LedgerTransfer, "transfers", N_("Ledger")
    permissions = {"read": P.LEDGER_READ}
    column_default_sort = ("seq", True)
    lookups = AFFILIATE
    column_list = ("seq", "created_at", "type", "affiliate.affiliate_slug", "description")
    column_details_list = (
        *column_list,
        "commission_id",
        "withdrawal_id",
        "idempotency_key",
    )
    column_labels = {"created_at": N_("When"), "description": N_("What for")}
    formats = {
        "seq": Count(),
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
        "commission_id": Linked("commissions", "commission_id", Code()),
        "withdrawal_id": Linked("withdrawals", "withdrawal_id", Code()),
    }
    column_searchable_list = ("affiliate.affiliate_slug",)
    search_hint = N_("Affiliate's slug or idempotency key")
    column_filters = (
        Choice("type", N_("Movement"), LedgerTransfer.type, TransferType),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: LedgerTransfer.affiliate_id == k
        ),
        Reference(
            "commission",
            N_("Commission"),
            "commissions",
            lambda k: LedgerTransfer.commission_id == k,
        ),
        Reference(
            "withdrawal",
            N_("Withdrawal"),
            "withdrawals",
            lambda k: LedgerTransfer.withdrawal_id == k,
        ),
        *between("posted", LedgerTransfer.created_at, N_("Posted")),
    )
    empty = N_("Every cent an affiliate earns, waits for or is paid is posted here, for good.")

    def search_also(self, term: str) -> list[Any]:
        return [select(LedgerTransfer.id).where(LedgerTransfer.idempotency_key == term)]

    def heading(self, row: Row) -> str:
        return f"{status_words(TransferType, row['type'])[0]} · {row['seq']}"

    def panels(self, session: Session, row: Row) -> list[Panel]:
        entries = session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.transfer_id == row["id"])
            .order_by(LedgerEntry.seq)
        )
        lines: list[list[Markup | str]] = [
            [
                status_words(Account, each.account)[0],
                Money().html(each.amount, row),
                euros(each.balance_after) if each.balance_after is not None else "–",
                Markup("<code>{}</code>").format(each.hash[:16]),
            ]
            for each in entries
        ]
        heads = [N_("Account"), N_("Amount"), N_("Balance after"), N_("Fingerprint")]
        return [Panel(N_("Entries"), heads, lines)]


class EntryView(AdminView):
    table, slug, title = LedgerEntry, "entries", N_("Ledger entries")
    permissions = {"read": P.LEDGER_READ}
    key_name = "seq"
    column_default_sort = ("seq", True)
    lookups = {**AFFILIATE, "transfer": Lookup(LedgerTransfer, "transfer_id")}
    column_list = (
        "seq",
        "transfer.created_at",
        "transfer.type",
        "affiliate.affiliate_slug",
        "account",
        "amount",
        "balance_after",
    )
    column_details_list = (*column_list, "hash", "prev_hash")
    column_labels = {"transfer.created_at": N_("When"), "transfer.type": N_("Movement")}
    formats = {
        "seq": Count(),
        "amount": Money(),
        "balance_after": Money(),
        "transfer.type": Linked("transfers", "transfer_id"),
        "affiliate.affiliate_slug": Linked("affiliates", "affiliate_id", Code()),
    }
    column_filters = (
        Choice("account", N_("Account"), LedgerEntry.account, Account),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: LedgerEntry.affiliate_id == k
        ),
    )
    empty = N_("Entries are the accounts' parts of each transfer; they add up to zero.")
