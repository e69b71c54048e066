"""Where buttons are seen: told by our own pages and by the snippet on other people's."""

from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.catalog.edit_button import mark_used
from models.catalog.payment_button import ButtonSighting, PaymentButton
from models.clock import paris
from models.errors import N_, BadInput, Missing
from models.ids import new_id

LONGEST_PAGE = 500
MOST_PAGES_OF_A_BUTTON = 500


class NotAPage(BadInput):
    code = "not_a_page"
    message = N_("The page's address must begin with http:// or https:// and be at most 500 long.")


def see_button(
    session: Session,
    key: str,
    *,
    page_url: str,
    price_shown: int | None,
    price_follows: bool,
    loses_ref: bool | None,
    now: datetime,
) -> None:
    """Note that a page showed a button today, at a price in cents; its query is left out.

    ``price_follows``: that price is our own, drawn from the catalogue. ``loses_ref`` None:
    nobody came by an affiliate's link, so the page showed nothing of it; what was noted
    before stands. From the first page on a button's key is used.

    A second call for the same page moves its last day and price. Pages past the 500th of one
    button are not noted, because anybody may tell of one. Raises Missing for an unknown
    key and NotAPage for an address that is none.
    """
    page = page_of(page_url)
    button_id = _used(session, key, now=now)
    of_button = ButtonSighting.button_id == button_id
    known = session.scalar(
        select(ButtonSighting.id).where(of_button, ButtonSighting.page_url == page)
    )
    count = session.scalar(select(func.count()).where(of_button)) or 0
    if known is None and count >= MOST_PAGES_OF_A_BUTTON:
        return
    today = paris(now).date()
    seen = {
        "last_seen_on": today,
        "price_shown": price_shown,
        "price_follows": price_follows,
        **({} if loses_ref is None else {"loses_ref": loses_ref}),
    }
    row = {"id": new_id(), "button_id": button_id, "page_url": page, "first_seen_on": today}
    session.execute(
        insert(ButtonSighting)
        .values(**{**row, "loses_ref": False, **seen})
        .on_conflict_do_update(index_elements=["button_id", "page_url"], set_=seen)
    )


def _used(session: Session, key: str, *, now: datetime) -> UUID:
    """The key of a button that a page carries, used from now on. Raises Missing."""
    known = session.execute(
        select(PaymentButton.id, PaymentButton.used_at).where(PaymentButton.button_key == key)
    ).one_or_none()
    if known is None:
        raise Missing
    button_id, used_at = known
    if used_at is None:
        mark_used(PaymentButton.for_update(session, button_id), at=now)
        session.flush()
    return button_id


def page_of(address: str) -> str:
    """A page's address without its query and fragment. Raises NotAPage."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise NotAPage(field="page") from None
    page = f"{parts.scheme}://{parts.netloc}{parts.path}"
    fine = parts.scheme in ("http", "https") and parts.netloc and "\x00" not in page
    if not fine or "@" in parts.netloc or len(page) > LONGEST_PAGE:
        raise NotAPage(field="page")
    return page
