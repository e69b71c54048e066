"""Row security: what a member, another member and nobody see of two people's data."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from models import clock
from models.accounts import User, UserSession
from models.accounts.copy_data import ask_copy
from models.accounts.mail_choice import choose_mails
from models.affiliation import Commission, PayoutMethod
from models.affiliation.payouts.pay_withdrawal import pay_now
from models.billing import NoticeKind, SubscriptionNotice, customer_of
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.billing.send_refunds import send_refunds
from models.oversight import SYSTEM, Actor
from models.secrets import digest
from models.session import member_session, unit_of_work
from models.tables import metadata
from tests.checkouts import buy
from tests.earnings import release
from tests.factories import Make
from tests.refunds import give_back, sale_of

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


OF_CUSTOMER = "(SELECT user_id FROM customers c WHERE c.id = customer_id)"
OF_INVOICE = (
    "(SELECT c.user_id FROM invoices i JOIN customers c ON c.id = i.customer_id"
    " WHERE i.id = invoice_id)"
)
OF_REDEMPTION = "(SELECT affiliate_id FROM affiliate_boost_redemptions r WHERE r.code_id = {})"
OF_WITHDRAWAL = "(SELECT affiliate_id FROM withdrawal_requests w WHERE w.id = withdrawal_id)"
OWNERS = {
    "users": "id",
    "user_sessions": "user_id",
    "data_requests": "user_id",
    "silenced_mails": "user_id",
    "customers": "user_id",
    "capture_endpoints": "user_id",
    "access_grants": "user_id",
    "community_members": "user_id",
    "payment_methods": OF_CUSTOMER,
    "subscription_notices": OF_CUSTOMER,
    "invoices": OF_CUSTOMER,
    "invoice_lines": OF_INVOICE,
    "payment_attempts": OF_INVOICE,
    "withdrawal_requests": "affiliate_id",
    "withdrawal_allocations": OF_WITHDRAWAL,
    "refunds": OF_CUSTOMER,
    "credit_notes": OF_CUSTOMER,
    "affiliate_profiles": "user_id",
    "affiliate_tracking_events": "affiliate_id",
    "affiliate_commissions": "affiliate_id",
    "affiliate_boost_redemptions": "affiliate_id",
    "affiliate_boost_codes": OF_REDEMPTION.format("affiliate_boost_codes.id"),
    "affiliate_boost_products": OF_REDEMPTION.format("affiliate_boost_products.code_id"),
    "ledger_transfers": "affiliate_id",
    "ledger_entries": "affiliate_id",
    "ledger_accounts": "affiliate_id",
}
"""Each personal table, and whose a row of it is. Whoever is in a community sees its members;
here everyone is alone in theirs."""


@pytest.fixture(scope="module")
def two_people(cleaner):
    """Two buyers, each alone in a community and brought by an affiliate of their own; for the
    whole file, which only reads."""
    people = []
    twin = InProcessProvider()
    use_provider(twin)
    for name in ("ann", "bea"):
        with unit_of_work() as session:
            make = Make(session)
            plan = make.plan()
            make.program(plan.product)
            key = make.button(plan=plan).button_key
            seller, buyer = make.affiliate(), make.user(f"{name}@example.org")
            click = make.click(seller).click_id
            make.redemption(seller, make.boost(products=[plan.product]))
            for person in (seller.user, buyer):
                session.add(
                    UserSession(
                        user_id=person.id,
                        token_hash=digest(str(person.id)),
                        expires_at=clock.now() + timedelta(days=1),
                    )
                )
                choose_mails(session, person.id, [], actor=SYSTEM)
                ask_copy(session, person.id, actor=Actor("CLIENT", person.id), now=clock.now())
            people += [buyer, seller.user]
        bought = buy(twin, key, f"{name}@example.org", click_id=click)
        with unit_of_work() as session:
            commission = session.scalars(
                select(Commission).where(Commission.affiliate_id == seller.user_id)
            ).one()
            release(session, commission, "main", at=clock.now())
            pay_now(
                session,
                seller.user_id,
                method=PayoutMethod.WIRE,
                reference="VIR-1",
                actor=SYSTEM,
                now=clock.now(),
            )
            customer = customer_of(session, buyer.id, plan.product_id)
            session.add(
                SubscriptionNotice(
                    customer_id=customer.id, kind=NoticeKind.CARD_EXPIRING, about_at=clock.now()
                )
            )
        give_back(sale_of(bought).invoice_id, 100)
        send_refunds()
    use_provider(None)
    yield people
    cleaner.clean()


class TestMembersRole:
    def test_is_neither_superuser_nor_owner_nor_bypassing(self):
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


class TestEachPerson:
    @pytest.mark.parametrize("table", OWNERS)
    def test_sees_their_own_rows_and_nobody_elses(self, two_people, table):
        rows = f"SELECT ctid::text, ({OWNERS[table]})::text FROM {table}"
        with unit_of_work() as session:
            everything = session.execute(text(rows)).all()
        owners = {owner for _, owner in everything}
        assert len(owners & {str(person.id) for person in two_people}) >= 2, "nothing to tell apart"
        for person in two_people:
            with member_session(person.id) as session:
                seen = session.scalars(text(f"SELECT ctid::text FROM {table}")).all()
            theirs = [place for place, owner in everything if owner == str(person.id)]
            assert sorted(seen) == sorted(theirs), person.email

    def test_covers_every_table_that_is_theirs(self, session):
        readable = session.scalars(
            text("SELECT tablename FROM pg_policies WHERE 'ws_member' = ANY (roles)")
        ).all()
        shared = {"channel_categories"}
        assert set(readable) - SHOWN_TO_ALL - shared == set(OWNERS)


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
