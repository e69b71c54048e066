"""Staff's second factor: enrolled once, each code once, locked after five wrong ones."""

from datetime import timedelta

import pyotp
import pytest

from models.accounts import RecoveryCode, SecondFactor, UserType
from models.accounts.enrol_second_factor import (
    AlreadyEnrolled,
    NotStaff,
    OnlyTheOwnerResets,
    begin_enrolment,
    confirm_enrolment,
    reset_second_factor,
)
from models.accounts.open_session import open_session
from models.accounts.prove_second_factor import (
    NotEnrolled,
    WrongSecondFactor,
    prove_second_factor,
)
from models.accounts.suspend_user import NotOnOneself
from models.errors import TooMany
from models.oversight import NOBODY, Actor

HALF_A_MINUTE = timedelta(seconds=30)


class Staff:
    """A staff member with an authenticator in hand."""

    def __init__(self, session, make, now):
        self.session, self.now = session, now
        self.user = make.staff(UserType.OWNER)
        self.actor = Actor(role=self.user.user_type, user_id=self.user.id)
        self.row, _ = open_session(
            session, self.user, user_agent="", remember=False, actor=NOBODY, now=now
        )

    def begin(self):
        return begin_enrolment(self.session, self.user.id, actor=self.actor, now=self.now)

    def code(self, at=None):
        secret = self.session.get(SecondFactor, self.user.id).secret
        return pyotp.TOTP(secret).at(int((at or self.now).timestamp()))

    def confirm(self, code=None):
        return confirm_enrolment(
            self.session, self.row.id, code or self.code(), actor=self.actor, now=self.now
        )

    def enrol(self):
        self.begin()
        return self.confirm()

    def prove(self, code, at=None):
        return prove_second_factor(
            self.session, self.row.id, code, actor=self.actor, now=at or self.now
        )


@pytest.fixture
def staff(session, make, now):
    return Staff(session, make, now)


class TestEnrolment:
    def test_shows_one_secret_until_it_is_confirmed(self, staff):
        assert staff.begin().secret == staff.begin().secret

    def test_is_confirmed_by_a_right_code_and_tells_ten_recovery_codes(self, staff, session, now):
        codes = staff.enrol()

        assert len(set(codes)) == 10
        assert staff.row.second_factor_at == now
        kept = {code.code_hash for code in session.query(RecoveryCode)}
        assert len(kept) == 10
        assert not kept & set(codes)

    def test_a_wrong_code_confirms_nothing(self, staff, session):
        staff.begin()
        with pytest.raises(WrongSecondFactor):
            staff.confirm("000000" if staff.code() != "000000" else "000001")

        assert session.get(SecondFactor, staff.user.id).confirmed_at is None
        assert staff.row.second_factor_at is None

    def test_cannot_be_done_twice(self, staff):
        staff.enrol()

        with pytest.raises(AlreadyEnrolled):
            staff.begin()
        with pytest.raises(AlreadyEnrolled):
            staff.confirm()

    def test_must_begin_first(self, staff):
        with pytest.raises(NotEnrolled):
            staff.confirm("123456")

    @pytest.mark.parametrize("role", [UserType.CLIENT, UserType.AFFILIATE])
    def test_is_for_staff(self, session, make, now, role):
        user = make.user(user_type=role)
        with pytest.raises(NotStaff):
            begin_enrolment(session, user.id, actor=NOBODY, now=now)


class TestProving:
    def test_marks_the_session(self, staff, now):
        staff.enrol()
        later = now + HALF_A_MINUTE

        assert staff.prove(staff.code(later), later).second_factor_at == later

    def test_each_code_works_once(self, staff, now):
        staff.enrol()
        later = now + HALF_A_MINUTE
        staff.prove(staff.code(later), later)

        with pytest.raises(WrongSecondFactor):
            staff.prove(staff.code(later), later)

    def test_the_code_that_enrolled_is_spent(self, staff):
        staff.enrol()

        with pytest.raises(WrongSecondFactor):
            staff.prove(staff.code())

    def test_an_earlier_code_than_the_last_is_spent(self, staff, now):
        staff.enrol()
        staff.prove(staff.code(now + 2 * HALF_A_MINUTE), now + 2 * HALF_A_MINUTE)

        with pytest.raises(WrongSecondFactor):
            staff.prove(staff.code(now + HALF_A_MINUTE), now + 2 * HALF_A_MINUTE)

    @pytest.mark.parametrize(("steps", "passes"), [(-1, True), (1, True), (-2, False), (2, False)])
    def test_a_clock_may_be_half_a_minute_off(self, staff, now, steps, passes):
        staff.enrol()
        later = now + 10 * HALF_A_MINUTE
        code = staff.code(later + steps * HALF_A_MINUTE)

        if passes:
            assert staff.prove(code, later)
        else:
            with pytest.raises(WrongSecondFactor):
                staff.prove(code, later)

    def test_a_recovery_code_works_once(self, staff):
        code, *_ = staff.enrol()

        assert staff.prove(f" {code.upper()} ")
        with pytest.raises(WrongSecondFactor):
            staff.prove(code)

    @pytest.mark.parametrize("code", ["", "12345", "١٢٣٤٥٦", "x" * 5000, "000000 "])
    def test_anything_else_is_wrong(self, staff, code):
        staff.enrol()

        with pytest.raises(WrongSecondFactor):
            staff.prove(code)

    def test_five_wrong_codes_lock_it_for_fifteen_minutes(self, staff, now):
        recovery, *_ = staff.enrol()
        for _ in range(5):
            with pytest.raises(WrongSecondFactor):
                staff.prove("wrong")

        later = now + timedelta(minutes=14)
        for code in (staff.code(later), recovery):
            with pytest.raises(TooMany) as refusal:
                staff.prove(code, later)
            assert refusal.value.params["minutes"] == 1
        over = now + timedelta(minutes=15)
        assert staff.prove(staff.code(over), over)

    def test_without_one_it_must_be_enrolled(self, staff):
        with pytest.raises(NotEnrolled):
            staff.prove("123456")
        staff.begin()
        with pytest.raises(NotEnrolled):
            staff.prove(staff.code())


class TestReset:
    def test_takes_it_away_and_ends_the_sessions(self, session, make, staff, now):
        owner = make.staff(UserType.OWNER)
        actor = Actor(role=UserType.OWNER, user_id=owner.id)
        recovery, *_ = staff.enrol()

        for _ in range(2):
            reset_second_factor(session, staff.user.id, reason="lost phone", actor=actor, now=now)

        assert staff.row.revoked_at == now
        session.flush()
        with pytest.raises(NotEnrolled):
            staff.prove(recovery)
        assert session.query(RecoveryCode).count() == 0

    def test_is_the_owners_and_not_for_oneself(self, session, staff, make, now):
        staff.enrol()
        admin = Actor(role=UserType.ADMIN, user_id=make.staff(UserType.ADMIN).id)

        with pytest.raises(OnlyTheOwnerResets):
            reset_second_factor(session, staff.user.id, reason="x", actor=admin, now=now)
        with pytest.raises(NotOnOneself):
            reset_second_factor(session, staff.user.id, reason="x", actor=staff.actor, now=now)
