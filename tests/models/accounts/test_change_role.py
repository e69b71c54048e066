"""Roles: the owner's to change, with an owner always left."""

import pytest

from models.accounts import Platform, UserType
from models.accounts.change_role import (
    OnlyTheOwner,
    StaffAreWeoktoUsers,
    become_affiliate,
    change_role,
)
from models.accounts.suspend_user import NotOnOneself, ReasonMissing
from models.affiliation.become_affiliate import NotOnWeokto
from models.affiliation.on_role_change import HasAffiliateProfile, NoAffiliateProfile
from models.oversight import SYSTEM, Actor


@pytest.fixture
def owner(make, now):
    user = make.staff(UserType.OWNER)
    return Actor(role=UserType.OWNER, user_id=user.id)


class TestChangeRole:
    def test_gives_the_role(self, session, make, owner, now):
        user = make.staff(UserType.PRODUCT_MANAGER)

        change_role(session, user.id, UserType.ADMIN, reason="promoted", actor=owner, now=now)

        assert user.user_type is UserType.ADMIN

    @pytest.mark.parametrize("role", [it for it in UserType if it is not UserType.OWNER])
    def test_is_the_owners_alone(self, session, make, now, role):
        actor = Actor(role=role, user_id=make.staff().id)
        with pytest.raises(OnlyTheOwner):
            change_role(session, make.user().id, UserType.ADMIN, reason="x", actor=actor, now=now)

    def test_an_owner_keeps_their_own(self, session, owner, now):
        with pytest.raises(NotOnOneself):
            change_role(session, owner.user_id, UserType.CLIENT, reason="x", actor=owner, now=now)

    def test_staff_are_weokto_users(self, session, make, owner, now):
        with pytest.raises(StaffAreWeoktoUsers):
            change_role(session, make.user().id, UserType.ADMIN, reason="x", actor=owner, now=now)

    def test_wants_a_reason(self, session, make, owner, now):
        user = make.staff(UserType.ADMIN)
        with pytest.raises(ReasonMissing):
            change_role(session, user.id, UserType.OWNER, reason=" ", actor=owner, now=now)


class TestAffiliates:
    """Whoever has the role has the profile, and the other way round: pages rely on it."""

    @pytest.fixture
    def change(self, session, owner, now):
        return lambda user, role: change_role(
            session, user.id, role, reason="asked", actor=owner, now=now
        )

    def test_a_client_without_a_profile_is_none(self, make, change):
        user = make.user(platform=Platform.WEOKTO)
        with pytest.raises(NoAffiliateProfile):
            change(user, UserType.AFFILIATE)
        assert user.user_type is UserType.CLIENT

    def test_are_weokto_users(self, make, change):
        with pytest.raises(NotOnWeokto):
            change(make.user(platform=Platform.STAM), UserType.AFFILIATE)

    def test_one_does_not_become_a_client(self, make, change):
        user = make.affiliate().user
        with pytest.raises(HasAffiliateProfile):
            change(user, UserType.CLIENT)
        assert user.user_type is UserType.AFFILIATE

    def test_one_who_was_staff_is_one_again(self, make, change):
        user = make.affiliate().user
        change(user, UserType.ADMIN)

        assert change(user, UserType.AFFILIATE).user_type is UserType.AFFILIATE

    def test_staff_without_a_profile_are_clients_again(self, make, change):
        assert change(make.staff(UserType.ADMIN), UserType.CLIENT).user_type is UserType.CLIENT


class TestBecomeAffiliate:
    @pytest.mark.parametrize("role", UserType)
    def test_changes_clients_only(self, session, make, now, role):
        user = make.staff(role)

        become_affiliate(session, user.id, actor=SYSTEM, now=now)

        assert user.user_type is (UserType.AFFILIATE if role is UserType.CLIENT else role)
