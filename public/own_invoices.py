"""One's own invoices: the list, their PDFs, and asking a payment back."""

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.orm import Session

from models import clock
from models.accounts import Permission
from models.billing.credit_note import CreditNote
from models.billing.invoice_pdf import credit_note_pdf, invoice_pdf
from models.billing.own_invoices import OwnInvoice, own_invoices
from models.billing.request_refund import request_refund
from models.errors import N_, BadInput, Missing
from models.ids import is_uuid
from models.session import unit_of_work
from public.errors import in_words
from public.identity import acting, member_reading, needs
from public.invoice_words import ShownInvoice, shown_invoice
from public.letting_in import language
from public.member_menu import in_member_area

pages = Blueprint("own_invoices", __name__)
pages.context_processor(in_member_area)

A_PAGE = 20
FIRST_FEW = 5
LONGEST_REASON = 1000


class ReasonTooLong(BadInput):
    code = "reason_too_long"
    message = N_("At most %(most)s characters.")


class ReasonMissing(BadInput):
    code = "reason_missing"
    message = N_("Tell us in a few words why.")


@pages.after_request
def _keep_nowhere(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.get("/settings/invoices")
@needs(Permission.INVOICES_READ_OWN)
def listed() -> ResponseReturnValue:
    """Every invoice, a page at a time."""
    asked = request.args.get("before", "")
    with member_reading() as session:
        shown, has_more = shown_invoices(
            session, limit=A_PAGE, before=UUID(asked) if is_uuid(asked) else None
        )
    return render_template(
        "public/account/invoices.html", invoices=shown, has_more=has_more, is_first=not asked
    )


@pages.get("/settings/invoices/<uuid:invoice_id>/pdf")
@needs(Permission.INVOICES_READ_OWN)
def invoice_as_pdf(invoice_id: UUID) -> ResponseReturnValue:
    """An invoice as it was issued; somebody else's is 404, as is one not issued."""
    invoice = _own(invoice_id).invoice
    if invoice.number is None:
        raise Missing
    with member_reading() as session:
        return _pdf(invoice_pdf(session, invoice.id, language()), invoice.number)


@pages.get("/settings/credit-notes/<uuid:credit_note_id>/pdf")
@needs(Permission.INVOICES_READ_OWN)
def credit_note_as_pdf(credit_note_id: UUID) -> ResponseReturnValue:
    """A credit note; somebody else's is 404, as row security says."""
    with member_reading() as session:
        note = CreditNote.get(session, credit_note_id)
        return _pdf(credit_note_pdf(session, note.id, language()), note.number)


@pages.get("/settings/invoices/<uuid:invoice_id>/refund")
@needs(Permission.REFUNDS_ASK_OWN)
def refund_form(invoice_id: UUID) -> ResponseReturnValue:
    """What is asked back and until when; where nothing can be asked, the page says so."""
    return _refund_page(_shown(invoice_id))


@pages.post("/settings/invoices/<uuid:invoice_id>/refund")
@needs(Permission.REFUNDS_ASK_OWN)
def ask_refund(invoice_id: UUID) -> ResponseReturnValue:
    """File the request; a second press finds it filed."""
    shown = _shown(invoice_id)
    reason = request.form.get("reason", "").strip()
    try:
        if not reason:
            raise ReasonMissing(field="reason")
        if len(reason) > LONGEST_REASON:
            raise ReasonTooLong(field="reason", most=LONGEST_REASON)
    except BadInput as refusal:
        return make_response(
            _refund_page(shown, reason=reason[:LONGEST_REASON], refusal=refusal), refusal.status
        )
    with unit_of_work() as session:
        request_refund(session, invoice_id, reason=reason, actor=acting(), now=clock.now())
    flash(_("Your request is with us. We write to you as soon as it is decided."), "good")
    return redirect("/settings", 303)


def shown_invoices(
    session: Session, *, limit: int, before: UUID | None = None
) -> tuple[list[ShownInvoice], bool]:
    """The invoices of whoever asks, and whether older ones follow."""
    found = own_invoices(session, current_user.id, limit=limit + 1, before=before)
    now = clock.now()
    return [shown_invoice(own, now=now) for own in found[:limit]], len(found) > limit


def _own(invoice_id: UUID) -> OwnInvoice:
    """An invoice of whoever asks. Raises Missing for anybody else's."""
    with member_reading() as session:
        found = own_invoices(session, current_user.id, limit=1, only=invoice_id)
    if not found:
        raise Missing
    return found[0]


def _shown(invoice_id: UUID) -> ShownInvoice:
    return shown_invoice(_own(invoice_id), now=clock.now())


def _refund_page(shown: ShownInvoice, *, reason: str = "", refusal: BadInput | None = None) -> str:
    return render_template(
        "public/account/refund.html",
        invoice=shown,
        reason=reason,
        error=in_words(refusal) if refusal else "",
        longest=LONGEST_REASON,
    )


def _pdf(content: bytes, number: str) -> Response:
    answer = make_response(content)
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{number}.pdf"'
    return answer
