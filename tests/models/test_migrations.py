"""The schema's history: one head, equal to the models, both ways from empty."""

import pytest
from alembic import command

from models.migrations import run as migrations


@pytest.fixture
def empty(database):
    name = f"{database.name}_migrations"
    database.running.drop_database(name)
    database.running.create_database(name)
    yield database.running.owner_url(name)
    database.running.drop_database(name)


class TestMigrations:
    def test_have_one_head(self):
        assert len(migrations.heads()) == 1

    def test_equal_the_models_and_go_both_ways(self, empty):
        migrations.upgrade(empty)
        command.check(migrations.configuration(empty))
        migrations.downgrade(empty, "base")
        migrations.upgrade(empty)
        command.check(migrations.configuration(empty))
