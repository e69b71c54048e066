"""What is forgotten in time, and what stays."""

from datetime import timedelta

from sqlalchemy import select

from jobs.accounts import tidy
from models import clock
from models.accounts import EmailChange, MagicLink, Platform, UserSession
from models.oversight import JobRun, MailStatus, OutgoingMail, RunStatus, SystemLog
from models.session import unit_of_work
from tests.factories import Make


def days_ago(days):
    return clock.now() - timedelta(days=days)


def names(model, column):
    with unit_of_work() as session:
        return set(session.scalars(select(getattr(model, column))))


class TestTidy:
    def test_forgets_old_sessions_and_links_and_keeps_the_others(self, committed, now):
        with unit_of_work() as session:
            make = Make(session)
            user = make.user()
            for name, ended in (("old", 31), ("recent", 29), ("open", -1)):
                make.add(UserSession(user_id=user.id, token_hash=name, expires_at=days_ago(ended)))
                make.add(
                    MagicLink(
                        platform=Platform.STAM,
                        email="a@example.org",
                        token_hash=name,
                        otp_hash="",
                        expires_at=days_ago(ended),
                    )
                )
                make.add(
                    EmailChange(
                        user_id=user.id,
                        new_email="b@example.org",
                        token_hash=name,
                        expires_at=days_ago(ended),
                    )
                )
            make.add(
                UserSession(
                    user_id=user.id,
                    token_hash="revoked",
                    expires_at=days_ago(-1),
                    revoked_at=days_ago(31),
                )
            )

        assert [tidy()["sessions"] for _ in range(2)] == [2, 0]

        assert names(UserSession, "token_hash") == {"recent", "open"}
        assert names(MagicLink, "token_hash") == {"recent", "open"}
        assert names(EmailChange, "token_hash") == {"recent", "open"}

    def test_forgets_the_machines_records_past_their_time(self, committed, now):
        with unit_of_work() as session:
            make = Make(session)
            for name, days, counts in (
                ("idle", 3, {"sent": 0}),
                ("busy", 3, {"sent": 0, "told": 2}),
                ("ancient", 91, {"told": 2}),
            ):
                make.add(
                    JobRun(name=name, due_at=days_ago(days), counts=counts, status=RunStatus.DONE)
                )
            for message, days in (("old", 91), ("new", 89)):
                make.add(SystemLog(at=days_ago(days), level="WARNING", module="m", message=message))
            make.add(
                OutgoingMail(
                    idempotency_key="k",
                    kind="magic_link",
                    platform="STAM",
                    to_email="a@example.org",
                    secrets="{}",
                    status=MailStatus.FAILED,
                    created_at=days_ago(2),
                )
            )

        tidy()

        assert names(JobRun, "name") == {"busy"}
        assert names(SystemLog, "message") == {"new"}
        assert names(OutgoingMail, "secrets") == {None}
