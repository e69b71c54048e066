"""Reading scenarios: what is refused, and that the words name the event and the field."""

import json

import pytest
from click.testing import CliRunner

from app import commands
from jobs.simulation.scenario import BadScenario, check_scenario, read_scenario
from tests.jobs.simulation.conftest import BUSINESS, buy, click

ASKED = {
    "at": "+1d",
    "do": "request_refund",
    "email": "a@example.org",
    "product": "premium",
    "invoice": 1,
    "reason": "no",
}
BOOST = {"at": "+1d", "do": "create_boost", "code": "B10", "type": "flat_bonus", "value": 5}


def scenario(*events, **parts):
    return {**BUSINESS, **parts, "events": list(events)}


class TestCheckScenario:
    def test_sorts_events_by_time_and_keeps_ties_as_written(self):
        events = check_scenario(
            scenario(buy(at="+2d"), click(visitor="a"), click(visitor="b"))
        ).in_order()

        assert [index for _, index, _ in events] == [1, 2, 0]

    @pytest.mark.parametrize(
        ("event", "words"),
        [
            ({"at": "+1d", "do": "buy"}, "event 1, email"),
            ({"at": "+1d", "do": "fly"}, "event 1, do"),
            ({"at": "1d", "do": "click", "visitor": "v", "ref": "a"}, "event 1, at"),
            ({"at": "+", "do": "click", "visitor": "v", "ref": "a"}, "event 1, at"),
            ({"at": "2026-03-11", "do": "click", "visitor": "v", "ref": "a"}, "event 1, at"),
            (
                {"at": "2026-01-01T00:00:00Z", "do": "click", "visitor": "v", "ref": "a"},
                "event 1, at",
            ),
            ({**click(), "colour": "red"}, "event 1, colour"),
            ({**click(), "visitor": 7}, "event 1, visitor"),
            ({**click(), "visitor": ""}, "event 1, visitor"),
            ("buy", "event 1"),
            ({"at": "+1d", "do": "cancel", "email": "a@example.org"}, "event 1, product"),
            ({**ASKED, "invoice": 0}, "event 1, invoice"),
            ({**ASKED, "invoice": "1"}, "event 1, invoice"),
            ({**ASKED, "reason": ""}, "event 1, reason"),
            ({**ASKED, "do": "refund", "amount": 24.5}, "event 1, amount"),
            ({**ASKED, "do": "refund", "amount": 0}, "event 1, amount"),
            ({**BOOST, "type": "points"}, "event 1, type"),
            ({**BOOST, "value": "ten"}, "event 1, value"),
            ({**BOOST, "valid_until": "tomorrow"}, "event 1, valid_until"),
            ({**BOOST, "max_uses": 0}, "event 1, max_uses"),
            ({"at": "+1d", "do": "withdraw", "affiliate": "alice", "amount": 900}, "event 1, as"),
            ({"at": "+1d", "do": "pay", "withdrawal": "w1"}, "event 1, reference"),
            ({"at": "+1d", "do": "reject", "withdrawal": "w1"}, "event 1, reason"),
            (
                {"at": "+1d", "do": "pay", "withdrawal": "w1", "reference": "r", "method": "cash"},
                "event 1, method",
            ),
            (
                {"at": "+1d", "do": "set_risk", "affiliate": "alice", "level": "SOME"},
                "event 1, level",
            ),
            (
                {"at": "+1d", "do": "adjust", "affiliate": "alice", "amount": "5", "reason": "r"},
                "event 1, amount",
            ),
            ({"at": "+1d", "do": "suspend"}, "event 1"),
            (
                {"at": "+1d", "do": "suspend", "email": "a@example.org", "affiliate": "alice"},
                "event 1",
            ),
            ({"at": "+1d", "do": "set_lock_rules", "rows": []}, "event 1, rows"),
            ({**click(), "at": "+99999999999d"}, "event 1, at"),
            ({**click(), "at": "+999999d"}, "event 1, at"),
            ({**click(), "at": "9999-12-31T23:00:00Z"}, "event 1, at"),
            ({**ASKED, "invoice": 10**20}, "event 1, invoice"),
            ({**ASKED, "reason": "no\x00"}, "event 1, reason"),
            ({**click(), "utm": {"utm_source": "no\x00"}}, "event 1, utm"),
            ({**click(), "utm": {"no\x00": "x"}}, "event 1, utm"),
            ({**click(), "utm": {"utm_source": "\ud800"}}, "event 1, utm"),
            ({**click(), "pay": 1}, "event 1, pay"),
        ],
    )
    def test_names_the_event_and_the_field(self, event, words):
        with pytest.raises(BadScenario, match=words):
            check_scenario(scenario(click(), event))

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ({"start": "yesterday"}, "start"),
            ({"start": "2026-03-10T10:00:00"}, "start"),
            ({"plans": [{"slug": "x", "product": "premium", "price": -1, "interval": "MONTHLY"}]},
             "plans.0.price"),
            ({"plans": [{"slug": "x", "product": "p", "price": 1, "interval": "DAILY"}]},
             "plans.0.interval"),
            ({"plans": [{"slug": "x", "product": "p", "price": 4.9, "interval": "MONTHLY"}]},
             "plans.0.price"),
            ({"settings": {"vat_rate": "1.5"}}, "settings.vat_rate"),
            ({"settings": {"dunning_days": [7, 2]}}, "settings.dunning_days"),
            ({"settings": {"dunning_days": []}}, "settings.dunning_days"),
            ({"settings": {"dunning_days": [10**9]}}, "settings.dunning_days"),
            ({"settings": {"grace_days": 10**7}}, "settings.grace_days"),
            ({"settings": {"withdrawal_right_days": 10**9}}, "settings.withdrawal_right_days"),
            ({"plans": [{"slug": "x", "product": "p", "price": 1, "interval": "MONTHLY",
                         "max_billing_cycles": True}]}, "plans.0.max_billing_cycles"),
            ({"until": "9999-12-31T23:00:00Z"}, "until"),
            ({"colour": "red"}, "colour"),
        ],
    )  # fmt: skip
    def test_names_what_else_is_wrong(self, parts, words):
        with pytest.raises(BadScenario, match=words):
            check_scenario(scenario(**parts))

    @pytest.mark.parametrize("data", [None, [], "text", 7])
    def test_refuses_what_is_no_scenario(self, data):
        with pytest.raises(BadScenario):
            check_scenario(data)


class TestReadScenario:
    def test_reads_yaml_1_2_where_no_is_a_word(self, tmp_path):
        path = tmp_path / "s.yaml"
        path.write_text(
            "start: 2026-03-10T10:00:00+01:00\nuntil: '2026-03-11T10:00:00+01:00'\n"
            "communities:\n  - {slug: no, name: Norge}\n"
        )
        assert read_scenario(path).communities[0].slug == "no"

    def test_reads_instants_that_yaml_need_not_quote(self, tmp_path):
        path = tmp_path / "s.yaml"
        path.write_text(
            "start: 2026-03-10T10:00:00+01:00\nuntil: 2026-03-11 10:00:00Z\n"
            "events:\n"
            "  - {at: 2026-03-10T12:00:00+01:00, do: click, visitor: v1, ref: alice}\n"
            "  - {at: +1h, do: set_risk, affiliate: alice, level: AT_RISK, relock: false}\n"
        )

        moments = read_scenario(path).in_order()

        assert [(at.isoformat(), index) for at, index, _ in moments] == [
            ("2026-03-10T11:00:00+01:00", 1),
            ("2026-03-10T12:00:00+01:00", 0),
        ]

    @pytest.mark.parametrize("day", ["2026-02-31T09:00:00+01:00", "2026-03-10", "{a: 1}", "7"])
    def test_refuses_what_is_no_instant_in_words(self, tmp_path, day):
        path = tmp_path / "s.yaml"
        path.write_text(f"start: {day}\nuntil: 2026-03-11T10:00:00+01:00\n")

        with pytest.raises(BadScenario, match="start"):
            read_scenario(path)

    def test_reads_json_as_json_writes_it(self, tmp_path):
        path = tmp_path / "s.json"
        communities = [{"slug": "academy", "name": "Académie \N{ROCKET}"}]
        path.write_text("\ufeff" + json.dumps(scenario(communities=communities), indent="\t"))

        assert read_scenario(path).communities[0].name == "Académie \N{ROCKET}"

    def test_ends_where_it_is_told_to(self, tmp_path):
        path = tmp_path / "s.json"
        path.write_text(json.dumps({"start": BUSINESS["start"]}))

        assert read_scenario(path, until="2026-03-12T00:00:00Z").until.day == 12
        for until in (None, "tomorrow", "2026-03-01T00:00:00Z"):
            with pytest.raises(BadScenario, match="until"):
                read_scenario(path, until=until)

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "start: [",
            "\x00",
            "a: b: c",
            "a: !!bool maybe",
            "a: !!int abc",
            "[" * 100_000,
            "a: " + "[" * 3000,
            "9" * 5000,
        ],
        ids=range(9),
    )
    def test_refuses_what_is_neither_yaml_nor_json(self, tmp_path, text):
        path = tmp_path / "s.yaml"
        path.write_text(text)
        with pytest.raises(BadScenario):
            read_scenario(path)


class TestCommand:
    def test_exits_with_2_and_one_line(self, tmp_path, monkeypatch, settings):
        path = tmp_path / "bad.json"
        path.write_text(json.dumps(scenario(click(), {"at": "+1d", "do": "fly"})))
        monkeypatch.setattr("app.prepared", lambda **_: settings)

        answer = CliRunner().invoke(commands, ["simulate", str(path)])

        assert answer.exit_code == 2
        assert "event 1, do" in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 1

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ({"affiliates": [{"slug": "alice", "email": "a@example.org"},
                             {"slug": "karim", "email": "A@example.org"}]}, "affiliates 1"),
            ({"affiliates": [{"slug": "alice", "email": "nobody"}]}, "affiliates 0"),
            ({"affiliates": [{"slug": "alice", "email": "a@example.org"},
                             {"slug": "alice", "email": "b@example.org"}]}, "affiliates 1"),
            ({"plans": BUSINESS["plans"] * 2}, "plans 1"),
            ({"buttons": BUSINESS["buttons"] * 2}, "buttons 1"),
            ({"products": BUSINESS["products"] * 2}, "products 1"),
            ({"buttons": [{"key": "b", "plan": "nothing"}]}, "buttons 0"),
            ({"products": [{**BUSINESS["products"][0],
                            "program": {"type": "fixed", "rate": 9_999_999_999}}]}, "products 0"),
            ({"plans": [{**BUSINESS["plans"][0], "max_billing_cycles": 10**20}]}, "plans 0"),
        ],
    )  # fmt: skip
    def test_names_the_row_that_the_business_refuses(
        self, tmp_path, monkeypatch, settings, parts, words
    ):
        path = tmp_path / "bad.json"
        path.write_text(json.dumps(scenario(**parts)))
        monkeypatch.setattr("app.prepared", lambda **_: settings)

        answer = CliRunner().invoke(commands, ["simulate", str(path)])

        assert answer.exit_code == 2, answer.output
        assert words in answer.stderr

    @pytest.mark.parametrize(("start", "code"), [("2019-12-31T23:59:59Z", 2),
                                                 ("2020-01-01T00:00:00Z", 0)])  # fmt: skip
    def test_starts_no_earlier_than_the_rules(self, tmp_path, monkeypatch, settings, start, code):
        path = tmp_path / "early.json"
        early = scenario(click(), buy(), start=start, until="2020-01-10T00:00:00Z")
        path.write_text(json.dumps(early))
        monkeypatch.setattr("app.prepared", lambda **_: settings)

        answer = CliRunner().invoke(commands, ["simulate", str(path)])

        assert answer.exit_code == code, answer.output
        if code:
            assert answer.stderr == (
                "early.json: start: nothing is earned before 2020-01-01T00:00:00Z\n"
            )
        else:
            assert len(json.loads(answer.stdout)["commissions"]) == 1

    @pytest.mark.parametrize("place", ["missing/result.json", "."])
    def test_says_at_once_where_no_result_can_be_written(
        self, tmp_path, monkeypatch, settings, place
    ):
        path = tmp_path / "good.json"
        path.write_text(json.dumps(scenario(click(), buy())))
        monkeypatch.setattr("app.prepared", lambda **_: settings)

        answer = CliRunner().invoke(
            commands, ["simulate", str(path), "--out", f"{tmp_path}/{place}"]
        )

        assert answer.exit_code == 2
        assert "no file can be written there" in answer.stderr

    def test_writes_the_result_and_prints_a_table(self, tmp_path, monkeypatch, settings):
        path, out = tmp_path / "good.json", tmp_path / "result.json"
        path.write_text(json.dumps(scenario(click(), buy())))
        monkeypatch.setattr("app.prepared", lambda **_: settings)

        answer = CliRunner().invoke(commands, ["simulate", str(path), "--out", str(out)])

        assert answer.exit_code == 0, answer.output
        assert "12.25 €" in answer.stdout
        assert json.loads(out.read_text())["affiliates"]["alice"]["locked"] == 1225
