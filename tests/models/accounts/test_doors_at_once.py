"""Sixteen connections at every door at once: no limit, code or link gives more than it says."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import select, text

from models.accounts import MagicLink, Platform, RecoveryCode, SecondFactor, User, UserType
from models.accounts.change_email import ask_email_change, confirm_email_change
from models.accounts.delete_account import GRACE, ask_deletion, delete_account
from models.accounts.enrol_second_factor import begin_enrolment, confirm_enrolment
from models.accounts.open_session import open_session
from models.accounts.prove_second_factor import prove_second_factor
from models.accounts.send_magic_link import PER_EMAIL, PER_IP, send_magic_link
from models.accounts.use_magic_link import WRONG_CODES, use_code, use_link
from models.errors import DomainError
from models.oversight import NOBODY, SYSTEM, Actor, OutgoingMail
from models.session import staff_reading, unit_of_work
from tests.factories import Make
from tests.stored import count

pytestmark = pytest.mark.usefixtures("committed")

AT_ONCE = 16
ADA = "ada@example.org"


def at_once(act):
    """Run an act on sixteen connections; how many got in, and each refusal's code."""
    gate = Barrier(AT_ONCE)

    def run(number):
        gate.wait()
        return outcome(lambda session: act(session, number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(run, range(AT_ONCE)))


def send(session, email, now, visitor=1):
    somebody = Actor(role="nobody", ip=f"198.51.100.{visitor}")
    return send_magic_link(
        session, platform=Platform.STAM, email=email, locale="fr", actor=somebody, now=now
    )


@pytest.fixture
def secrets(now):
    """The link's token and the code of a mail that has just been sent."""
    with unit_of_work() as session:
        send(session, ADA, now)
        session.flush()
        return json.loads(session.scalars(select(OutgoingMail)).one().secrets)


class TestSending:
    def test_one_address_gets_no_more_than_its_share(self, now):
        answers = at_once(lambda session, number: send(session, ADA, now, visitor=number))

        assert answers["done"] == PER_EMAIL
        assert count(MagicLink, MagicLink.voided_at.is_(None)) == 1

    def test_one_visitor_sends_no_more_than_their_share(self, now):
        with unit_of_work() as session:
            for number in range(PER_IP - 3):
                send(session, f"first{number}@example.org", now)

        answers = at_once(lambda session, number: send(session, f"p{number}@example.org", now))

        assert answers["done"] == 3


class TestComingIn:
    def test_a_link_and_its_code_let_in_once(self, secrets, now):
        def come_in(session, number):
            asked = {"platform": Platform.STAM, "locale": "fr", "actor": NOBODY, "now": now}
            if number % 2:
                use_link(session, secrets["token"], **asked)
            else:
                use_code(session, ADA, secrets["code"], **asked)

        assert at_once(come_in) == {"done": 1, "link_spent": AT_ONCE - 1}
        assert count(User) == 1

    def test_wrong_codes_are_all_counted(self, secrets, now):
        def guess(session, number):
            wrong = f"{(int(secrets['code']) + number + 1) % 1_000_000:06d}"
            use_code(
                session, ADA, wrong, platform=Platform.STAM, locale="fr", actor=NOBODY, now=now
            )

        assert at_once(guess) == {"wrong_code": WRONG_CODES, "link_spent": AT_ONCE - WRONG_CODES}


class TestLeavingAnAddress:
    """Somebody comes in by a link while the account leaves the address that received it."""

    @pytest.fixture
    def ada(self):
        with unit_of_work() as session:
            return Make(session).user(ADA)

    @pytest.fixture
    def move(self, ada, now):
        with unit_of_work() as session:
            ask_email_change(session, ada.id, "new@example.org", actor=SYSTEM, now=now)
            session.flush()
            asked = select(OutgoingMail.secrets).where(OutgoingMail.kind == "email_change")
            token = json.loads(session.scalars(asked).one())["token"]
        return lambda session: confirm_email_change(
            session, token, platform=Platform.STAM, actor=NOBODY, now=now
        )

    @pytest.fixture
    def leave(self, ada, now):
        with unit_of_work() as session:
            somebody = Actor(role="CLIENT", user_id=ada.id)
            asked = ask_deletion(session, ada.id, actor=somebody, now=now)
        return lambda session: delete_account(session, asked.id, actor=SYSTEM, now=now + GRACE)

    @pytest.fixture(params=["move", "leave"])
    def go(self, request):
        return request.getfixturevalue(request.param)

    @pytest.fixture
    def link(self, ada, now):
        """Mail a link to Ada's first address; how to come in by it."""

        def mail():
            with unit_of_work() as session:
                key = f"magic-link:{send(session, ADA, now).id}"
                session.flush()
                asked = select(OutgoingMail.secrets).where(OutgoingMail.idempotency_key == key)
                token = json.loads(session.scalars(asked).one())["token"]
            return lambda session: use_link(
                session, token, platform=Platform.STAM, locale="fr", actor=NOBODY, now=now
            )

        return mail

    def test_neither_waits_for_the_other_for_ever(self, ada, go, link):
        come_in = link()
        with ThreadPoolExecutor(2) as pool:
            with unit_of_work() as session:
                User.for_update(session, ada.id)
                gone = pool.submit(outcome, go)
                until_waiting(1)
                came = pool.submit(outcome, come_in)
                until_waiting(2)
            assert (gone.result(), came.result()) == ("done", "link_spent")

    def test_a_link_sent_meanwhile_does_not_open_the_account(self, go, link):
        with ThreadPoolExecutor(1) as pool:
            with unit_of_work() as session:
                go(session)
                session.flush()
                come_in = pool.submit(link).result()
                came = pool.submit(outcome, come_in)
                until_waiting(1)
            assert came.result() == "link_spent"


def outcome(act):
    """Run an act in a transaction of its own; the code of its refusal, if any."""
    try:
        with unit_of_work() as session:
            act(session)
    except DomainError as refusal:
        return refusal.code
    return "done"


def until_waiting(number):
    """Wait until so many connections wait for somebody's lock."""
    asked = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        with staff_reading() as session:
            if session.scalar(asked) == number:
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")


class TestTheSecondFactor:
    @pytest.fixture
    def owner(self, now):
        """An enrolled owner's sessions, secret and recovery codes."""
        with unit_of_work() as session:
            user = Make(session).staff(UserType.OWNER)
            rows = [
                open_session(session, user, user_agent="", remember=False, actor=NOBODY, now=now)
                for _ in range(AT_ONCE)
            ]
            sessions = [row.id for row, _token in rows]
            begin_enrolment(session, user.id, actor=NOBODY, now=now)
            secret = session.get(SecondFactor, user.id).secret
            code = pyotp.TOTP(secret).at(int(now.timestamp()) - 30)
            recovery = confirm_enrolment(session, sessions[0], code, actor=NOBODY, now=now)
        return sessions, secret, recovery

    @pytest.mark.parametrize("kind", ["authenticator", "recovery"])
    def test_one_code_proves_one_session(self, owner, now, kind):
        sessions, secret, recovery = owner
        totp = pyotp.TOTP(secret).at(int(now.timestamp()))
        code = totp if kind == "authenticator" else recovery[0]

        answers = at_once(
            lambda session, number: prove_second_factor(
                session, sessions[number], code, actor=NOBODY, now=now
            )
        )

        assert answers["done"] == 1
        assert count(RecoveryCode, RecoveryCode.used_at.is_not(None)) == (kind == "recovery")
