"""The JSON endpoints against their own description, with whatever Schemathesis thinks of.

No answer is a 500, and every answer has a status and a shape that the description names.
"""

from contextlib import suppress

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

from tests.hostile.attackers import an_address

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HERE = "http://weokto.localhost"


@pytest.fixture(scope="module")
def described(app, shop):
    return schemathesis.openapi.from_wsgi("/api/openapi.json", app, base_url=HERE)


def attack(described, examples, *, derandomize):
    """Every operation with this many made-up requests, as described and otherwise."""
    operations = [found.ok() for found in described.get_all_operations()]
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


@pytest.mark.soak
def test_every_endpoint_keeps_to_its_description_at_length(described):
    attack(described, 1000, derandomize=False)
