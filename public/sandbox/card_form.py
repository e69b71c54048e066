"""The vault's hosted card form, shown in an iframe: plain HTML that scripts make nicer."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from models import clock
from models.billing.sandbox_cards import SANDBOX_CARDS
from public.sandbox.card_entry import BadCard
from public.sandbox.vault import store_card, usable_capture

card_form = Blueprint("card_form", __name__)


@card_form.get("/capture/iframe/<form>")
def show_form(form: str) -> ResponseReturnValue:
    """The form; 410 once its capture endpoint has expired or was taken away."""
    return _page()


@card_form.post("/capture/iframe/<form>")
def take_card(form: str) -> ResponseReturnValue:
    """Store the card, then say so to the reader and to the page around the iframe."""
    capture = usable_capture(request.args.get("unique_id", ""), request.args.get("secret", ""))
    if capture is None:
        return _page()
    try:
        stored = store_card(capture, request.form.to_dict())
    except BadCard as wrong:
        return _page(error=gettext(wrong.template), field=wrong.field)
    return render_template(
        "sandbox/card_done.html", token=stored["token"], reference=stored["reference"]
    )


def _page(error: str | None = None, field: str | None = None) -> ResponseReturnValue:
    capture = usable_capture(request.args.get("unique_id", ""), request.args.get("secret", ""))
    if capture is None:
        return render_template("sandbox/card_gone.html"), 410
    page = render_template(
        "sandbox/card_form.html",
        cards=SANDBOX_CARDS,
        example_expiry=f"12/{(clock.today().year + 3) % 100:02d}",
        error=error,
        field=field,
        # The number and its code are never sent back to the page.
        typed={name: request.form.get(name, "") for name in ("card_holder", "expiry")},
    )
    return page, 422 if error else 200
