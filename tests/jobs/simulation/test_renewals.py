"""Renewals, trials and dunning as days pass: worked out by hand from document 03."""

import pytest

from tests.jobs.simulation.conftest import BUSINESS, GOOD, buy, click, rows_of

DECLINED_LATER = "4000000000000341"
DECLINED = "4000000000000002"


def plan(**terms):
    base = {"slug": "premium-monthly", "product": "premium", "price": 4900, "interval": "MONTHLY"}
    return [{**base, **terms}]


def update_card(at, card=GOOD, email="bob@example.org"):
    return {"at": at, "do": "update_card", "email": email, "product": "premium", "card": card}


class TestPeriods:
    def test_are_reckoned_from_the_anchor_through_short_months_and_summer_time(self, play):
        result = play(
            click(),
            buy(at="+0d"),
            start="2026-01-31T09:00:00+01:00",
            until="2026-06-01T00:00:00+02:00",
        )

        assert rows_of(result, "invoices", "number", "kind", "period_end", "paid_at") == [
            ("WS-2026-000001", "FIRST", "2026-02-28T08:00:00Z", "2026-01-31T08:00:00Z"),
            ("WS-2026-000002", "RENEWAL", "2026-03-31T07:00:00Z", "2026-02-28T01:00:00Z"),
            ("WS-2026-000003", "RENEWAL", "2026-04-30T07:00:00Z", "2026-03-31T00:00:00Z"),
            ("WS-2026-000004", "RENEWAL", "2026-05-31T07:00:00Z", "2026-04-30T00:00:00Z"),
            ("WS-2026-000005", "RENEWAL", "2026-06-30T07:00:00Z", "2026-05-31T00:00:00Z"),
        ]
        (customer,) = result["customers"]
        assert customer["status"] == "ACTIVE"
        assert customer["billing_cycles_done"] == 5
        assert customer["next_charge_at"] == "2026-06-30T07:00:00Z"

    def test_earn_by_the_age_of_the_affiliate_and_mature_at_three(self, play):
        result = play(
            click(),
            buy(at="+0d"),
            start="2026-01-31T09:00:00+01:00",
            until="2026-06-01T00:00:00+02:00",
        )

        fields = ("main_amount", "extended_amount", "locked_until", "extended_locked_until")
        assert rows_of(result, "commissions", "status", *fields) == [
            ("MATURED", 980, 245, "2026-03-17T08:00:00Z", "2026-05-01T08:00:00Z"),
            ("MATURED", 980, 245, "2026-04-14T01:00:00Z", "2026-05-29T01:00:00Z"),
            ("MATURED", 1041, 184, "2026-05-10T00:00:00Z", "2026-05-30T00:00:00Z"),
            ("LOCKED", 1102, 123, "2026-06-04T00:00:00Z", "2026-06-09T00:00:00Z"),
            ("PENDING_LOCK", 1151, 74, "2026-06-30T00:00:00Z", "2026-07-10T00:00:00Z"),
        ]
        matured = [row for row in result["ledger"] if row["type"] == "COMMISSION_MATURED"]
        assert [(row["at"], row["entries"]["AVAILABLE"]) for row in matured] == [
            ("2026-03-18T02:00:00Z", 980),
            ("2026-04-14T01:00:00Z", 980),
            ("2026-05-02T01:00:00Z", 245),
            ("2026-05-10T01:00:00Z", 1041),
            ("2026-05-29T01:00:00Z", 245),
            ("2026-05-30T01:00:00Z", 184),
        ]
        alice = result["affiliates"]["alice"]
        assert (alice["earned"], alice["available"], alice["locked"]) == (6125, 3675, 2450)
        assert result["verify"]["ok"]

    def test_earn_once_where_the_program_leaves_renewals_out(self, play):
        product = BUSINESS["products"][0]
        program = {**product["program"], "include_renewals": False}
        result = play(
            click(),
            buy(),
            products=[{**product, "program": program}],
            until="2026-05-20T00:00:00+02:00",
        )

        assert len(result["invoices"]) == 3
        assert len(result["commissions"]) == 1

    def test_end_with_the_last_cycle(self, play):
        def until(day):
            result = play(buy(visitor=None), plans=plan(max_billing_cycles=2), until=day)
            (customer,) = result["customers"]
            assert len(result["invoices"]) == 2
            return customer["status"], customer["subscription_ends_at"], customer["next_charge_at"]

        assert until("2026-05-10T10:00:00+02:00") == ("ACTIVE", "2026-05-10T09:00:00Z", None)
        assert until("2026-05-10T13:00:00+02:00") == ("EXPIRED", "2026-05-10T09:00:00Z", None)

    def test_of_a_year_come_once(self, play):
        result = play(
            buy(visitor=None), plans=plan(interval="ANNUALLY"), until="2027-03-11T00:00:00+01:00"
        )

        assert rows_of(result, "invoices", "number", "paid_at") == [
            ("WS-2026-000001", "2026-03-10T10:00:00Z"),
            ("WS-2027-000001", "2027-03-10T01:00:00Z"),
        ]


class TestTrial:
    def test_becomes_paid_where_it_ends(self, play):
        result = play(click(), buy(), plans=plan(trial_days=14), until="2026-03-26T00:00:00+01:00")

        assert rows_of(result, "invoices", "kind", "period_start", "period_end", "paid_at") == [
            ("FIRST", "2026-03-24T10:00:00Z", "2026-04-24T09:00:00Z", "2026-03-25T01:00:00Z")
        ]
        (customer,) = result["customers"]
        assert customer["status"] == "ACTIVE"
        assert customer["billing_cycles_done"] == 1
        assert customer["next_charge_at"] == "2026-04-24T09:00:00Z"
        assert result["affiliates"]["alice"]["earned"] == 1225

    def test_that_costs_earns_and_is_an_invoice_of_its_own(self, play):
        result = play(
            click(),
            buy(),
            plans=plan(trial_days=14, trial_amount=100),
            until="2026-03-26T00:00:00+01:00",
        )

        assert rows_of(result, "invoices", "kind", "amount_including_tax") == [
            ("TRIAL", 100),
            ("FIRST", 4900),
        ]
        # 100 incl. VAT is 83 without, of which 30 % is 24.9.
        assert rows_of(result, "commissions", "total_amount") == [(25,), (1225,)]

    def test_whose_card_is_declined_is_retried_at_two_on_the_days(self, play):
        """Days are of 24 hours: over the change to summer time, 01:00 UTC is past two."""
        result = play(
            buy(visitor=None, card=DECLINED_LATER),
            plans=plan(trial_days=14),
            until="2026-04-17T00:00:00+02:00",
        )

        (invoice,) = result["invoices"]
        assert [attempt["at"] for attempt in invoice["attempts"]] == [
            "2026-03-25T01:00:00Z",
            "2026-03-27T01:00:00Z",
            "2026-04-02T00:00:00Z",
            "2026-04-09T00:00:00Z",
            "2026-04-16T00:00:00Z",
        ]
        assert (invoice["kind"], invoice["status"], invoice["number"]) == ("FIRST", "VOID", None)
        (customer,) = result["customers"]
        assert (customer["status"], customer["billing_cycles_done"]) == ("EXPIRED", 0)

    def test_that_is_cancelled_ends_unpaid(self, play):
        cancelled = {"at": "+5d", "do": "cancel", "email": "bob@example.org", "product": "premium"}
        result = play(
            buy(visitor=None),
            cancelled,
            plans=plan(trial_days=14),
            until="2026-03-26T00:00:00+01:00",
        )

        assert result["invoices"] == []
        assert result["customers"][0]["status"] == "CANCELLED"


class TestDunning:
    @pytest.mark.parametrize(
        ("until", "status", "next_charge_at", "tried"),
        [
            ("2026-04-10T01:00:00+02:00", "ACTIVE", "2026-04-10T09:00:00Z", 0),
            ("2026-04-11T12:00:00+02:00", "PAST_DUE", "2026-04-12T00:00:00Z", 1),
            ("2026-04-12T12:00:00+02:00", "PAST_DUE", "2026-04-17T00:00:00Z", 2),
            ("2026-04-17T12:00:00+02:00", "PAST_DUE", "2026-04-24T00:00:00Z", 3),
            ("2026-04-24T12:00:00+02:00", "PAST_DUE", "2026-05-01T00:00:00Z", 4),
            ("2026-05-01T12:00:00+02:00", "EXPIRED", None, 5),
        ],
    )
    def test_goes_from_day_to_day(self, play, until, status, next_charge_at, tried):
        result = play(buy(visitor=None, card=DECLINED_LATER), until=until)

        (customer,) = result["customers"]
        assert (customer["status"], customer["next_charge_at"]) == (status, next_charge_at)
        assert customer["subscription_ends_at"] == "2026-04-10T09:00:00Z"
        renewals = result["invoices"][1:]
        assert sum(len(invoice["attempts"]) for invoice in renewals) == tried
        for invoice in renewals:
            assert invoice["number"] is None
            assert invoice["status"] == ("VOID" if status == "EXPIRED" else "PENDING")

    def test_keeps_to_the_settings_days(self, play):
        result = play(
            buy(visitor=None, card=DECLINED_LATER),
            settings={"vat_rate": "0.20", "dunning_days": [1, 3]},
            until="2026-04-14T00:00:00+02:00",
        )

        assert [attempt["at"] for attempt in result["invoices"][1]["attempts"]] == [
            "2026-04-10T00:00:00Z",
            "2026-04-11T00:00:00Z",
            "2026-04-13T00:00:00Z",
        ]
        assert result["customers"][0]["status"] == "EXPIRED"

    def test_a_new_card_is_charged_at_once_and_moves_no_period(self, play):
        result = play(
            buy(visitor=None, card=DECLINED_LATER),
            update_card("2026-04-15T12:00:00+02:00"),
            until="2026-05-10T12:00:00+02:00",
        )

        assert rows_of(result, "invoices", "number", "period_end", "paid_at") == [
            ("WS-2026-000001", "2026-04-10T09:00:00Z", "2026-03-10T10:00:00Z"),
            ("WS-2026-000002", "2026-05-10T09:00:00Z", "2026-04-15T10:00:00Z"),
            ("WS-2026-000003", "2026-06-10T09:00:00Z", "2026-05-10T00:00:00Z"),
        ]
        assert result["customers"][0]["status"] == "ACTIVE"

    def test_a_new_card_that_is_refused_uses_up_no_retry(self, play):
        result = play(
            buy(visitor=None, card=DECLINED_LATER),
            update_card("2026-04-15T12:00:00+02:00", card=DECLINED),
            until="2026-04-16T12:00:00+02:00",
        )

        (customer,) = result["customers"]
        assert customer["status"] == "PAST_DUE"
        assert customer["next_charge_at"] == "2026-04-17T00:00:00Z"
        assert result["refused"] == []

    def test_whoever_expired_can_buy_again(self, play):
        result = play(
            click(),
            buy(card=DECLINED_LATER),
            buy(visitor=None, at="2026-05-05T12:00:00+02:00"),
            until="2026-05-06T00:00:00+02:00",
        )

        assert rows_of(result, "invoices", "number", "kind", "status") == [
            ("WS-2026-000001", "FIRST", "PAID"),
            (None, "RENEWAL", "VOID"),
            ("WS-2026-000002", "FIRST", "PAID"),
        ]
        (customer,) = result["customers"]
        assert customer["status"] == "ACTIVE"
        assert customer["subscription_ends_at"] == "2026-06-05T10:00:00Z"
        assert customer["billing_cycles_done"] == 1
        # The attribution of the first purchase stands.
        assert len(result["commissions"]) == 2

    def test_a_card_that_asks_its_bank_renews_without_its_holder(self, play):
        result = play(buy(visitor=None, card="4000002500003155"), until="2026-04-11T00:00:00+02:00")

        assert [row["status"] for row in result["invoices"]] == ["PAID", "PAID"]

    def test_an_answer_that_never_comes_is_asked_for(self, play):
        result = play(buy(visitor=None, card="4000000000000119"), until="2026-04-11T00:00:00+02:00")

        assert rows_of(result, "invoices", "status", "paid_at") == [
            ("PAID", "2026-03-10T10:05:00Z"),
            ("PAID", "2026-04-10T00:05:00Z"),
        ]
