"""SEPA batches: the bank's files with their lines; download, settle line by line, give up."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, abort, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional

from admin_views.acting import is_fresh
from admin_views.acts import Act, second_factor_first
from admin_views.base import AdminView
from admin_views.filters import Choice, between
from admin_views.formats import Code, Count, Day, DayOf, Linked, Money, Told, euros
from admin_views.forms import ConsoleForm, ReasonForm
from admin_views.listing import Lookup, Row
from admin_views.reading import reading
from admin_views.records import Panel, Related
from models.accounts import User
from models.accounts.permissions import Permission as P
from models.affiliation import BatchStatus, SepaBatch, Withdrawal
from models.affiliation.payouts.make_batch import give_up_batch
from models.affiliation.payouts.pay_withdrawal import LONGEST_REFERENCE
from models.affiliation.payouts.settle_batch import settle_batch
from models.errors import N_

LINE = "bounced_"


class SettleForm(ConsoleForm):
    """The bank's reference, and beside it one field a line for the reason it bounced."""

    reference = StringField(
        N_("Reference of the payment"), [DataRequired(), Length(max=LONGEST_REFERENCE)]
    )


def settle_form(data: Mapping[str, str] | None = None) -> ConsoleForm:
    """The form of the file that the page is about."""
    fields = {
        f"{LINE}{line.id.hex}": StringField(
            f"{line.affiliate.affiliate_slug} · {euros(line.net_amount)}",
            [Optional(), Length(max=500)],
            description=N_("Only if it bounced: the bank's reason."),
        )
        for line in lines_of(reading(), request.args.get("id", ""))
    }
    form: ConsoleForm = type("SettleLinesForm", (SettleForm,), fields)(data)
    return form


def lines_of(session: Session, key: str) -> list[Withdrawal]:
    """A file's lines with their affiliates; none where the key is no key."""
    try:
        batch_id = UUID(key)
    except ValueError:
        return []
    return list(
        session.scalars(
            select(Withdrawal)
            .where(Withdrawal.batch_id == batch_id)
            .options(joinedload(Withdrawal.affiliate))
            .order_by(Withdrawal.id)
        )
    )


def settle(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> SepaBatch:
    """Call the rule with the lines that bounced."""
    bounced = {
        UUID(name.removeprefix(LINE)): reason
        for name, reason in data.items()
        if name.startswith(LINE) and reason and reason.strip()
    }
    return settle_batch(session, key, reference=data["reference"], bounced=bounced, **who)


def give_up(session: Session, key: UUID, data: dict[str, Any], **who: Any) -> SepaBatch:
    return give_up_batch(session, key, **data, **who)


SETTLE = Act(
    "settle",
    N_("Settle"),
    P.WITHDRAWALS_PAY,
    settle,
    N_("The file is settled."),
    settle_form,
    N_("Once the bank has executed it: every line is marked paid, but for those that bounced."),
    when=lambda row: row["status"] is BatchStatus.EXPORTED,
    needs=("status",),
    previews=True,
    fresh=True,
)
GIVE_UP = Act(
    "give-up",
    N_("Give up"),
    P.WITHDRAWALS_PAY,
    give_up,
    N_("The file is given up: its lines can be paid otherwise."),
    ReasonForm,
    N_("Only if the bank never got it: its lines would be paid twice."),
    when=lambda row: row["status"] is BatchStatus.EXPORTED,
    needs=("status",),
    previews=True,
    fresh=True,
    danger=True,
)


class BatchView(AdminView):
    table, slug, title = SepaBatch, "sepa-batches", N_("SEPA batches")
    permissions = {"read": P.WITHDRAWALS_READ, "download": P.WITHDRAWALS_PAY}
    verbs = {**AdminView.verbs, "download": "download"}
    lookups = {"maker": Lookup(User, "made_by")}
    column_list = ("number", "made_at", "status", "execution_date", "count", "total", "reference")
    column_details_list = (
        *column_list,
        "message_id",
        "schema",
        "sha256",
        "maker.email",
        "settled_at",
        "given_up_at",
        "given_up_reason",
    )
    column_labels = {"maker.email": N_("Made by"), "reference": N_("Reference of the payment")}
    formats = {
        "number": Told(lambda number, row: gettext("File %(number)s", number=number)),
        "made_at": DayOf(),
        "execution_date": Day(),
        "count": Count(),
        "total": Money(),
        "message_id": Code(),
        "schema": Code(),
        "sha256": Code(),
        "maker.email": Linked("users", "made_by"),
    }
    column_searchable_list = ("message_id",)
    search_hint = N_("File's identity at the bank")
    column_filters = (
        Choice("status", N_("Status"), SepaBatch.status, BatchStatus),
        *between("made", SepaBatch.made_at, N_("Made"), SepaBatch.id),
    )
    related = (Related("withdrawals", "batch", N_("Lines"), most=100),)
    acts = (SETTLE, GIVE_UP)
    empty = N_("Files of credit transfers for the bank.")
    empty_how = N_("Tick approved bank transfers among the withdrawals and make a file of them.")

    def panels(self, session: Session, row: Row) -> list[Panel]:
        if not self.allows("download"):
            return []
        link = Markup('<a class="button quiet" href="{}">{}</a>').format(
            self.address_of("download", id=row["id"]), gettext("Download the XML file")
        )
        return [Panel(N_("File"), [N_("For the bank")], [[link]])]

    @expose("/file/")
    def download(self) -> ResponseReturnValue:
        """The file as it was made, for whoever has just proved their second factor."""
        if not is_fresh():
            return redirect(second_factor_first())
        key = self.key_of(request.args.get("id", ""))
        batch = reading().get(SepaBatch, key, options=[undefer(SepaBatch.xml)])
        if batch is None:
            abort(404)
        return Response(
            batch.xml,
            content_type="application/xml; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{batch.message_id}.xml"',
                "Cache-Control": "no-store",
            },
        )
