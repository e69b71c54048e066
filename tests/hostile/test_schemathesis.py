"""The JSON endpoints against their own description, with whatever Schemathesis thinks of.

No answer is a 500, and every answer has a status and a shape that the description names.
"""

from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from models.accounts import Platform
from tests.hostile.attackers import an_address, signed_in
from tests.selling import sell

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
NASTY = "<b>=1+1"
HERE = "http://weokto.localhost"


@pytest.fixture(scope="module")
def described(app, shop):
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app, base_url=HERE)


def attack(described, examples, *, derandomize, under="/api/"):
    """Every operation with this many made-up requests, as described and otherwise."""
    found = [operation.ok() for operation in described.get_all_operations()]
    operations = [operation for operation in found if operation.path.startswith(under)]
    assert len(operations) >= 10
    attacked = 0
    for operation in operations:
        run(operation.as_strategy(), examples, derandomize)
        wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
        with suppress(Unsatisfiable):  # where there is nothing to say, nothing is said wrongly
            run(wrong, examples, derandomize)
            attacked += 1
    assert attacked >= 5


def run(strategy, examples, derandomize):
    @settings(
        max_examples=examples,
        derandomize=derandomize,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def holds(case):
        answer = case.call(environ_overrides={"REMOTE_ADDR": an_address()})
        case.validate_response(answer, checks=CHECKS)

    holds()


def test_every_endpoint_keeps_to_its_description(described):
    attack(described, 30, derandomize=True)


def test_every_endpoint_of_an_affiliate_keeps_to_it_for_one_who_sold(app, stranger, twin):
    affiliate = signed_in(stranger(), "affiliate@example.org", Platform.WEOKTO)
    person = affiliate.get("/api/auth/me").json
    sell(twin, SimpleNamespace(id=UUID(person["id"])), ["sold@example.org"], name=NASTY)
    cookie = affiliate.browser.get_cookie("weokto_session", "weokto.localhost")
    answered = Counter()

    def known(environ, start_response):
        """The application to somebody whose browser holds the cookie."""

        def note(status, *rest):
            answered[status[:3]] += 1
            return start_response(status, *rest)

        return app({**environ, "HTTP_COOKIE": f"weokto_session={cookie.value}"}, note)

    described = schemathesis.openapi.from_wsgi("/api/openapi.json", known, base_url=HERE)
    attack(described, 10, derandomize=True, under="/api/affiliate/")

    assert answered["200"] > 20
    assert not answered["401"]


@pytest.mark.soak
def test_every_endpoint_keeps_to_its_description_at_length(described):
    attack(described, 1000, derandomize=False)
