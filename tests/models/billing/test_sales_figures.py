"""Sales in figures: spans of Paris days, what counts as a sale, and days without any."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models import clock
from models.billing import InvoiceKind, InvoiceStatus
from models.billing.figures import (
    Span,
    last_days,
    running_by_status,
    sales_by_day,
    sales_by_plan,
    sales_in,
    trials_in,
)
from models.billing.send_refunds import send_refunds
from models.ids import first_id_at, new_id
from models.session import staff_reading
from tests import refunds as given_back
from tests.admin_views.conftest import purchase

NOW = datetime(2026, 3, 30, 8, 30, tzinfo=UTC)
"""10:30 in Paris, the day after its clocks went forward."""


@pytest.fixture
def sold(make):
    """A purchase paid at an instant."""

    def sell(at, **values):
        with clock.standing_at(at):
            return purchase(make, **values)

    return sell


class TestLastDays:
    def test_today_stands_against_yesterday_at_this_hour(self):
        span, before = last_days(1, now=NOW)
        assert span == Span(datetime(2026, 3, 29, 22, 0, tzinfo=UTC), NOW)
        assert before.start == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # still winter time
        assert before.end == datetime(2026, 3, 29, 8, 30, tzinfo=UTC)

    def test_seven_days_hold_today(self):
        span, before = last_days(7, now=NOW)
        assert clock.paris(span.start).date() == date(2026, 3, 24)
        assert clock.paris(before.start).date() == date(2026, 3, 17)


class TestSales:
    def test_counts_first_purchases_and_adds_up_what_was_paid(self, session, sold):
        sold(NOW - timedelta(hours=1))
        sold(NOW - timedelta(hours=2), kind=InvoiceKind.RENEWAL)
        sold(NOW - timedelta(days=40))
        span, before = last_days(30, now=NOW)
        mine = sales_in(session, span)
        assert (mine.sales, mine.revenue, mine.customers) == (1, 9800, 2)
        assert sales_in(session, before).revenue == 4900

    def test_leaves_out_what_was_not_paid(self, session, sold):
        sold(NOW, status=InvoiceStatus.PENDING, number=None, paid_at=None)
        span = Span(NOW - timedelta(days=1), NOW + timedelta(days=1))
        assert sales_in(session, span).revenue == 0

    def test_a_day_begins_at_midnight_in_paris(self, session, sold):
        sold(datetime(2026, 3, 28, 22, 59, tzinfo=UTC))  # 23:59
        sold(datetime(2026, 3, 28, 23, 1, tzinfo=UTC))  # 00:01 the next day
        span, _ = last_days(7, now=NOW)
        days = sales_by_day(session, span)
        assert [on for on, _, _ in days] == [date(2026, 3, 24) + timedelta(n) for n in range(7)]
        assert [sales for _, sales, _ in days] == [0, 0, 0, 0, 1, 1, 0]

    def test_by_plan_and_by_status(self, session, sold):
        invoice = sold(NOW - timedelta(hours=1))
        span, _ = last_days(7, now=NOW)
        assert [count for _, _, count in sales_by_plan(session, span)] == [1]
        assert sum(running_by_status(session).values()) == 1
        assert trials_in(session, span) == (0, 0)
        assert invoice.amount_including_tax == 4900


class TestKeysInTheOrderOfTime:
    def test_a_key_made_then_is_not_before(self):
        with clock.standing_at(NOW):
            key = new_id()
        assert first_id_at(NOW) <= key < first_id_at(NOW + timedelta(milliseconds=1))


class TestRefunds:
    def test_lower_revenue_on_the_day_of_their_credit_note(self, committed, twin):
        clock.move_to(NOW - timedelta(days=2))
        sale = given_back.sold(twin)
        clock.move_to(NOW)
        given_back.give_back(sale.invoice_id)
        with staff_reading() as session:
            assert sales_in(session, last_days(7, now=NOW)[0]).revenue == 4900, "not yet given back"
        send_refunds()
        clock.advance(timedelta(seconds=1))
        with staff_reading() as session:
            week, _ = last_days(7, now=clock.now())
            assert (sales_in(session, week).sales, sales_in(session, week).revenue) == (1, 0)
            days = {on: revenue for on, _, revenue in sales_by_day(session, week) if revenue}
        assert days == {date(2026, 3, 28): 4900, date(2026, 3, 30): -4900}
