"""Withdrawals and payouts: the queue of requests, and the affiliates who can be paid."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import get_locale, gettext
from markupsafe import Markup, escape
from schwifty import IBAN
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload

from admin_views.base import AdminView
from admin_views.filters import Choice, Flag, Reference, between
from admin_views.formats import (
    Badge,
    Code,
    Count,
    DayOf,
    Email,
    Linked,
    Money,
    Percent,
    Told,
    euros,
    moment,
)
from admin_views.listing import Lookup, Row
from admin_views.reading import reading
from admin_views.records import Panel, Related
from admin_views.standing import balance_in, flags_of, standing
from admin_views.withdrawal_acts import APPROVE, INTO_A_FILE, PAY, PAY_NOW, REJECT
from models.accounts.permissions import Permission as P
from models.affiliation import (
    AffiliateProfile,
    Commission,
    PayoutMethod,
    RiskLevel,
    Withdrawal,
    WithdrawalAllocation,
    WithdrawalStatus,
)
from models.affiliation.payouts.statement_pdf import payout_statement_pdf
from models.errors import N_, DomainError
from models.ledger import Account, LedgerAccount

SLUG = Linked("affiliates", "affiliate_id", Code())


class WithdrawalView(AdminView):
    table, slug, title = Withdrawal, "withdrawals", N_("Withdrawal requests")
    permissions = {"read": P.WITHDRAWALS_READ}
    verbs = {**AdminView.verbs, "statement": "read"}
    computed = {
        "available": balance_in(Account.AVAILABLE, "affiliate_id"),
        "flags": flags_of("affiliate_id"),
    }
    column_list = (
        "requested_at",
        "affiliate.affiliate_slug",
        "status",
        "requested_amount",
        "fee_amount",
        "net_amount",
        "payment_method",
        "available",
        "affiliate.risk_level",
        "affiliate.refund_rate",
        "flags",
        "payout_reference",
    )
    column_details_list = (
        "requested_at",
        "affiliate.affiliate_slug",
        "affiliate.user.email",
        "status",
        "requested_amount",
        "fee_amount",
        "fee_waived",
        "net_amount",
        "payment_method",
        "holder",
        "iban",
        "paypal",
        "approved_at",
        "batch.number",
        "paid_at",
        "payout_reference",
        "payout_proof",
        "rejected_at",
        "rejection_reason",
        "cancelled_at",
        "notes",
    )
    column_labels = {"available": N_("Still available"), "flags": N_("Flags")}
    formats = {
        "requested_at": DayOf(),
        "affiliate.affiliate_slug": SLUG,
        "affiliate.user.email": Email(),
        "affiliate.refund_rate": Percent(fraction=True),
        "requested_amount": Money(),
        "fee_amount": Money(),
        "net_amount": Money(),
        "available": Money(),
        "flags": Count(),
        "iban": Told(lambda iban, row: IBAN(iban).formatted if iban else ""),
        "batch.number": Linked("sepa-batches", "batch_id"),
    }
    column_searchable_list = (
        "affiliate.affiliate_slug",
        "affiliate.user.email",
        "affiliate.user.display_name",
        "payout_reference",
    )
    search_hint = N_("Slug, email, name or reference")
    column_filters = (
        Choice("status", N_("Status"), Withdrawal.status, WithdrawalStatus),
        Choice("method", N_("Way of paying"), Withdrawal.payment_method, PayoutMethod),
        Flag("in_file", N_("In a payment file"), Withdrawal.batch_id.is_not(None)),
        Reference(
            "affiliate", N_("Affiliate"), "affiliates", lambda k: Withdrawal.affiliate_id == k
        ),
        Reference("batch", N_("Payment file"), "sepa-batches", lambda k: Withdrawal.batch_id == k),
        *between("asked", Withdrawal.requested_at, N_("Asked on"), Withdrawal.id),
        *between("paid", Withdrawal.paid_at, N_("Paid on")),
    )
    acts = (APPROVE, REJECT, PAY, INTO_A_FILE)
    related = (Related("transfers", "withdrawal", N_("Ledger")),)
    empty = N_("Affiliates ask for their money on their pages; each request is decided here.")

    @property
    def other_tools(self) -> list[tuple[str, str]]:
        """The two queues."""
        return [
            (words, f"{self.url}/?{urlencode(filters)}")
            for words, filters in (
                (N_("To review"), {"flt_status": WithdrawalStatus.PENDING_REVIEW.value}),
                (
                    N_("To pay"),
                    {"flt_status": WithdrawalStatus.APPROVED.value, "flt_in_file": "no"},
                ),
            )
        ]

    def heading(self, row: Row) -> str:
        return f"{row['affiliate.affiliate_slug']} · {euros(row['requested_amount'])}"

    def panels(self, session: Session, row: Row) -> list[Panel]:
        lines: list[list[Markup | str]] = [
            [escape(words)] for words in standing(session, row["affiliate_id"])
        ]
        return [
            Panel(N_("How the affiliate stands"), [N_("Today")], lines),
            self._commissions_paid(session, row),
            *self._statement_panel(row),
        ]

    def _statement_panel(self, row: Row) -> list[Panel]:
        if row["status"] is not WithdrawalStatus.PAID:
            return []
        link = Markup('<a class="button quiet" href="{}">{}</a>').format(
            self.address_of("statement", id=row["id"]), gettext("Statement (PDF)")
        )
        return [Panel(N_("Statement"), [N_("For the affiliate")], [[link]])]

    @expose("/statement/")
    def statement(self) -> ResponseReturnValue:
        """A paid withdrawal's statement, as the affiliate got it, in the reader's language."""
        key = self.key_of(request.args.get("id", ""))
        try:
            body = payout_statement_pdf(reading(), key, str(get_locale()))
        except DomainError as refusal:
            abort(refusal.status)
        return Response(
            body,
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="payout-{key}.pdf"'},
        )

    def with_needs(self, names: Any) -> list[str]:
        return [*dict.fromkeys([*super().with_needs(names), "affiliate_id", "batch_id"])]

    def _commissions_paid(self, session: Session, row: Row) -> Panel:
        """What the withdrawal paid, down to the invoices."""
        found = session.execute(
            select(WithdrawalAllocation.amount, Commission)
            .join(Commission, Commission.id == WithdrawalAllocation.commission_id)
            .where(WithdrawalAllocation.withdrawal_id == row["id"])
            .options(joinedload(Commission.invoice))
            .order_by(Commission.id)
            .limit(200)
        )
        lines: list[list[Markup | str]] = [
            [
                self.find("commission_id", str(commission.id)) or str(commission.id),
                self.find("invoice_id", str(commission.invoice_id)) or "",
                moment(commission.earned_at),
                euros(amount),
            ]
            for amount, commission in found
        ]
        heads = [N_("Commission"), N_("Invoice"), N_("Earned"), N_("Paid of it")]
        empty = N_("Nothing yet: commissions are paid when the withdrawal is.")
        return Panel(N_("Commissions it paid"), heads, lines, empty, numeric={3})


class PayoutView(AdminView):
    """The affiliates whose AVAILABLE is above zero."""

    table, slug, title = AffiliateProfile, "payouts", N_("Payouts")
    permissions = {"read": P.WITHDRAWALS_READ}
    key_name = "user_id"
    partial = True
    column_default_sort = ("user_id", True)
    lookups = {"account": Lookup(LedgerAccount, "user_id", "affiliate_id")}
    computed = {
        "available": balance_in(Account.AVAILABLE),
        "reserved": balance_in(Account.RESERVED),
        "flags": flags_of(),
    }
    column_list = (
        "affiliate_slug",
        "user.display_name",
        "user.email",
        "available",
        "reserved",
        "risk_level",
        "refund_rate",
        "flags",
        "payout_method",
        "payout_iban_last4",
    )
    column_details_list = (*column_list, "payout_holder", "payout_iban", "payout_paypal")
    column_labels = {
        "available": N_("Available"),
        "reserved": N_("Reserved"),
        "flags": N_("Flags"),
    }
    formats = {
        "user.email": Linked("affiliates", "user_id", Email()),
        "available": Money(),
        "reserved": Money(),
        "risk_level": Badge(RiskLevel),
        "refund_rate": Percent(fraction=True),
        "flags": Count(),
        "payout_iban": Told(lambda iban, row: IBAN(iban).formatted if iban else ""),
    }
    column_searchable_list = ("affiliate_slug", "user.email", "user.display_name")
    search_hint = N_("Slug, email or name")
    column_filters = (
        Choice("risk", N_("Risk"), AffiliateProfile.risk_level, RiskLevel),
        Choice("method", N_("Way of paying"), AffiliateProfile.payout_method, PayoutMethod),
    )
    related = (Related("withdrawals", "affiliate", N_("Withdrawals")),)
    acts = (PAY_NOW,)
    empty = N_("Nobody can be paid now: commissions become available once they are released.")

    def only(self, statement: Any) -> Any:
        owed = exists().where(
            LedgerAccount.affiliate_id == AffiliateProfile.user_id,
            LedgerAccount.account == Account.AVAILABLE,
            LedgerAccount.balance > 0,
        )
        return statement.where(owed)

    def record(self, key: Any) -> Row:
        """An affiliate's page stays once all is paid: whoever has it open is told so there."""
        everybody = replace(self.listing([]), only=lambda statement: statement)
        names = self.with_needs(self._detail_names())
        return everybody.one(reading(), names, key, self.addresses()) or abort(404)

    def panels(self, session: Session, row: Row) -> list[Panel]:
        lines: list[list[Markup | str]] = [
            [escape(words)] for words in standing(session, row["user_id"])
        ]
        return [Panel(N_("How the affiliate stands"), [gettext("Today")], lines)]
