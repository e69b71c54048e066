"""Renewals on sixteen connections at once, on committed data: everybody is charged once."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from models import clock
from models.affiliation.prove_ledger import prove_ledger
from models.billing import AttemptOutcome, Customer, Invoice, InvoiceKind, PaymentAttempt
from models.billing.charge_invoice import charge_invoice
from models.billing.end_periods import end_due_periods
from models.billing.hear_psp import hear_psp
from models.billing.in_process import Fault
from models.billing.number_invoice import next_numbers
from models.billing.open_renewals import open_renewals
from models.billing.renew_due import renew_due
from models.billing.resolve_unknown import resolve_unknown
from models.session import engine_of, staff_reading, unit_of_work
from tests.checkouts import GOOD, buy, put_on_sale
from tests.models.billing.test_at_once import at_once
from tests.models.billing.test_renewals import change_card, every

pytestmark = pytest.mark.usefixtures("committed", "now")
PEOPLE = 12
MONTH = timedelta(days=31)


@pytest.fixture
def people(twin):
    key = put_on_sale()
    for number in range(PEOPLE):
        buy(twin, key, f"p{number}@example.org")
    clock.advance(MONTH)
    return key


def assert_each_paid(twin, times):
    assert set(Counter(payment.psp_customer_id for payment in twin.paid).values()) == {times}
    numbers = sorted(int(invoice.number[-6:]) for invoice in every(Invoice))
    assert numbers == list(range(1, times * PEOPLE + 1))
    with staff_reading() as session:
        assert prove_ledger(session).ok


def test_sixteen_runs_at_once(twin, people):
    counts = at_once(*[renew_due] * 16)

    assert sum(each["charged"] for each in counts) == PEOPLE
    assert sum(each["errors"] for each in counts) == 0
    assert_each_paid(twin, 2)


def test_a_renewal_that_another_run_opened_between_look_and_lock_is_left_to_it(twin, people):
    now = clock.now()
    customers = [customer.id for customer in every(Customer)]
    with unit_of_work() as session:
        other = open_renewals(session, customers, now=now, since=now)
        session.rollback()  # only its rows are wanted, for the moment below
    engine = engine_of("staff")

    def commit_the_others(_connection, _cursor, statement, *_rest):
        if "SKIP LOCKED" in statement:
            with engine.begin() as connection:
                connection.execute(insert(Invoice.__table__), other.invoices)
                connection.execute(insert(PaymentAttempt.__table__), other.attempts)

    event.listen(engine, "after_cursor_execute", commit_the_others)
    try:
        with unit_of_work() as session:
            opened = open_renewals(session, customers, now=now, since=now)
    finally:
        event.remove(engine, "after_cursor_execute", commit_the_others)

    assert (opened.due, opened.errors, opened.charges) == (0, 0, [])
    assert len(other.attempts) == PEOPLE
    assert len(every(PaymentAttempt)) == 2 * PEOPLE


def test_runs_purchases_and_ends_at_once_leave_no_gap_in_the_numbers(twin, people):
    at_once(
        *[renew_due] * 4,
        *[end_due_periods] * 2,
        *[lambda n=n: buy(twin, people, f"new{n}@example.org") for n in range(10)],
    )

    numbers = sorted(int(invoice.number[-6:]) for invoice in every(Invoice))
    assert numbers == list(range(1, 2 * PEOPLE + 11))
    with staff_reading() as session:
        assert prove_ledger(session).ok


def test_run_sweep_and_webhook_settle_a_lost_answer_once(twin, people):
    twin.fail_next("charge", Fault.LOST_AFTER, times=PEOPLE)
    renew_due()
    clock.advance(timedelta(minutes=1))
    words = [
        json.dumps({"id": f"evt{n}", "type": "payment_intent.succeeded", "payment": p.payment_id})
        for n, p in enumerate(twin.paid[PEOPLE:])
    ]

    at_once(
        *[resolve_unknown] * 3,
        *[renew_due] * 2,
        *[lambda word=word: hear_psp(word.encode(), "twin") for word in words[:10]],
    )

    assert_each_paid(twin, 2)


def test_a_new_card_and_the_run_charge_one_of_both(twin, people):
    change_card("4000000000000341", twin)
    renew_due()
    clock.advance(timedelta(days=2))
    change_card(GOOD, twin)
    waiting = [each.id for each in every(Invoice) if each.kind is InvoiceKind.RENEWAL]

    at_once(
        *[lambda key=key: charge_invoice(key, uses_retry=False) for key in waiting],
        *[renew_due] * 4,
    )

    assert_each_paid(twin, 2)
    outcomes = Counter(each.outcome for each in every(PaymentAttempt))
    assert outcomes[AttemptOutcome.SUCCEEDED] == 2 * PEOPLE
    assert {each.dunning_step for each in every(Customer)} == {0}


def test_numbers_taken_together_and_singly_leave_no_gap(now):
    def take(count):
        with unit_of_work() as session:
            return next_numbers(session, "WS", count, at=now)

    given = at_once(*[lambda n=n: take(n % 3 + 1) for n in range(16)])

    numbers = sorted(int(number[-6:]) for part in given for number in part)
    assert numbers == list(range(1, len(numbers) + 1))
