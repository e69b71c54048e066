"""The role of members' requests, as the database really has it."""

import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, text

from models.member_role import prove_member_role
from models.settings import BadSettings
from tests.models.test_settings import PRODUCTION
from tests.processes import free_port, start


@pytest.fixture
def superuser(database):
    """Runs statements in this worker's database as its superuser."""
    url = database.running.superuser_url(database.name)
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def run(statement):
        with engine.connect() as connection:
            connection.execute(text(statement))

    return run


@pytest.fixture
def role_with(database, superuser):
    """Makes a role of some rights for a block; gives its address."""
    name = f"role_of_{database.name}"

    @contextmanager
    def make(rights="", then="SELECT 1"):
        superuser(f"CREATE ROLE {name} LOGIN {rights}")
        superuser(then.format(role=name))
        try:
            yield database.running.url(name, database.name)
        finally:
            superuser(f"DROP OWNED BY {name}")
            superuser(f"DROP ROLE {name}")

    return make


class TestProof:
    def test_takes_the_role_of_members(self, database):
        prove_member_role(database.running.member_url(database.name))

    @pytest.mark.parametrize(
        ("role", "why"),
        [
            ("postgres", "a superuser"),
            ("ws_staff", "ws_staff, ws_tables or ws_owner"),
            ("ws_owner", "ws_staff, ws_tables or ws_owner"),
        ],
    )
    def test_refuses_the_houses_other_roles(self, database, role, why):
        with pytest.raises(BadSettings, match=f"DATABASE_MEMBER_URL: its role {role} .*{why}"):
            prove_member_role(database.running.url(role, database.name))

    @pytest.mark.parametrize(
        ("rights", "then", "why"),
        [
            ("BYPASSRLS", "SELECT 1", "bypasses row security"),
            ("NOINHERIT IN ROLE ws_staff", "SELECT 1", "may become ws_staff"),
            ("", "CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO {role}", "owns tables"),
        ],
    )
    def test_refuses_a_role_that_sees_more(self, role_with, rights, then, why):
        with role_with(rights, then) as url, pytest.raises(BadSettings, match=why):
            prove_member_role(url)

    def test_is_not_deceived_by_a_role_put_on(self, database):
        """What is put on for a connection can be taken off again by any statement."""
        url = database.running.superuser_url(database.name) + "&options=-c%20role%3Dws_member"

        with pytest.raises(BadSettings, match="superuser"):
            prove_member_role(url)

    def test_waits_for_a_database_that_does_not_let_it_in_yet(self, database, role_with):
        url = database.running.url(f"role_of_{database.name}", database.name)
        proving = threading.Thread(target=prove_member_role, args=(url,))
        proving.start()
        proving.join(timeout=0.3)
        assert proving.is_alive()

        with role_with():
            proving.join(timeout=20)
            assert not proving.is_alive()


@pytest.mark.parametrize("command", ["web", "realtime", "worker", "scheduler"])
def test_nothing_starts_in_production_with_a_role_that_sees_more(database, tmp_path, command):
    own = {name.upper(): value for name, value in PRODUCTION.items()}
    own |= {
        "DATABASE_URL": database.running.staff_url(database.name),
        "DATABASE_MEMBER_URL": database.running.superuser_url(database.name),
        "REDIS_URL": database.running.redis_url(database.redis_number),
    }
    process = start(command, data_dir=tmp_path, port=free_port(), **own)

    said = process.communicate(timeout=60)[0]

    assert said.startswith("Cannot start: DATABASE_MEMBER_URL: its role postgres is a superuser")
    assert process.returncode == 2
