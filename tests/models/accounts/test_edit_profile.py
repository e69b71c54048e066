"""One's own profile: bounded texts, two languages, and no trail where nothing changed."""

import pytest

from models.accounts.edit_profile import ProfileTextTooLong, UnknownLanguage, edit_profile
from models.oversight import SYSTEM, history_of


class TestEditProfile:
    def test_changes_what_is_given(self, session, make, now):
        user = make.user(bio="old")

        edit_profile(session, user.id, display_name="  Ada 🦊  L ", actor=SYSTEM, now=now)

        assert (user.display_name, user.bio, user.locale) == ("Ada 🦊 L", "old", "fr")

    def test_the_same_again_leaves_no_trail(self, session, make, now):
        user = make.user()
        for _ in range(2):
            edit_profile(session, user.id, locale="en", actor=SYSTEM, now=now)

        session.flush()
        assert len(history_of(session, "users", str(user.id))) == 1

    @pytest.mark.parametrize(("field", "most"), [("display_name", 80), ("bio", 1000)])
    def test_refuses_what_is_too_long(self, session, make, now, field, most):
        user = make.user()
        edit_profile(session, user.id, actor=SYSTEM, now=now, **{field: "x" * most})

        with pytest.raises(ProfileTextTooLong) as refusal:
            edit_profile(session, user.id, actor=SYSTEM, now=now, **{field: "x" * (most + 1)})
        assert refusal.value.field == field

    def test_refuses_another_language(self, session, make, now):
        with pytest.raises(UnknownLanguage):
            edit_profile(session, make.user().id, locale="de", actor=SYSTEM, now=now)
