"""Sending refunds: once, whatever the provider answers or fails to, with its credit note."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from models import clock
from models.billing import CreditNote, EventOutcome, Invoice, ProviderEvent, Refund, RefundStatus
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.provider import RefundRequest
from models.billing.refund import next_refund_due
from models.billing.send_refunds import LEASE, retry_refund, send_refunds, take_up
from models.billing.settle_refund_by_hand import (
    NoReference,
    NotRefused,
    settle_refund_by_hand,
)
from models.oversight import SYSTEM, OutboxEvent
from models.session import staff_reading, unit_of_work
from models.settings import current_settings, use_settings
from tests.refunds import ask, give_back, next_invoice, refunds, row, sold

pytestmark = pytest.mark.usefixtures("committed", "now")


def notes():
    with staff_reading() as session:
        return session.scalars(select(CreditNote).order_by(CreditNote.number)).all()


def told(kind):
    with staff_reading() as session:
        return session.scalars(select(OutboxEvent).where(OutboxEvent.kind == kind)).all()


def later():
    """Move to when the provider is next due."""
    with staff_reading() as session:
        clock.move_to(session.scalar(next_refund_due()))


def webhook(twin, kind, number=1, **about):
    body = {"id": f"evt_{kind}_{number}", "type": kind, **about}
    return hear_psp(json.dumps(body).encode(), "twin")


class TestSending:
    def test_gives_it_back_once_with_a_credit_note(self, twin):
        sale = sold(twin)
        refund = give_back(sale.invoice_id)

        counts = send_refunds()
        again = send_refunds()

        assert (counts["sent"], counts["processed"], again["sent"]) == (1, 1, 0)
        done = row(Refund, refund.id)
        assert (done.status, done.next_try_at) == (RefundStatus.PROCESSED, None)
        assert done.psp_refund_id in twin.refunds
        assert twin.refunds[done.psp_refund_id].key == f"ref_{refund.id}"
        [note] = notes()
        assert note.number == "AV-2026-000001"
        assert (note.amount_excluding_tax, note.tax_amount) == (4083, 817)
        assert note.mentions["invoice"] == row(Invoice, sale.invoice_id).number
        assert len(told("billing.refund_processed")) == 1

    def test_nothing_is_sent_before_it_is_approved(self, twin):
        ask(sold(twin).invoice_id)
        assert send_refunds()["sent"] == 0

    @pytest.mark.parametrize("rate", ["0.20", "0.055", "0", "0.021"])
    def test_parts_add_up_to_the_invoice(self, twin, rate):
        changed = current_settings().model_copy(update={"vat_rate": Decimal(rate)})
        use_settings(changed)
        sale = sold(twin)
        invoice = row(Invoice, sale.invoice_id)
        for part in (1, 2, 700, 699, 1, 3000, 497):
            give_back(sale.invoice_id, part)
            send_refunds()
        issued = notes()
        assert [note.number for note in issued] == [f"AV-2026-{n:06d}" for n in range(1, 8)]
        assert sum(note.amount_excluding_tax for note in issued) == invoice.amount_excluding_tax
        assert sum(note.tax_amount for note in issued) == invoice.tax_amount
        assert {note.tax_rate for note in issued} == {invoice.tax_rate}

    def test_a_credit_note_never_changes(self, twin):
        give_back(sold(twin).invoice_id)
        send_refunds()
        for statement in ("UPDATE credit_notes SET number = 'x'", "DELETE FROM credit_notes"):
            with pytest.raises(DBAPIError, match=r"permission denied"), unit_of_work() as session:
                session.execute(text(statement))

    def test_numbers_follow_the_paris_year(self, twin):
        sale = sold(twin)
        give_back(sale.invoice_id, 100)
        clock.move_to(clock.now().replace(month=12, day=31, hour=22, minute=59))
        send_refunds()
        give_back(sale.invoice_id, 100)
        clock.advance(timedelta(minutes=1))
        send_refunds()
        assert [note.number for note in notes()] == ["AV-2026-000001", "AV-2027-000001"]


class TestTrouble:
    @pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.LOST_BEFORE, Fault.LOST_AFTER])
    def test_is_tried_again_and_given_back_once(self, twin, fault):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", fault)
        counts = send_refunds()
        assert counts["processed"] == 0
        waiting = row(Refund, refund.id)
        assert waiting.status is RefundStatus.APPROVED
        assert waiting.last_error
        assert send_refunds()["sent"] == 0, "not before its time"

        later()
        assert send_refunds()["processed"] == 1
        assert len(twin.refunds) == 1
        assert row(Refund, refund.id).last_error is None
        assert len(notes()) == 1

    def test_what_was_refused_stays_approved_and_is_shown(self, twin):
        sale = sold(twin)
        invoice = row(Invoice, sale.invoice_id)
        twin.refund(RefundRequest("elsewhere", invoice.psp_payment_id, 4900))
        refund = give_back(sale.invoice_id)
        for _ in range(3):
            assert send_refunds()["failed"] == 1
            later()

        waiting = row(Refund, refund.id)
        assert (waiting.status, waiting.last_error) == (
            RefundStatus.APPROVED,
            "charge_already_refunded",
        )
        assert len(told("billing.refund_failed")) == 1, "the same trouble is told once"
        assert notes() == []

    def test_waits_longer_each_time_and_never_gives_up(self, twin):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.NOT_SENT, times=9)
        waits = []
        for _ in range(9):
            send_refunds()
            waits.append((row(Refund, refund.id).next_try_at - clock.now()).total_seconds() / 60)
            later()
        assert waits == [5, 15, 60, 240, 720, 1440, 1440, 1440, 1440]
        assert send_refunds()["processed"] == 1

    def test_the_owner_may_have_it_tried_at_once(self, twin):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.NOT_SENT)
        send_refunds()
        for _ in range(2):
            with unit_of_work() as session:
                retry_refund(session, refund.id, actor=SYSTEM, now=clock.now())
        assert len(told("billing.refund_retried")) == 1
        assert send_refunds()["processed"] == 1
        with unit_of_work() as session:
            retried = retry_refund(session, refund.id, actor=SYSTEM, now=clock.now())
        assert retried.status is RefundStatus.PROCESSED

    def test_the_provider_silent_to_questions_too_is_asked_again(self, twin):
        give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.LOST_AFTER)
        twin.fail_next("look_up_refund", Fault.LOST_BEFORE, times=2)
        for _ in range(3):
            assert send_refunds()["unknown"] == 1
            later()
        assert send_refunds()["processed"] == 1
        assert len(twin.refunds) == 1

    def test_a_worker_that_died_leaves_it_to_the_next_after_its_lease(self, twin):
        refund = give_back(sold(twin).invoice_id)
        with unit_of_work() as session:
            taken = take_up(session, now=clock.now())
        twin.refund(taken[1])
        assert send_refunds()["sent"] == 0
        clock.advance(LEASE)
        assert send_refunds()["processed"] == 1
        assert len(twin.refunds) == 1
        assert row(Refund, refund.id).status is RefundStatus.PROCESSED


class TestByHand:
    def settle(self, refund, reference="VIR-7"):
        with unit_of_work() as session:
            return settle_refund_by_hand(
                session, refund.id, reference=reference, actor=SYSTEM, now=clock.now()
            )

    def refused(self, twin):
        sale = sold(twin)
        twin.refund(RefundRequest("elsewhere", row(Invoice, sale.invoice_id).psp_payment_id, 4900))
        refund = give_back(sale.invoice_id)
        assert send_refunds()["failed"] == 1
        return refund

    def test_settles_what_the_provider_surely_refused(self, twin):
        refund = self.refused(twin)
        for _ in range(2):
            assert self.settle(refund).status is RefundStatus.PROCESSED
        assert [note.refund_id for note in notes()] == [refund.id]
        clock.advance(timedelta(days=2))
        assert send_refunds()["sent"] == 0
        assert len(told("billing.refund_settled_by_hand")) == 1

    def test_needs_a_reference(self, twin):
        with pytest.raises(NoReference):
            self.settle(self.refused(twin), " ")

    @pytest.mark.parametrize("fault", [None, Fault.LOST_AFTER, Fault.NOT_SENT, Fault.PENDING])
    def test_what_may_still_go_back_is_left_to_the_provider(self, twin, fault):
        refund = give_back(sold(twin).invoice_id)
        if fault:
            twin.fail_next("refund", fault)
            send_refunds()
        with pytest.raises(NotRefused):
            self.settle(refund)

    def test_while_it_is_being_sent_again_it_waits(self, twin):
        refund = self.refused(twin)
        later()
        with unit_of_work() as session:
            take_up(session, now=clock.now())
        with pytest.raises(NotRefused):
            self.settle(refund)


class TestPending:
    def test_is_asked_again_until_it_arrives(self, twin):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.PENDING)
        assert send_refunds()["waiting"] == 1
        waiting = row(Refund, refund.id)
        assert waiting.status is RefundStatus.APPROVED
        assert waiting.last_error is None
        later()
        assert send_refunds()["waiting"] == 1
        twin.settle_refund(waiting.psp_refund_id)
        later()
        assert send_refunds()["processed"] == 1
        assert len(twin.refunds) == 1

    def test_one_that_came_back_is_sent_anew_under_another_key(self, twin):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.PENDING)
        send_refunds()
        twin.settle_refund(row(Refund, refund.id).psp_refund_id, succeeded=False)
        later()
        assert send_refunds()["failed"] == 1
        later()
        assert send_refunds()["processed"] == 1
        keys = [answer.key for answer in twin.refunds.values()]
        assert keys == [f"ref_{refund.id}", f"ref_{refund.id}_2"]
        assert len(notes()) == 1


class TestWebhooks:
    def test_may_come_before_the_answer(self, twin):
        refund = give_back(sold(twin).invoice_id)
        twin.fail_next("refund", Fault.LOST_AFTER)
        send_refunds()
        [psp_refund_id] = twin.refunds

        assert webhook(twin, "refund.updated", refund=psp_refund_id) is EventOutcome.POSTED
        assert row(Refund, refund.id).status is RefundStatus.PROCESSED
        assert webhook(twin, "refund.updated", 2, refund=psp_refund_id) is EventOutcome.DUPLICATE
        clock.advance(timedelta(hours=1))
        assert send_refunds()["sent"] == 0
        assert len(notes()) == 1

    def test_of_a_charge_has_ours_asked_about(self, twin):
        sale = sold(twin)
        payment_id = row(Invoice, sale.invoice_id).psp_payment_id
        give_back(sale.invoice_id)
        twin.fail_next("refund", Fault.LOST_AFTER)
        send_refunds()
        assert webhook(twin, "charge.refunded", charge=payment_id) is EventOutcome.DUPLICATE
        assert send_refunds()["processed"] == 1

    def test_of_a_refund_made_elsewhere_is_left_to_explain(self, twin):
        sale = sold(twin)
        payment_id = row(Invoice, sale.invoice_id).psp_payment_id
        made = twin.refund(RefundRequest("by-hand", payment_id, 100))
        assert webhook(twin, "refund.created", refund=made.refund_id) is EventOutcome.OPEN
        assert webhook(twin, "charge.refunded", charge=payment_id) is EventOutcome.OPEN
        with staff_reading() as session:
            reasons = session.scalars(
                select(ProviderEvent.reason).where(ProviderEvent.source == "psp")
            ).all()
        assert set(reasons) == {"refund_not_ours"}
        assert refunds() == []

    @pytest.mark.parametrize("kind", ["refund.failed", "refund.updated"])
    def test_late_ones_of_a_refused_sending_send_nothing_beside_the_next(self, twin, kind):
        sale = sold(twin)
        refund = give_back(sale.invoice_id, 2000)
        twin.fail_next("refund", Fault.PENDING)
        send_refunds()
        former = row(Refund, refund.id).psp_refund_id
        if kind == "refund.failed":
            twin.settle_refund(former, succeeded=False)
            assert webhook(twin, kind, 1, refund=former) is EventOutcome.POSTED
        else:
            pending = twin.refunds[former]
            twin.settle_refund(former, succeeded=False)
            webhook(twin, "refund.failed", 1, refund=former)
            twin.refunds[former] = pending
        later()
        twin.fail_next("refund", Fault.PENDING)
        send_refunds()
        second = row(Refund, refund.id).psp_refund_id

        assert webhook(twin, kind, 2, refund=former) is EventOutcome.DUPLICATE

        waiting = row(Refund, refund.id)
        assert (waiting.psp_refund_id, waiting.refusals) == (second, 1)
        later()
        send_refunds()
        twin.settle_refund(second)
        later()
        assert send_refunds()["processed"] == 1
        assert len(twin.refunds) == 2

    def test_that_fails_what_had_arrived_is_left_to_explain(self, twin):
        give_back(sold(twin).invoice_id)
        send_refunds()
        [psp_refund_id] = twin.refunds
        twin.settle_refund(psp_refund_id, succeeded=False)
        assert webhook(twin, "refund.failed", refund=psp_refund_id) is EventOutcome.OPEN


def test_one_that_crashes_stops_no_other(twin, monkeypatch):
    first = sold(twin)
    second = next_invoice(twin, first)
    give_back(first.invoice_id)
    give_back(second)
    real, calls = twin.refund, []

    def crash_once(request):
        calls.append(request.key)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return real(request)

    monkeypatch.setattr(twin, "refund", crash_once)
    counts = send_refunds()
    assert (counts["errors"], counts["processed"]) == (1, 1)
    clock.advance(LEASE)
    assert send_refunds()["processed"] == 1
