"""Moving an account to another address: confirmed from the new mailbox, once, telling nothing."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.accounts import EmailChange, MagicLink, Platform, User
from models.accounts.change_email import (
    AddressTaken,
    ChangeSpent,
    SameAddress,
    ask_email_change,
    check_email_change,
    confirm_email_change,
)
from models.accounts.email import NotAnAddress
from models.accounts.open_session import open_session
from models.accounts.send_magic_link import send_magic_link
from models.accounts.use_magic_link import LinkSpent, Suspended, use_link
from models.accounts.user_session import live_sessions_of
from models.errors import DomainError, TooMany
from models.oversight import NOBODY, SYSTEM, AuditEvent, MailStatus, OutgoingMail, queue_mail
from models.session import unit_of_work
from tests.factories import Make

NEW = "new@example.org"


@pytest.fixture
def ada(make):
    return make.user("ada@example.org")


@pytest.fixture
def ask(session, ada, now):
    def run(email=NEW, *, user=ada, at=now):
        return ask_email_change(session, user.id, email, actor=SYSTEM, now=at)

    return run


@pytest.fixture
def confirm(session, now):
    def run(token, *, at=now, platform=Platform.STAM):
        return confirm_email_change(session, token, platform=platform, actor=NOBODY, now=at)

    return run


def mailed(session, change):
    """The mail of one ask: to whom, and its token."""
    key = f"email_change:{change.id}"
    mail = session.scalars(select(OutgoingMail).where(OutgoingMail.idempotency_key == key)).one()
    return mail.to_email, json.loads(mail.secrets)["token"]


class TestAskEmailChange:
    def test_mails_the_new_address_and_changes_nothing(self, session, ada, ask, now):
        change = ask()

        to_email, token = mailed(session, change)
        assert to_email == NEW
        assert token not in change.token_hash
        assert change.expires_at - now == timedelta(minutes=15)
        assert ada.email == "ada@example.org"

    def test_keeps_the_token_out_of_the_trail(self, session, ask):
        change = ask()

        session.flush()
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == str(change.id)))
        assert event.action == "accounts.email_change_asked"
        assert change.token_hash not in json.dumps(event.after)

    def test_does_the_same_for_a_taken_address(self, session, make, ask):
        make.user(NEW)

        assert mailed(session, ask())[0] == NEW

    @pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.org "])
    def test_refuses_the_present_address(self, ask, email):
        with pytest.raises(SameAddress):
            ask(email)

    def test_refuses_what_is_no_address(self, ask):
        with pytest.raises(NotAnAddress):
            ask("new")

    def test_a_second_one_voids_the_first(self, session, ask, confirm):
        first, second = ask(), ask("other@example.org")

        with pytest.raises(ChangeSpent):
            confirm(mailed(session, first)[1])
        assert confirm(mailed(session, second)[1]).email == "other@example.org"

    def test_is_told_to_wait_after_five_in_an_hour(self, ask, now):
        for minute in range(5):
            ask(f"new-{minute}@example.org", at=now + timedelta(minutes=minute))

        with pytest.raises(TooMany) as refusal:
            ask(at=now + timedelta(minutes=10))
        assert refusal.value.params["minutes"] == 50
        ask(at=now + timedelta(minutes=61))

    def test_an_address_is_mailed_five_times_in_a_quarter_at_most(self, make, ask):
        for _ in range(5):
            ask(user=make.user())

        with pytest.raises(TooMany):
            ask(user=make.user())


class TestConfirmEmailChange:
    def test_moves_the_account_and_keeps_its_sessions(self, session, ada, ask, confirm, now):
        open_session(session, ada, user_agent="", remember=True, actor=NOBODY, now=now)
        _, token = mailed(session, ask())

        confirm(token, at=now + timedelta(minutes=14))

        assert (ada.email, ada.email_verified_at) == (NEW, now + timedelta(minutes=14))
        assert len(live_sessions_of(session, ada.id, now=now)) == 1

    def test_voids_what_was_mailed_to_the_old_address(self, session, ada, ask, confirm, now):
        send_magic_link(
            session, platform=Platform.STAM, email=ada.email, locale="fr", actor=NOBODY, now=now
        )
        link = session.scalars(select(MagicLink)).one()
        key = f"magic-link:{link.id}"
        way_in = session.scalars(
            select(OutgoingMail).where(OutgoingMail.idempotency_key == key)
        ).one()

        confirm(mailed(session, ask())[1])

        assert link.voided_at == now
        with pytest.raises(LinkSpent):
            use_link(
                session,
                json.loads(way_in.secrets)["token"],
                platform=Platform.STAM,
                locale="fr",
                actor=NOBODY,
                now=now,
            )

    def test_takes_along_the_mails_that_wait(self, session, make, ada, ask, confirm, now):
        eve = make.user("eve@example.org")
        told = {"platform": Platform.STAM, "to_email": "ADA@example.org", "locale": "fr"}

        def mail(kind, **values):
            key = f"{kind}:{len(mails)}"
            mails.append(
                queue_mail(session, kind, key=key, **{**told, "user_id": ada.id, **values})
            )

        mails = []
        mail("commission_matured", not_before=now + timedelta(days=3))
        mail("receipt")
        for kind in ("email_changed", "magic_link", "cancel_link"):
            mail(kind)
        mail("receipt", to_email="elsewhere@example.org")
        mail("receipt", user_id=eve.id)
        mail("receipt")
        mails[-1].status = MailStatus.SENT
        session.flush()
        confirm(mailed(session, ask())[1])

        session.expire_all()
        moved = [each for each in mails if each.to_email == NEW]
        assert [each.kind for each in moved] == ["commission_matured", "receipt"]
        assert moved == mails[:2]

    def test_works_once(self, session, ask, confirm):
        _, token = mailed(session, ask())
        confirm(token)

        with pytest.raises(ChangeSpent):
            confirm(token)

    def test_not_after_a_quarter_of_an_hour(self, session, ask, confirm, now):
        _, token = mailed(session, ask())

        with pytest.raises(ChangeSpent):
            confirm(token, at=now + timedelta(minutes=15))

    def test_not_on_the_other_platform(self, session, ask, confirm, now):
        _, token = mailed(session, ask())

        with pytest.raises(ChangeSpent):
            confirm(token, platform=Platform.WEOKTO)
        with pytest.raises(ChangeSpent):
            check_email_change(session, token, platform=Platform.WEOKTO, now=now)

    def test_not_to_an_address_that_is_taken(self, session, make, ada, ask, confirm):
        make.user("New@example.org")
        _, token = mailed(session, ask())

        with pytest.raises(AddressTaken):
            confirm(token)
        assert ada.email == "ada@example.org"

    def test_to_one_that_is_taken_on_the_other_platform(self, session, make, ask, confirm):
        make.user(NEW, platform=Platform.WEOKTO)

        assert confirm(mailed(session, ask())[1]).email == NEW

    def test_not_while_suspended(self, session, ada, ask, confirm):
        _, token = mailed(session, ask())
        ada.is_suspended = True
        session.flush()

        with pytest.raises(Suspended):
            confirm(token)


class TestAtOnce:
    def test_two_accounts_never_get_one_address(self, committed, now):
        tokens = []
        with unit_of_work() as session:
            for _ in range(2):
                user = Make(session).user()
                change = ask_email_change(session, user.id, NEW, actor=SYSTEM, now=now)
                tokens.append(mailed(session, change)[1])

        def confirm(token):
            try:
                with unit_of_work() as session:
                    confirm_email_change(
                        session, token, platform=Platform.STAM, actor=NOBODY, now=now
                    )
            except DomainError as refusal:
                return refusal.code
            return "moved"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(confirm, tokens)) == ["address_taken", "moved"]
        with unit_of_work() as session:
            assert len(session.scalars(select(User).where(User.email == NEW)).all()) == 1
            assert len(session.scalars(select(EmailChange)).all()) == 2
