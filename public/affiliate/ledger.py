"""``/affiliate/ledger``: every movement of the affiliate's money, with what stood after it."""

from collections.abc import Iterator
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from models import clock
from models.accounts import Permission
from models.errors import BadInput
from models.ledger import TransferType
from models.ledger.own_movements import (
    Movement,
    MovementFilter,
    MovementPage,
    every_movement,
    movements_page,
)
from public.affiliate.asked import address, choice_asked, day_asked, end_of, number_asked, start_of
from public.affiliate.door import for_affiliates, pages
from public.affiliate.downloads import as_csv, money_cell
from public.affiliate.words import MOVEMENTS, account_text, movement_text
from public.errors import in_words as refusal_in_words
from public.identity import member_reading

PATH = "/affiliate/ledger"
FILTERS = ("type", "from", "to")
LOSSES = frozenset(
    {
        TransferType.COMMISSION_CLAWED_BACK,
        TransferType.ADJUSTMENT_DEBIT,
        TransferType.FEE_DEDUCTED,
    }
)
"""Movements that leave the affiliate with less; the others move money between their accounts."""
NOTHING = MovementPage(rows=(), newer=None, older=None)


@pages.get("/ledger")
@for_affiliates(Permission.LEDGER_READ_OWN)
def ledger() -> ResponseReturnValue:
    """The list, newest first, filtered as its address says."""
    mistake: BadInput | None = None
    page = NOTHING
    with member_reading() as session:
        try:
            page = movements_page(
                session,
                current_user.id,
                filter_asked(),
                before=number_asked("before"),
                after=number_asked("after"),
            )
        except BadInput as refusal:
            mistake = refusal
    given = {name: request.args.get(name, "").strip()[:60] for name in FILTERS}
    text = render_template(
        "public/affiliate/ledger.html",
        rows=[row_of(each) for each in page.rows],
        given=given,
        types=[(type.value, _(words)) for type, words in MOVEMENTS.items()],
        mistake=refusal_in_words(mistake) if mistake else "",
        newer=address(PATH, given, after=page.newer) if page.newer else "",
        older=address(PATH, given, before=page.older) if page.older else "",
        csv=address(f"{PATH}.csv", given),
    )
    return make_response(text, mistake.status if mistake else 200)


@pages.get("/ledger.csv")
@for_affiliates(Permission.LEDGER_READ_OWN)
def ledger_csv() -> ResponseReturnValue:
    """Every movement of the filter as a file: a line for each account it touched."""
    titles = [
        _("No."), _("Date"), _("Movement"), _("Description"), _("Account"), _("Amount"),
        _("Balance after"),
    ]  # fmt: skip
    return as_csv("ledger", titles, _lines(filter_asked()))


def filter_asked() -> MovementFilter:
    """The filter of the address. Raises BadDay, BadFilter."""
    return MovementFilter(
        type=choice_asked("type", TransferType),
        since=start_of(day_asked("from")),
        until=end_of(day_asked("to")),
    )


def row_of(movement: Movement) -> dict[str, Any]:
    """One line of the list."""
    transfer = movement.transfer
    return {
        "at": transfer.created_at,
        "type": movement_text(transfer.type),
        "description": transfer.description,
        "commission_id": transfer.commission_id,
        "withdrawal_id": transfer.withdrawal_id,
        "is_loss": transfer.type in LOSSES,
        "entries": [
            {
                "account": account_text(entry.account),
                "amount": entry.amount,
                "after": entry.balance_after,
            }
            for entry in movement.entries
        ],
    }


def _lines(asked: MovementFilter) -> Iterator[list[str]]:
    for movement in every_movement(current_user.id, asked):
        transfer = movement.transfer
        for entry in movement.entries:
            yield [
                str(transfer.seq),
                clock.paris(transfer.created_at).strftime("%Y-%m-%d %H:%M"),
                movement_text(transfer.type),
                transfer.description,
                account_text(entry.account),
                money_cell(entry.amount),
                money_cell(entry.balance_after or 0),
            ]
