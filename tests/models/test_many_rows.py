"""Rows written together: in one statement what is alike, noted and kept as a flush does."""

import enum
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Boolean, Date, LargeBinary, Numeric, delete, event, select
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from admin_views.preview import observe
from models import clock, tables
from models.accounts import Platform, User
from models.base import Base, Cleaned, Encrypted, enum_of
from models.billing import Customer, CustomerStatus
from models.catalog import Plan
from models.many_rows import insert_together, written_together
from models.oversight import SYSTEM, AuditEvent, emit
from tests.conftest import NOON


@contextmanager
def updates(session, act="UPDATE"):
    """The UPDATEs that are sent in a block: of which table, and whether one by one."""
    sent = []

    def note(_connection, _cursor, statement, _given, _context, is_many):
        if statement.startswith(act):
            sent.append((statement.split()[1], is_many))

    event.listen(session.connection().engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(session.connection().engine, "before_cursor_execute", note)


def stored(session, column, rows):
    """What the database has in a column of some rows."""
    found = dict(session.execute(select(type(rows[0]).id, column)).all())
    return [found[row.id] for row in rows]


def set_together(session, rows, key, value):
    with written_together(session, rows):
        for row in rows:
            setattr(row, key, value)


@pytest.fixture
def users(make):
    return [make.user(display_name=name) for name in "abcd"]


@pytest.mark.usefixtures("now")
class TestWrittenTogether:
    def test_writes_what_changed_alike_by_one_statement_a_table(self, session, make, users):
        plans = [make.plan(price_amount=cents) for cents in (100, 200)]
        with updates(session) as sent, written_together(session, [*users, *plans, users[0]]):
            for number, user in enumerate(users):
                user.display_name = f"n{number}"
            for plan in plans:
                plan.price_amount += 1
            session.flush()
            assert not session.is_modified(users[0])

        assert sorted(sent) == [("plans", False), ("users", False)]
        assert stored(session, User.display_name, users) == ["n0", "n1", "n2", "n3"]
        assert stored(session, Plan.price_amount, plans) == [101, 201]

    def test_writes_each_group_of_columns_apart_and_one_alone_as_ever(self, session, users):
        with updates(session) as sent, written_together(session, users):
            users[0].display_name, users[2].display_name = "A", "C"
            users[1].display_name, users[1].bio = "B", "b"
        assert len(sent) == 2
        assert stored(session, User.display_name, users) == ["A", "B", "C", "d"]
        assert stored(session, User.bio, users) == ["", "b", "", ""]

    def test_sends_nothing_for_what_stays_or_is_put_back(self, session, users):
        with updates(session) as sent, written_together(session, users):
            users[0].display_name = "a"
            users[1].display_name = "B"
            users[1].display_name = "b"
        assert sent == []

    def test_writes_at_the_blocks_end_and_no_longer(self, session, users):
        with updates(session) as sent:
            with written_together(session, users), session.no_autoflush:
                for user in users:
                    user.bio = "first"
                assert sent == []
            for user in users:
                user.bio = "second"
            session.flush()
        assert sent == [("users", False), ("users", True)]
        assert stored(session, User.bio, users) == ["second"] * 4

    def test_stamps_what_it_writes_by_our_clock(self, session, users):
        clock.advance(timedelta(hours=1))
        with written_together(session, users):
            users[0].bio = users[1].bio = "written"

        later = NOON + timedelta(hours=1)
        assert [user.updated_at for user in users] == [later, later, NOON, NOON]
        assert stored(session, User.updated_at, users) == [later, later, NOON, NOON]

    def test_takes_a_stamp_that_was_given(self, session, users):
        with written_together(session, users):
            for user in users:
                user.bio, user.updated_at = "written", NOON - timedelta(days=1)
        assert stored(session, User.updated_at, users) == [NOON - timedelta(days=1)] * 4

    def test_the_trail_tells_the_same(self, session, users):
        for user in users:
            emit(session, "tests.made", user, actor=SYSTEM)
        with written_together(session, users):
            for user in users:
                user.bio = "first"
            session.flush()
            for user in users:
                user.bio = "second"
            session.flush()
            for user in users:
                emit(session, "tests.written", user, actor=SYSTEM)

        told = session.scalars(select(AuditEvent).where(AuditEvent.action == "tests.written")).all()
        assert [(row.before, row.after) for row in told] == [({"bio": ""}, {"bio": "second"})] * 4

    def test_a_preview_sees_it(self, session, users, app):
        def run(session):
            set_together(session, users, "bio", "seen")

        with app.test_request_context():
            effects = observe(session, run, now=NOON)
        assert sum("seen" in str(effect) for effect in effects.lines) == 4

    def test_a_row_that_is_gone_is_refused(self, session, users):
        session.execute(delete(User.__table__).where(User.id == users[1].id))
        with pytest.raises(StaleDataError):
            set_together(session, users, "bio", "gone")

    def test_the_database_still_refuses(self, session, make):
        plan = make.plan()
        customers = [
            make.customer_of(make.affiliate(), plan, status=CustomerStatus.EXPIRED) for _ in "ab"
        ]
        with pytest.raises(IntegrityError):
            set_together(session, customers, "next_charge_at", NOON)

    def test_another_row_that_is_pointed_at_is_left_to_the_flush(self, session, make):
        plan, other = make.plan(), make.plan()
        customers = [make.customer_of(make.affiliate(), plan) for _ in "ab"]
        set_together(session, customers, "current_plan", other)
        assert stored(session, Customer.current_plan_id, customers) == [other.id] * 2

    def test_new_and_foreign_rows_are_left_alone(self, session, make, users):
        session.expunge(users[3])
        new = User(platform=users[0].platform, email="new@example.org", display_name="e")
        session.add(new)
        with written_together(session, [*users, new]):
            for user in (*users, new):
                user.bio = "kept"
        assert stored(session, User.bio, [*users, new]) == ["kept"] * 3 + ["", "kept"]


@pytest.mark.usefixtures("now")
class TestInsertTogether:
    def test_gives_each_row_its_columns_and_all_of_them_the_defaults(self, session, users):
        rows = [
            {"id": uuid4(), "platform": Platform.STAM, "email": f"{name}@example.org"}
            for name in ("one", "two")
        ]
        insert_together(session, User, rows)

        made = session.scalars(select(User).where(User.id.in_([row["id"] for row in rows]))).all()
        assert {(row.id, row.email) for row in made} == {(row["id"], row["email"]) for row in rows}
        assert {(row.bio, row.locale, row.created_at) for row in made} == {("", "fr", NOON)}

    def test_of_nothing_asks_nothing(self, session):
        with updates(session, "INSERT") as sent:
            insert_together(session, User, [])
        assert sent == []

    def test_the_database_still_refuses(self, session, users):
        row = {"id": uuid4(), "platform": Platform.STAM, "email": users[0].email}
        with pytest.raises(IntegrityError):
            insert_together(session, User, [row])


class Apart(DeclarativeBase):
    pass


class Mood(enum.StrEnum):
    GOOD = "good"
    BAD = "bad"


class Sample(Apart):
    """A row of every type that our tables have."""

    __tablename__ = "samples"
    __table_args__ = {"prefixes": ["TEMPORARY"]}
    type_annotation_map = Base.type_annotation_map
    id: Mapped[UUID] = mapped_column(Base.type_annotation_map[UUID], primary_key=True)
    key: Mapped[UUID | None] = mapped_column(Base.type_annotation_map[UUID])
    at: Mapped[datetime | None] = mapped_column(Base.type_annotation_map[datetime])
    text: Mapped[str | None] = mapped_column("written", Base.type_annotation_map[str])
    number: Mapped[int | None] = mapped_column(Base.type_annotation_map[int])
    mood: Mapped[Mood | None] = mapped_column(enum_of(Mood, "mood"))
    facts: Mapped[dict | None] = mapped_column(JSONB)
    maybe: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))
    flag: Mapped[bool | None] = mapped_column(Boolean)
    name: Mapped[str | None] = mapped_column(CITEXT)
    secret: Mapped[str | None] = mapped_column(Encrypted)
    words: Mapped[str | None] = mapped_column(Cleaned)
    rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 4))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    on: Mapped[date | None] = mapped_column(Date)


LABELS = {"text": "written"}
VALUES = {
    "key": (uuid4(), None),
    "at": (datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC), None),
    "text": ('l\'été {"a", %s} \\ NULL', None),
    "number": (2**62, None),
    "mood": (Mood.BAD, None),
    "facts": ({"é'": ['"', {"n": None}, "\\", 1.5]}, None),
    "maybe": ([{"a": [1]}, []], None),
    "flag": (False, None),
    "name": ("Ann", None),
    "secret": ("FR76 3000", None),
    "words": ("token=[hidden]", None),
    "rate": (Decimal("0.2000"), None),
    "content": (b"\x00'\\\xff", None),
    "on": (date(2026, 2, 28), None),
}


@pytest.fixture
def samples(session):
    Apart.metadata.create_all(session.connection())


@pytest.mark.usefixtures("samples")
class TestEveryType:
    def test_the_sample_has_every_type_of_our_tables(self):
        ours = {
            type(column.type) for table in tables.metadata.tables.values() for column in table.c
        }
        assert ours <= {type(column.type) for column in Sample.__table__.c}

    def test_comes_back_as_it_was_changed(self, session):
        rows = [Sample(id=uuid4(), number=1) for _ in VALUES["key"]]
        empty = Sample(id=uuid4(), facts={}, on=date.min)
        session.add_all([*rows, empty])
        session.flush()

        with updates(session) as sent, written_together(session, [*rows, empty]):
            for place, row in enumerate((*rows, empty)):
                for key, values in VALUES.items():
                    setattr(row, key, (*values, values[0])[place])
            rows[1].number, rows[1].text = -1, ""
        session.expire_all()

        assert sent == [("samples", False)]
        for key, (value, nothing) in VALUES.items():
            found = [getattr(row, key) for row in (*rows, empty)]
            changed = {"number": -1, "text": ""}.get(key, nothing)
            assert found == [value, changed, value], key

    def test_comes_back_as_it_was_inserted(self, session):
        keys = [uuid4() for _ in VALUES["key"]]
        rows = [
            {"id": key, **{LABELS.get(name, name): each[place] for name, each in VALUES.items()}}
            for place, key in enumerate(keys)
        ]
        insert_together(session, Sample, rows)

        made = [session.get(Sample, key) for key in keys]
        for name, values in VALUES.items():
            assert [getattr(row, name) for row in made] == list(values), name
