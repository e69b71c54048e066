"""Kept figures: computed once, dropped by a fact, and computed by everyone without Redis."""

import threading

import pytest

from models import quick_redis
from models.kept import forget, kept
from models.settings import current_settings, use_settings


@pytest.fixture
def made(redis, monkeypatch):
    """What was computed, in order; each computation gives another text."""
    monkeypatch.setattr(quick_redis, "_left_alone_until", 0.0)
    return []


def ask(made, owner="ann", **changes):
    def make():
        made.append(owner)
        return f"{owner} {len(made)}"

    return kept("figures:1", owner, **{"seconds": 300, "make": make, **changes})


class TestKept:
    def test_is_computed_once_for_each_owner(self, made):
        assert [ask(made), ask(made), ask(made, "bea"), ask(made)] == [
            "ann 1",
            "ann 1",
            "bea 2",
            "ann 1",
        ]

    def test_is_dropped_for_the_owner_a_fact_touches(self, made):
        ask(made)
        ask(made, "bea")

        forget("figures:1", "ann")

        assert ask(made) == "ann 3"
        assert ask(made, "bea") == "bea 2"

    def test_what_was_computed_from_before_a_fact_is_never_found_after_it(self, made):
        def make():
            forget("figures:1", "ann")  # the fact comes while the figures are being read
            return "from before"

        assert ask(made, make=make) == "from before"
        assert ask(made) == "ann 1"

    def test_is_computed_again_once_its_time_is_over(self, made, redis):
        ask(made)
        redis.delete(*redis.keys("figures:1:*ann:0"))

        assert ask(made) == "ann 2"

    def test_a_stampede_computes_once(self, made):
        begun, go_on = threading.Event(), threading.Event()
        found = []

        def slow():
            begun.set()
            go_on.wait(5)
            made.append("slow")
            return "slow"

        first = threading.Thread(target=lambda: found.append(ask(made, make=slow)))
        first.start()
        assert begun.wait(5)
        others = [threading.Thread(target=lambda: found.append(ask(made))) for _ in range(8)]
        for other in others:
            other.start()
        go_on.set()
        for each in (first, *others):
            each.join(10)

        assert made == ["slow"]
        assert found == ["slow"] * 9

    @pytest.mark.parametrize("url", ["", "redis://127.0.0.1:9/0"])
    def test_everyone_computes_without_redis(self, made, url):
        use_settings(current_settings().model_copy(update={"redis_url": url}))

        assert [ask(made), ask(made)] == ["ann 1", "ann 2"]
        forget("figures:1", "ann")
        quick_redis._left_alone_until = 0.0
