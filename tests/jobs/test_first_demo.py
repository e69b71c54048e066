"""The demo at the first start: not among real people, whatever was asked for."""

import pytest
from sqlalchemy import func, select

from jobs.first_demo import load_where_nobody_is
from jobs.simulation.demo import InventedBusiness, load_demo
from models.accounts import User
from models.session import unit_of_work
from models.settings import use_settings
from tests.factories import Make
from tests.processes import ROOT, start


@pytest.fixture
def production(settings, committed):
    settings = settings.model_copy(update={"env": "production"})
    use_settings(settings)
    return settings


def people():
    with unit_of_work() as session:
        return session.scalar(select(func.count(User.id)))


class TestInProduction:
    def test_is_refused(self, production):
        with pytest.raises(InventedBusiness):
            load_demo()

        assert people() == 0

    def test_the_house_starts_without_it_and_says_so(self, production, capsys):
        load_where_nobody_is(production, ROOT, draft=None)

        assert "not loaded with ENV=production" in capsys.readouterr().out
        assert people() == 0


def test_a_database_with_people_is_refused_in_one_line(settings, committed, tmp_path):
    with unit_of_work() as session:
        Make(session).user("ann@example.org")

    process = start(
        "demo",
        data_dir=tmp_path,
        port=settings.port,
        DATABASE_URL=settings.database_url,
        DATABASE_MEMBER_URL=settings.database_member_url,
        DATABASE_OWNER_URL=settings.database_owner_url,
        REDIS_URL=settings.redis_url,
    )
    said = process.communicate(timeout=60)[0]

    assert said.startswith("Cannot start: This database has people in it already")
    assert said.count("\n") == 1
    assert process.returncode == 2
