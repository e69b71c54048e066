"""What failed lately and what waits."""

from datetime import timedelta

from models import clock
from models.accounts.figures import people_by_type
from models.oversight import JobRun, MailStatus, OutgoingMail
from models.oversight.figures import events_waiting, failed_runs_since, mails_waiting


def test_failed_runs_are_counted_from_an_instant(session, make, now):
    make.add(JobRun(name="a", due_at=now, errors=2))
    clock.advance(timedelta(days=2))
    make.add(JobRun(name="a", due_at=clock.now(), errors=1))
    make.add(JobRun(name="b", due_at=clock.now()))
    assert failed_runs_since(session, now - timedelta(days=1)) == 2
    assert failed_runs_since(session, clock.now() - timedelta(days=1)) == 1


def test_only_queued_mails_wait_whose_time_has_come(session, make, now):
    monday = now + timedelta(days=6)
    mails = [*((status, now) for status in MailStatus), (MailStatus.QUEUED, monday)]
    for number, (status, at) in enumerate(mails):
        make.add(
            OutgoingMail(
                idempotency_key=f"m{number}",
                kind="receipt",
                platform="STAM",
                to_email="a@b.fr",
                status=status,
                next_try_at=at,
            )
        )
    assert mails_waiting(session, now=now) == 1
    assert mails_waiting(session, now=monday) == 2
    assert events_waiting(session) == 0


def test_people_are_counted_by_platform_and_type(session, make):
    before = sum(count for _, _, count in people_by_type(session))
    make.user()
    make.affiliate()
    assert sum(count for _, _, count in people_by_type(session)) == before + 2
