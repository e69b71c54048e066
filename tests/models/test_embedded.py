"""The embedded servers: a first start, a join, repair after a kill, an end without leftovers."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from models import embedded
from models.embedded import Running, place, postgresql, redis_server
from models.settings import Settings


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    embedded.discard(folder)


def value(url: str, statement: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(text(statement)).scalar()
    finally:
        engine.dispose()


def postmaster_pid(running: Running) -> int:
    return int((running.place.home / "postgres" / "postmaster.pid").read_text().split()[0])


def redis_pid(running: Running) -> int:
    with Redis.from_url(running.redis_url()) as redis:
        return int(redis.info("server")["process_id"])


def ours(running: Running) -> list[str]:
    """Every living process that works in the servers' folders."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(running.place.home)):
                found.append(process.name())
        except psutil.Error:
            continue
    return found


class TestFirstStart:
    def test_each_role_signs_in_and_none_bypasses_row_security(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)

        for url in (running.staff_url(), running.member_url(), running.owner_url()):
            assert value(url, "select 1") == 1
        assert (
            value(
                running.superuser_url(),
                "select count(*) from pg_roles where rolname like 'ws_%' "
                "and not rolsuper and not rolbypassrls",
            )
            == 4
        )
        with Redis.from_url(running.redis_url(3)) as redis:
            assert redis.config_get("appendonly") == {"appendonly": "yes"}
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}

    def test_the_tables_role_may_do_what_migrations_need(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)

        value(
            running.owner_url(),
            "SET ROLE ws_tables; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; "
            "CREATE EXTENSION btree_gist; CREATE TABLE made (id int); SELECT 1",
        )

        with pytest.raises(ProgrammingError):
            value(running.staff_url(), "CREATE TABLE not_mine (id int); SELECT 1")

    def test_a_scratch_database_comes_from_a_template_and_goes(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)
        value(running.owner_url(), "SET ROLE ws_tables; CREATE TABLE made (id int); SELECT 1")

        running.create_database("scratch", template="weokto")

        url = running.owner_url("scratch")
        assert value(url, "SET ROLE ws_tables; CREATE TABLE more (id int); SELECT 1") == 1
        assert value(url, "SELECT count(*) FROM made") == 0
        running.drop_database("scratch")
        running.drop_database("scratch")

    def test_four_at_once_share_one_pair_of_servers(self, data_dir: Path) -> None:
        pids: list[int] = []

        def start() -> None:
            pids.append(postmaster_pid(embedded.ensure(data_dir, fast=True)))

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(pids) == 4
        assert len(set(pids)) == 1

    def test_a_long_path_gets_short_sockets(self, tmp_path: Path) -> None:
        folder = tmp_path / ("long " * 25)
        try:
            running = embedded.ensure(folder, fast=True)

            assert value(running.staff_url(), "select 1") == 1
            assert not str(running.place.sockets).startswith(str(folder))
        finally:
            embedded.discard(folder)

    def test_settings_get_the_addresses_that_they_lack(self, data_dir: Path) -> None:
        settings = Settings(_env_file=None, data_dir=str(data_dir), redis_url="redis://elsewhere")

        filled = embedded.settings_with(settings)

        assert filled.redis_url == "redis://elsewhere"
        assert value(filled.database_url, "select current_user") == "ws_staff"
        assert value(filled.database_member_url, "select current_user") == "ws_member"
        assert value(filled.database_owner_url, "select current_user") == "ws_owner"


class TestAfterAKill:
    def test_a_killed_postmaster_is_replaced_and_its_rows_are_there(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir)
        value(
            running.owner_url(), "SET ROLE ws_tables; CREATE TABLE kept AS SELECT 7 AS n; SELECT 1"
        )
        before = postmaster_pid(running)

        os.kill(before, signal.SIGKILL)
        running = embedded.ensure(data_dir)

        assert postmaster_pid(running) != before
        assert value(running.owner_url(), "SELECT n FROM kept") == 7

    def test_a_killed_redis_is_replaced(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)
        before = redis_pid(running)

        os.kill(before, signal.SIGKILL)

        assert redis_pid(embedded.ensure(data_dir, fast=True)) != before

    def test_a_pid_that_is_another_process_now_does_not_block(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)
        os.kill(postmaster_pid(running), signal.SIGKILL)
        pid_file = running.place.home / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text(f"{os.getpid()}\n" + "".join(lines[1:]))

        running = embedded.ensure(data_dir, fast=True)

        assert value(running.staff_url(), "select 1") == 1

    def test_a_half_made_folder_is_made_again(self, data_dir: Path) -> None:
        chosen = place.find_place(data_dir)
        half_made = chosen.folder(chosen.home / "postgres.draft-1")
        (half_made / "PG_VERSION").write_text("18")

        running = embedded.ensure(data_dir, fast=True)

        assert value(running.staff_url(), "select 1") == 1
        assert not half_made.exists()


class TestStop:
    def test_leaves_no_process_and_keeps_the_data(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)
        value(
            running.owner_url(), "SET ROLE ws_tables; CREATE TABLE kept AS SELECT 7 AS n; SELECT 1"
        )

        running.stop()
        running.stop()

        assert ours(running) == []
        assert not postgresql.alive(running.place.home / "postgres")
        again = embedded.ensure(data_dir, fast=True)
        assert value(again.owner_url(), "SELECT n FROM kept") == 7

    def test_discard_leaves_no_file_outside(self, data_dir: Path) -> None:
        running = embedded.ensure(data_dir, fast=True)

        embedded.discard(data_dir)

        assert not (running.place.home / "postgres").exists()
        assert not Path(redis_server.socket_path(running.place)).exists()


def test_no_folder_outside_changes_its_permissions(tmp_path: Path) -> None:
    """In a closed home, root's servers run elsewhere as someone else, and the start says so."""
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    try:
        running = embedded.ensure(closed / "clone" / "var", fast=True)

        assert value(running.staff_url(), "select 1") == 1
        assert closed.stat().st_mode & 0o777 == 0o700
        assert psutil.Process(postmaster_pid(running)).uids().real != 0
        assert (str(running.place.home) in running.note) == (os.getuid() == 0)
    finally:
        embedded.discard(closed / "clone" / "var")


def test_the_superuser_is_asked_for_once(data_dir: Path) -> None:
    """A second connection does not leave the first one open behind it."""
    running = embedded.ensure(data_dir, fast=True)

    with pytest.raises(psycopg2.OperationalError):
        postgresql.connect(running.place, "no_such_database")


def test_a_draft_takes_the_place_of_its_original(data_dir: Path) -> None:
    running = embedded.ensure(data_dir)
    running.create_database("draft")
    running.draft_database("draft", of="weokto")
    value(running.owner_url("draft"), "SET ROLE ws_tables; CREATE TABLE made (id int); SELECT 1")
    assert value(running.staff_url("draft"), "SHOW synchronous_commit") == "off"

    running.replace_database("weokto", by="draft")

    assert value(running.owner_url(), "SELECT count(*) FROM made") == 0
    assert value(running.owner_url(), "SET ROLE ws_tables; CREATE TABLE more (id int); SELECT 1")
    assert value(running.staff_url(), "SHOW synchronous_commit") == "on"
