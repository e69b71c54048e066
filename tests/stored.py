"""What is committed, read as staff by a session of its own."""

from sqlalchemy import func, select

from models.session import staff_reading


def one(entity, *where):
    """The only row of a table that fits."""
    with staff_reading() as session:
        return session.scalars(select(entity).where(*where)).one()


def count(entity, *where):
    """How many rows of a table fit."""
    with staff_reading() as session:
        return session.scalar(select(func.count()).select_from(entity).where(*where))
