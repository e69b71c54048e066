"""What is forgotten in time, and what stays."""

from datetime import timedelta

from sqlalchemy import select

from jobs.accounts import reset_in_words, tidy
from jobs.due import leavings
from jobs.oversight import dispatch
from models import clock
from models.accounts import EmailChange, MagicLink, Platform, SecondFactor, UserSession, UserType
from models.catalog import WebhookDelivery
from models.catalog import WebhookStatus as W
from models.oversight import AuditEvent, JobRun, MailStatus, OutgoingMail, RunStatus, SystemLog
from models.session import staff_reading, unit_of_work
from tests.admin_views.conftest import purchase
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


class TestWebhooks:
    def test_that_are_over_are_forgotten_after_thirty_days(self, committed, now):
        with unit_of_work() as session:
            make = Make(session)
            invoice = purchase(make)
            for days, status in ((31, W.DELIVERED), (31, W.FAILED), (31, W.QUEUED), (29, W.FAILED)):
                make.webhook(invoice, status=status, created_at=days_ago(days))
            due = leavings(session)
            assert session.scalar(due) == days_ago(1)

        assert [tidy()["webhooks"] for _ in range(2)] == [2, 0]

        with staff_reading() as session:
            left = session.scalars(select(WebhookDelivery.status)).all()
        assert sorted(left) == [W.FAILED, W.QUEUED]


class TestResetOnTheServer:
    """The way back in of an owner whom no other owner can help."""

    def enrolled(self):
        with unit_of_work() as session:
            make = Make(session)
            owner = make.staff(UserType.OWNER)
            make.add(SecondFactor(user_id=owner.id, secret="A" * 32, confirmed_at=clock.now()))
        return owner

    def test_takes_it_away_is_audited_and_mailed(self, committed, now, capsys):
        owner = self.enrolled()

        assert reset_in_words(owner.email.upper(), reason="lost phone") == 0

        dispatch()
        with staff_reading() as session:
            act = session.scalars(
                select(AuditEvent).where(AuditEvent.action == "accounts.second_factor_reset")
            ).one()
            mail = session.scalars(select(OutgoingMail)).one()
        assert names(SecondFactor, "user_id") == set()
        assert (act.actor_role, act.reason, act.subject_id) == (
            "system",
            "lost phone",
            str(owner.id),
        )
        assert (mail.kind, mail.to_email) == ("second_factor_reset", owner.email)
        assert "sets one up at the next sign-in" in capsys.readouterr().out

    def test_twice_says_that_there_is_none(self, committed, now, capsys):
        owner = self.enrolled()
        reset_in_words(owner.email, reason="lost phone")

        assert reset_in_words(owner.email, reason="lost phone") == 1
        assert f"No WEOKTO account under {owner.email}" in capsys.readouterr().err

    def test_wants_a_reason(self, committed, now, capsys):
        owner = self.enrolled()

        assert reset_in_words(owner.email, reason=" ") == 2
        assert names(SecondFactor, "user_id") == {owner.id}

    def test_knows_nobody_under_another_address(self, committed, now):
        assert reset_in_words("nobody@example.org", reason="lost phone") == 1
