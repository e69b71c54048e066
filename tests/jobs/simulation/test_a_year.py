"""A whole year of business: proved to the cent, and the same each time it is played."""

import json
import string
from collections import Counter

import pytest

from jobs.simulation.engine import simulate
from jobs.simulation.scenario import check_scenario
from tests.jobs.simulation.conftest import BUSINESS, GOOD, buy, click

DECLINED_LATER = "4000000000000341"
DAYS_OF_BUYING = 25
START, UNTIL = "2026-01-05T10:00:00+01:00", "2027-01-05T12:00:00+01:00"


def in_letters(number):
    """A name for a number: an account's holder has no digits in theirs."""
    return "".join(string.ascii_lowercase[int(digit)] for digit in f"{number:03}")


def year(subscribers, affiliates):
    """Everybody buys in the first weeks by some affiliate's link; every ninth card is declined at
    its first renewal, every twentieth second invoice refunded; each affiliate withdraws."""
    events = []
    for number in range(subscribers):
        day, hour = number * DAYS_OF_BUYING // subscribers, number % 24
        visitor, slug = f"v{number}", in_letters(number % affiliates)
        card = DECLINED_LATER if number % 9 == 8 else GOOD
        events.append(click(visitor, slug, f"+{day}d{hour}h"))
        events.append(buy(f"b{number}@example.org", visitor, f"+{day}d{hour}h5m", card=card))
        if number % 20 == 0:
            refund = {"email": f"b{number}@example.org", "product": "premium", "invoice": 2}
            events.append({"at": f"+{65 + day}d", "do": "refund", **refund})
    for number in range(affiliates):
        name = f"w{number}"
        asked = {"affiliate": in_letters(number), "amount": 6000, "as": name}
        events.append({"at": "+200d", "do": "withdraw", **asked})
        events.append({"at": "+201d", "do": "approve", "withdrawal": name})
        events.append({"at": "+202d", "do": "pay", "withdrawal": name, "reference": name})
    people = [
        {"slug": in_letters(number), "email": f"a{number}@example.org"}
        for number in range(affiliates)
    ]
    return {**BUSINESS, "start": START, "until": UNTIL, "affiliates": people, "events": events}


def check(result, subscribers, affiliates):
    declined = subscribers // 9
    refunded = sum(number % 20 == 0 and number % 9 != 8 for number in range(subscribers))
    assert result["verify"]["ok"]
    assert len(result["customers"]) == subscribers
    statuses = Counter(customer["status"] for customer in result["customers"])
    assert statuses["EXPIRED"] == declined
    numbers = sorted(each["number"] for each in result["invoices"] if each["number"])
    assert len(set(numbers)) == len(numbers) >= 12 * (subscribers - declined - refunded)
    for serial in ("WS-2026-", "WS-2027-"):
        given = [int(number[-6:]) for number in numbers if number.startswith(serial)]
        assert given
        assert given == list(range(1, len(given) + 1))
    assert sum(each["amount"] > 0 for each in result["refunds"]) == refunded
    assert {each["status"] for each in result["withdrawals"]} == {"PAID"}
    assert len(result["withdrawals"]) == affiliates


def play(subscribers, affiliates, settings):
    return simulate(check_scenario(year(subscribers, affiliates)), settings)


def test_of_few_people_is_proved(settings):
    check(play(24, 3, settings), 24, 3)


@pytest.mark.soak
def test_of_a_thousand_subscribers_and_a_hundred_affiliates_is_the_same_twice(settings):
    one, other = (play(1000, 100, settings) for _ in range(2))

    check(one, 1000, 100)
    assert json.dumps(one) == json.dumps(other)
