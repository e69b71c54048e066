"""Sixteen connections at one invoice: it is given back once, and never more than was paid."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest
from sqlalchemy import func, select

from models import clock
from models.affiliation import AffiliateProfile
from models.affiliation.prove_ledger import prove_ledger
from models.billing import CreditNote, InvoiceStatus, Refund, RefundStatus
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.reject_refund import reject_refund
from models.billing.send_refunds import LEASE, send_refunds
from models.communities import CommunityMember
from models.errors import DomainError
from models.ledger import LedgerTransfer, TransferType
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work
from tests.refunds import (
    approve,
    ask,
    balances,
    customer_of,
    give_back,
    invoice_of,
    refunds,
    row,
    sold,
)
from tests.stored import count

pytestmark = pytest.mark.usefixtures("committed", "now")
AT_ONCE = 16


def at_once(*acts):
    """Every act in a thread of its own: answers, or the refusals raised."""

    def run(act):
        try:
            return act()
        except DomainError as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))


def granted(sale):
    with staff_reading() as session:
        return session.scalar(
            select(func.coalesce(func.sum(Refund.amount), 0)).where(
                Refund.invoice_id == sale.invoice_id,
                Refund.status.in_((RefundStatus.APPROVED, RefundStatus.PROCESSED)),
            )
        )


def check_ledger():
    with staff_reading() as session:
        assert prove_ledger(session).ok


def test_approving_at_once_claws_back_once(twin):
    sale = sold(twin, by_affiliate=True)
    assert balances(sale.affiliate_id).locked == 1225
    refund = ask(sale.invoice_id)

    answers = at_once(*[lambda: approve(refund.id)] * AT_ONCE)

    assert {answer.id for answer in answers} == {refund.id}
    assert count(LedgerTransfer, LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK) == 1
    assert balances(sale.affiliate_id).locked == 0
    assert invoice_of(sale).status is InvoiceStatus.REFUNDED
    check_ledger()


def test_who_waits_for_a_membership_holds_nothing_of_the_affiliates(twin):
    sale = sold(twin, by_affiliate=True)
    refund = ask(sale.invoice_id)
    affiliate = select(AffiliateProfile).where(AffiliateProfile.user_id == sale.affiliate_id)

    with ThreadPoolExecutor(1) as threads:
        with unit_of_work() as session:
            session.scalars(select(CommunityMember).with_for_update()).all()
            approved = threads.submit(approve, refund.id)
            sleep(1)
            # As a purchase of the same person: the membership first, then the affiliate.
            session.scalars(affiliate.with_for_update(nowait=True)).one()
        approved.result()

    assert balances(sale.affiliate_id).locked == 0
    check_ledger()


def test_asking_at_once_files_one_request(twin):
    sale = sold(twin)
    answers = at_once(*[lambda: ask(sale.invoice_id)] * AT_ONCE)
    assert len({answer.id for answer in answers}) == len(refunds()) == 1


def test_parts_that_together_exceed_are_granted_up_to_what_was_paid(twin):
    sale = sold(twin, by_affiliate=True)

    answers = at_once(*[lambda: give_back(sale.invoice_id, 1000)] * AT_ONCE)

    assert sum(isinstance(answer, Refund) for answer in answers) == 4
    assert granted(sale) == 4000
    assert invoice_of(sale).status is InvoiceStatus.PAID
    check_ledger()


def test_a_request_approved_while_the_owner_gives_back(twin):
    sale = sold(twin, by_affiliate=True)
    give_back(sale.invoice_id, 100)
    refund = ask(sale.invoice_id)

    at_once(
        *[lambda: approve(refund.id)] * 8,
        *[lambda: give_back(sale.invoice_id, 2450)] * 8,
    )

    assert granted(sale) == 4900
    assert invoice_of(sale).status is InvoiceStatus.REFUNDED
    check_ledger()


def test_approved_or_rejected_but_not_both(twin):
    sale = sold(twin, by_affiliate=True)
    refund = ask(sale.invoice_id)

    def reject():
        with unit_of_work() as session:
            return reject_refund(session, refund.id, reason="no", actor=SYSTEM, now=clock.now())

    at_once(*[lambda: approve(refund.id)] * 8, *[reject] * 8)

    status = row(Refund, refund.id).status
    assert status in (RefundStatus.APPROVED, RefundStatus.REJECTED)
    taken = count(LedgerTransfer, LedgerTransfer.type == TransferType.COMMISSION_CLAWED_BACK)
    assert taken == (status is RefundStatus.APPROVED)
    assert customer_of(sale).is_running is (status is RefundStatus.REJECTED)


def test_sixteen_workers_give_each_back_once_and_number_without_gap(twin):
    for number in range(6):
        give_back(sold(twin, f"p{number}@example.org", key=f"offer-{number}").invoice_id)

    at_once(*[send_refunds] * AT_ONCE)

    assert len(twin.refunds) == 6
    with staff_reading() as session:
        numbers = session.scalars(select(CreditNote.number).order_by(CreditNote.number)).all()
    assert numbers == [f"AV-2026-{n:06d}" for n in range(1, 7)]


def test_answer_webhooks_and_sweep_at_once(twin):
    sale = sold(twin, by_affiliate=True)
    refund = give_back(sale.invoice_id)
    twin.fail_next("refund", Fault.LOST_AFTER)
    send_refunds()
    [psp_refund_id] = twin.refunds
    clock.advance(LEASE + timedelta(minutes=30))

    def webhook(number):
        body = {"id": f"evt_{number % 3}", "type": "refund.updated", "refund": psp_refund_id}
        return lambda: hear_psp(json.dumps(body).encode(), "twin")

    at_once(*[webhook(number) for number in range(8)], *[send_refunds] * 8)

    assert row(Refund, refund.id).status is RefundStatus.PROCESSED
    assert count(CreditNote) == len(twin.refunds) == 1
    check_ledger()
