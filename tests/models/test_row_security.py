"""Row security: what a member, another member and nobody see of two people's data."""

import pytest
from sqlalchemy import func, select, text

from models.accounts import User
from models.session import member_session, unit_of_work
from models.tables import metadata
from tests.factories import Make

SHOWN_TO_ALL = {
    "alembic_version",
    "communities",
    "products",
    "plans",
    "payment_buttons",
    "product_access",
    "affiliate_programs",
    "lock_rule_versions",
    "lock_rules",
}


@pytest.fixture
def two_people(committed):
    with unit_of_work() as session:
        make = Make(session)
        people = [make.user(), make.user()]
        for person in people:
            make.capture(user=person)
            make.click(make.affiliate(user=person))
    return people


class TestMembersRole:
    def test_is_neither_superuser_nor_owner_nor_bypassing(self, committed):
        with member_session(None) as session:
            role = session.execute(
                text(
                    "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles"
                    " WHERE rolname = current_user"
                )
            ).one()
            owned = session.scalar(
                text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
            )
        assert tuple(role) == ("ws_member", False, False)
        assert owned == 0

    def test_sees_only_itself_among_users(self, two_people):
        for person in two_people:
            with member_session(person.id) as session:
                assert session.scalars(select(User.id)).all() == [person.id]

    def test_leaves_nobody_behind_in_a_pooled_connection(self, two_people):
        with member_session(two_people[0].id) as session:
            session.scalar(select(func.count()).select_from(User))
        with member_session(None) as session:
            assert session.scalar(select(func.count()).select_from(User)) == 0

    def test_cannot_step_up_or_write(self, two_people):
        for statement in (
            "SET ROLE ws_staff",
            "UPDATE users SET display_name = 'x'",
            "DELETE FROM customers",
            "INSERT INTO ledger_accounts VALUES (gen_random_uuid(), 'AVAILABLE', 1, 'EUR')",
        ):
            with (
                pytest.raises(Exception, match="permission denied"),
                member_session(two_people[0].id) as session,
            ):
                session.execute(text(statement))


class TestEveryTable:
    @pytest.mark.parametrize("table", sorted(metadata.tables))
    def test_shows_nobody_only_what_is_on_show(self, two_people, table):
        with member_session(None) as session:
            allowed = session.scalar(
                text("SELECT has_table_privilege(current_user, :table, 'SELECT')"),
                {"table": table},
            )
            if allowed and table not in SHOWN_TO_ALL:
                assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0

    @pytest.mark.parametrize("table", sorted(metadata.tables))
    def test_has_row_security_enabled_and_forced(self, session, table):
        assert session.execute(
            text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = :table"),
            {"table": table},
        ).one() == (True, True)


class TestPolicies:
    def test_ask_for_no_flag_and_look_up_once(self, session):
        """A lint: an OR costs the index, a correlated subselect runs once a row."""
        for name, rule in session.execute(
            text("SELECT policyname, qual FROM pg_policies WHERE 'ws_member' = ANY (roles)")
        ):
            assert " OR " not in rule, name
            assert "current_setting" not in rule or "NULLIF(current_setting" in rule, name
            assert "EXISTS" not in rule, name
