"""What is owed, and by how much it has grown."""

from datetime import timedelta

from models import clock
from models.ledger.figures import owed, owed_since
from tests.models.ledger.test_post import earn


class TestOwed:
    def test_is_what_affiliates_hold(self, session, make, now):
        alice, bob = make.affiliate(), make.affiliate()
        earn(session, alice, now, key="commission:1")
        earn(session, bob, now, key="commission:2")
        assert owed(session) == 2450

    def test_grows_by_what_was_posted_since(self, session, make, now):
        affiliate = make.affiliate()
        earn(session, affiliate, now, key="commission:1")
        clock.advance(timedelta(days=2))
        earn(session, affiliate, clock.now(), key="commission:2")
        assert owed_since(session, now + timedelta(days=1)) == 1225
        assert owed_since(session, now - timedelta(days=1)) == 2450
