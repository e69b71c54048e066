"""Sixteen connections at every door at once: no limit, code or link gives more than it says."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pyotp
import pytest
from sqlalchemy import func, select

from models.accounts import MagicLink, Platform, RecoveryCode, SecondFactor, User, UserType
from models.accounts.enrol_second_factor import begin_enrolment, confirm_enrolment
from models.accounts.open_session import open_session
from models.accounts.prove_second_factor import prove_second_factor
from models.accounts.send_magic_link import PER_EMAIL, PER_IP, send_magic_link
from models.accounts.use_magic_link import WRONG_CODES, use_code, use_link
from models.errors import DomainError
from models.oversight import NOBODY, Actor, OutgoingMail
from models.session import staff_reading, unit_of_work
from tests.factories import Make

pytestmark = pytest.mark.usefixtures("committed")

AT_ONCE = 16
ADA = "ada@example.org"


def at_once(act):
    """Run an act on sixteen connections; how many got in, and each refusal's code."""
    gate = Barrier(AT_ONCE)

    def run(number):
        gate.wait()
        try:
            with unit_of_work() as session:
                act(session, number)
        except DomainError as refusal:
            return refusal.code
        return "done"

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


def count(entity, *where):
    with staff_reading() as session:
        return session.scalar(select(func.count()).select_from(entity).where(*where))


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
