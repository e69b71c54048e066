"""What the affiliate's JSON endpoints take and answer. Amounts are cents, days are Paris'."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from models.affiliation import CommissionStatus
from models.billing import InvoiceKind
from models.ledger import Account, TransferType
from public.affiliate.asked import EARLIEST, LARGEST_NUMBER, LATEST
from public.json_api import Answer, Body

Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
Place = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]


class Filter(Body):
    """From a day to a day, both included."""

    model_config = ConfigDict(populate_by_name=False)

    from_: Day | None = Field(None, alias="from")
    to: Day | None = None


class CommissionsAsked(Filter):
    """Which commissions; ``product`` is the ``program_id`` of one of them, and ``before`` and
    ``after`` are keys that a page answered."""

    status: CommissionStatus | None = None
    product: UUID | None = None
    before: UUID | None = None
    after: UUID | None = None


class MovementsAsked(Filter):
    """Which movements; ``before`` and ``after`` are numbers that a page answered."""

    type: TransferType | None = None
    before: Place | None = None
    after: Place | None = None


class LinkAsked(Body):
    """A page worth sharing, by its key, and the words of a campaign."""

    page: str | None = None
    campaign: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None


class Joining(Body):
    """The link name wanted; the terms must be accepted."""

    slug: Annotated[str, Field(max_length=60)]
    accepts_terms: bool


class Joined(Answer):
    """The affiliate there is now."""

    slug: str
    link: str


class NameWanted(Body):
    """Another link name."""

    slug: Annotated[str, Field(max_length=60)]


class NameShown(Answer):
    """The name in the affiliate's links, the one before it, whose links go on, and whether it
    can still be changed."""

    slug: str
    former_slug: str | None
    can_change: bool
    link: str


class MonthShown(Answer):
    first_day: date
    commissions: int
    earned: int
    clawed_back: int
    paid_out: int


class UnlockShown(Answer):
    on: date
    main: int
    extended: int


class Overview(Answer):
    """The affiliate's figures, at most five minutes old. ``withdrawn`` holds the ``fees``;
    of ``clicks`` in the last 30 days, ``checkouts`` were begun and ``sales`` made."""

    earned: int
    clawed_back: int
    locked: int
    available: int
    reserved: int
    withdrawn: int
    fees: int
    debt: int
    clients: int
    monthly: int
    own_purchases: int
    clicks: int
    checkouts: int
    sales: int
    months: list[MonthShown]
    unlocks: list[UnlockShown]
    as_of: datetime


class CommissionShown(Answer):
    """``client`` is a masked address; ``program_id`` is what the list is filtered by for its
    product; rates are decimal texts. ``main_left`` and ``extended_left`` are what was not taken
    back of a part before its day: that unlocks."""

    id: UUID
    status: CommissionStatus
    client: str
    product: str
    program_id: UUID
    plan: str
    invoice: str
    invoice_kind: InvoiceKind
    currency: str
    base_amount: int
    rate_applied: str
    total_amount: int
    main_amount: int
    main_left: int
    extended_amount: int
    extended_left: int
    earned_at: datetime
    locked_until: datetime
    main_matured_at: datetime | None
    extended_locked_until: datetime
    extended_matured_at: datetime | None
    clawed_back_amount: int
    paid_amount: int


class CommissionsShown(Answer):
    commissions: list[CommissionShown]
    newer: UUID | None
    older: UUID | None


class FactShown(Answer):
    """A sentence of the explanation in the reader's language; ``kind`` is stable."""

    kind: str
    text: str


class CommissionExplained(CommissionShown):
    why: list[FactShown]


class EntryShown(Answer):
    account: Account
    amount: int
    balance_after: int


class MovementShown(Answer):
    seq: int
    type: TransferType
    at: datetime
    description: str
    commission_id: UUID | None
    entries: list[EntryShown]


class MovementsShown(Answer):
    movements: list[MovementShown]
    newer: int | None
    older: int | None


class PageShown(Answer):
    key: str
    name: str
    address: str


class LinkShown(Answer):
    """The link, and every page that can be shared. The QR codes are at the addresses."""

    link: str
    qr_svg: str
    qr_png: str
    pages: list[PageShown]
