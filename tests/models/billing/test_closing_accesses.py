"""Closing what purchases opened: a community stays open to whom anything else opens it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.billing import AccessGrant, Customer, CustomerStatus
from models.billing.end_subscription import end_subscription
from models.catalog import AccessType, PaymentButton, Product, ProductAccess
from models.communities import CommunityMember
from models.oversight import SYSTEM
from models.session import staff_reading, unit_of_work
from tests.checkouts import buy, put_on_sale
from tests.factories import Make
from tests.models.billing.test_at_once import at_once

pytestmark = pytest.mark.usefixtures("committed", "now")


def sold_by(session, key):
    return session.scalars(
        select(Product).join(PaymentButton).where(PaymentButton.button_key == key)
    ).one()


@pytest.fixture
def both(twin):
    """Two purchases of one person that open the same community; gives their keys."""
    put_on_sale("first")
    put_on_sale("second")
    with unit_of_work() as session:
        shared = sold_by(session, "second").community_id
        session.add(
            ProductAccess(
                product_id=sold_by(session, "first").id,
                access_type=AccessType.COMMUNITY,
                target_id=shared,
                name="shared",
            )
        )
    buy(twin, "first")
    clock.advance(timedelta(hours=1))
    buy(twin, "second")
    with staff_reading() as session:
        keys = session.scalars(select(Customer.id).order_by(Customer.id)).all()
    return shared, keys


def end(customer_id):
    with unit_of_work() as session:
        end_subscription(
            session,
            Customer.for_update(session, customer_id),
            CustomerStatus.CANCELLED,
            actor=SYSTEM,
            now=clock.now(),
            reason="test",
        )


def member_of(community_id):
    with staff_reading() as session:
        return session.scalars(
            select(CommunityMember).where(CommunityMember.community_id == community_id)
        ).one()


class TestClosing:
    def test_a_shared_community_goes_over_to_the_other_purchase(self, both):
        shared, (first, second) = both
        assert member_of(shared).customer_id == first

        end(first)
        assert member_of(shared).is_active
        assert member_of(shared).customer_id == second

        end(second)
        assert not member_of(shared).is_active
        with staff_reading() as session:
            assert all(grant.revoked_at for grant in session.scalars(select(AccessGrant)))

    def test_the_other_order_leaves_as_much(self, both):
        shared, (first, second) = both

        end(second)
        assert member_of(shared).is_active
        end(first)
        assert not member_of(shared).is_active

    def test_both_at_once_leave_nobody_inside(self, both):
        shared, keys = both

        at_once(*[lambda key=key: end(key) for key in keys])

        assert not member_of(shared).is_active

    def test_who_was_in_without_a_purchase_stays(self, twin):
        put_on_sale("first")
        with unit_of_work() as session:
            make = Make(session)
            community_id = sold_by(session, "first").community_id
            person = make.user("bob@example.org")
            make.add(CommunityMember(community_id=community_id, user_id=person.id))
        buy(twin, "first")
        with staff_reading() as session:
            key = session.scalar(select(Customer.id))

        end(key)

        assert member_of(community_id).is_active

    def test_twice_ends_once(self, both):
        _shared, (first, _second) = both
        end(first)
        with staff_reading() as session:
            before = Customer.get(session, first).cancelled_at
        clock.advance(timedelta(days=1))
        end(first)

        with staff_reading() as session:
            assert Customer.get(session, first).cancelled_at == before
