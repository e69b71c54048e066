"""The boundary: what a refusal leaves behind, and what a look as staff may keep."""

import pytest
from sqlalchemy import func, select

from models.accounts import Platform, User
from models.errors import DomainError, NotAllowed
from models.session import staff_reading, unit_of_work


class Counted(NotAllowed):
    recorded = True


def people() -> int:
    with staff_reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def add_then_refuse(refusal: type[DomainError]) -> None:
    with unit_of_work() as session:
        session.add(User(platform=Platform.STAM, email="refused@example.org"))
        raise refusal


@pytest.mark.usefixtures("committed")
class TestARefusalInsideAUnitOfWork:
    @pytest.mark.parametrize(("refusal", "kept"), [(NotAllowed, 0), (Counted, 1)])
    def test_takes_the_work_back_unless_it_is_recorded(self, refusal, kept):
        before = people()

        with pytest.raises(DomainError):
            add_then_refuse(refusal)

        assert people() - before == kept


@pytest.mark.usefixtures("committed")
class TestStaffReading:
    def test_gives_rows_that_outlive_it(self):
        with unit_of_work() as session:
            session.add(User(platform=Platform.STAM, email="kept@example.org"))

        with staff_reading() as session:
            user = session.scalars(select(User).where(User.email == "kept@example.org")).one()

        assert user.email == "kept@example.org"

    def test_keeps_nothing_that_is_written(self):
        with staff_reading() as session:
            session.add(User(platform=Platform.STAM, email="lost@example.org"))
            session.flush()

        assert people() == 0
