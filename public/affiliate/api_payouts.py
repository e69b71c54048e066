"""The JSON twins of the affiliate's withdrawals, under ``/api/affiliate``. Amounts are cents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from flask import g
from flask_login import current_user
from pydantic import Field

from models.accounts import Permission
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts import Withdrawal, WithdrawalStatus
from models.affiliation.payouts.ask_withdrawal import available_of, preview_withdrawal
from models.affiliation.payouts.own_withdrawals import (
    Paid,
    WithdrawalFilter,
    own_withdrawal,
    what_it_paid,
    withdrawals_page,
)
from models.affiliation.profile import AffiliateProfile
from models.settings import current_settings
from public.affiliate.answers import Filter
from public.affiliate.api import TAG, pages
from public.affiliate.asked import end_of, start_of
from public.affiliate.door import for_affiliates
from public.affiliate.payout_details import save_details
from public.affiliate.payouts import ask_once, cancel_own
from public.identity import member_reading
from public.json_api import Answer, Body, endpoint

Amount = Annotated[int, Field(ge=1, le=10**11)]


class WithdrawalsAsked(Filter):
    """Which withdrawals; ``before`` and ``after`` are keys that a page answered."""

    status: WithdrawalStatus | None = None
    before: UUID | None = None
    after: UUID | None = None


class AmountAsked(Body):
    """How much, in cents."""

    amount: Amount


class WithdrawalWanted(Body):
    """How much, in cents. The same ``request_key``, a UUID of the asker, sent twice asks once."""

    amount: Amount
    request_key: UUID | None = None


class NothingSaid(Body):
    """Nothing has to be said."""


class Details(Body):
    """``wire`` wants holder and IBAN (an empty one keeps the one there is), ``paypal`` an
    address."""

    method: PayoutMethod
    holder: str = ""
    iban: str = ""
    paypal: str = ""


class DetailsShown(Answer):
    """Where coming withdrawals go; of an IBAN only its last four signs."""

    method: PayoutMethod | None
    holder: str
    iban_last4: str | None
    paypal: str | None


class TermsShown(Answer):
    """What an amount would cost and bring, and what would be left."""

    requested_amount: int
    fee_amount: int
    net_amount: int
    available_after: int


class WithdrawalShown(Answer):
    id: UUID
    status: WithdrawalStatus
    requested_amount: int
    fee_amount: int
    net_amount: int
    currency: str
    payment_method: PayoutMethod | None
    payout_reference: str
    rejection_reason: str
    requested_at: datetime
    approved_at: datetime | None
    paid_at: datetime | None
    rejected_at: datetime | None
    cancelled_at: datetime | None


class PaidShown(Answer):
    """What a withdrawal paid of one commission; ``client`` is a masked address."""

    commission_id: UUID
    amount: int
    client: str
    product: str
    plan: str
    invoice: str


class WithdrawalExplained(WithdrawalShown):
    """One withdrawal; ``commissions`` is what it paid once it is paid out, and ``elsewhere`` the
    rest of it: adjustments, or commissions taken back meanwhile."""

    fee_waived: bool
    commissions: list[PaidShown]
    elsewhere: int


class WithdrawalsShown(Answer):
    """``available`` below zero is debt."""

    available: int
    minimum: int
    destination: DetailsShown
    withdrawals: list[WithdrawalShown]
    newer: UUID | None
    older: UUID | None


@pages.get("/payouts")
@endpoint(answers=WithdrawalsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_READ_OWN)
def list_withdrawals(query: WithdrawalsAsked) -> WithdrawalsShown:
    """What can be withdrawn, and the affiliate's requests, newest first, a page at a time."""
    asked = WithdrawalFilter(
        status=query.status, since=start_of(query.from_), until=end_of(query.to)
    )
    with member_reading() as session:
        available = available_of(session, current_user.id)
        page = withdrawals_page(
            session, current_user.id, asked, before=query.before, after=query.after
        )
    return WithdrawalsShown(
        available=available,
        minimum=current_settings().withdrawal_minimum,
        destination=_details(g.affiliate),
        withdrawals=[_withdrawal(each) for each in page.rows],
        newer=page.newer,
        older=page.older,
    )


@pages.get("/payouts/preview")
@endpoint(answers=TermsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def preview_terms(query: AmountAsked) -> TermsShown:
    """What asking for an amount would cost and bring; nothing is reserved."""
    with member_reading() as session:
        asked = preview_withdrawal(session, current_user.id, query.amount)
    terms = asked.terms
    return TermsShown(
        requested_amount=terms.requested,
        fee_amount=terms.fee,
        net_amount=terms.net,
        available_after=asked.available - terms.requested,
    )


@pages.get("/payouts/<uuid:withdrawal_id>")
@endpoint(answers=WithdrawalExplained, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_READ_OWN)
def read_withdrawal(withdrawal_id: UUID) -> WithdrawalExplained:
    """One of the affiliate's withdrawals, with the commissions that it paid."""
    with member_reading() as session:
        withdrawal = own_withdrawal(session, current_user.id, withdrawal_id)
        is_paid = withdrawal.status is WithdrawalStatus.PAID
        paid = what_it_paid(session, withdrawal_id) if is_paid else []
    return WithdrawalExplained(
        **_withdrawal(withdrawal).model_dump(),
        fee_waived=withdrawal.fee_waived,
        commissions=[_paid(each) for each in paid],
        elsewhere=withdrawal.requested_amount - sum(each.amount for each in paid) if is_paid else 0,
    )


@pages.post("/payouts")
@endpoint(answers=WithdrawalShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def ask_for_money(json: WithdrawalWanted) -> WithdrawalShown:
    """Ask for an amount of what is available; it is set aside at once."""
    return _withdrawal(ask_once(json.amount, json.request_key))


@pages.post("/payouts/<uuid:withdrawal_id>/cancel")
@endpoint(answers=WithdrawalShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def cancel_request(withdrawal_id: UUID, json: NothingSaid) -> WithdrawalShown:
    """Take a request back while it is under review; a second call changes nothing."""
    return _withdrawal(cancel_own(withdrawal_id))


@pages.post("/payouts/details")
@endpoint(answers=DetailsShown, refuses=(401, 404, 409), tag=TAG)
@for_affiliates(Permission.WITHDRAWALS_ASK_OWN)
def change_details(json: Details) -> DetailsShown:
    """Say where coming withdrawals go."""
    return _details(
        save_details(method=json.method, holder=json.holder, iban=json.iban, paypal=json.paypal)
    )


def _withdrawal(row: Withdrawal) -> WithdrawalShown:
    return WithdrawalShown(**{name: getattr(row, name) for name in WithdrawalShown.model_fields})


def _paid(each: Paid) -> PaidShown:
    sale = each.sale
    return PaidShown(
        commission_id=each.commission_id,
        amount=each.amount,
        client=sale.client,
        product=sale.product,
        plan=sale.plan,
        invoice=sale.invoice,
    )


def _details(affiliate: AffiliateProfile) -> DetailsShown:
    return DetailsShown(
        method=affiliate.payout_method,
        holder=affiliate.payout_holder,
        iban_last4=affiliate.payout_iban_last4,
        paypal=affiliate.payout_paypal,
    )
