"""Keys: of version 7, in the order they were made, and the same for the same seed."""

from datetime import timedelta
from threading import Thread

import pytest

from models import clock
from models.ids import first_id_at, is_uuid, new_id, seed_ids


@pytest.fixture
def seeded():
    yield seed_ids
    seed_ids(None)


class TestNewId:
    def test_is_a_uuid_of_version_7(self):
        key = new_id()

        assert (key.version, key.variant) == (7, "specified in RFC 4122")
        assert is_uuid(str(key))

    def test_sorts_by_its_making_on_a_standing_clock(self, now):
        keys = [new_id() for _ in range(10_000)]

        assert keys == sorted(keys)
        assert len(set(keys)) == len(keys)

    def test_sorts_by_time(self, now):
        before = new_id()
        clock.advance(timedelta(milliseconds=1))

        assert before < first_id_at(clock.now()) <= new_id()

    def test_is_never_given_twice_to_threads(self, now):
        keys = []
        threads = [
            Thread(target=lambda: keys.extend(new_id() for _ in range(2_000))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(keys)) == 16_000

    def test_of_the_same_seed_and_time_is_the_same(self, now, seeded):
        def drawn():
            seeded(7)
            return [new_id() for _ in range(5)]

        assert drawn() == drawn()

    def test_without_a_seed_cannot_be_foreseen(self, now, seeded):
        keys = set()
        for _ in range(100):
            seeded(None)
            keys.add(new_id())

        assert len(keys) == 100
