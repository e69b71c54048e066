"""An affiliate's withdrawals, filtered and paged."""

from datetime import timedelta

import pytest

from models.affiliation import PayoutMethod, WithdrawalStatus
from models.affiliation.payouts import withdrawals_of
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.pay_withdrawal import pay_now
from models.oversight import SYSTEM

DAY = timedelta(days=1)


@pytest.fixture
def affiliate(session, earnings, owner, now):
    """Earned 200 €, asked for 60 € a day later, was paid 40 € on the third."""
    earnings.affiliate(7_000)
    mine = earnings.affiliate(20_000)
    ask_withdrawal(session, mine.user_id, 6_000, actor=SYSTEM, now=now + DAY)
    pay_now(
        session,
        mine.user_id,
        amount=4_000,
        method=PayoutMethod.PAYPAL,
        reference="pp",
        actor=owner,
        now=now + 2 * DAY,
    )
    return mine


class TestWithdrawals:
    def test_newest_first_filtered_and_paged(self, session, affiliate, now):
        key = affiliate.user_id
        paid, asked = withdrawals_of(session, key)
        assert (paid.requested_amount, asked.requested_amount) == (4_000, 6_000)
        assert withdrawals_of(session, key, statuses=[WithdrawalStatus.PAID]) == [paid]
        assert withdrawals_of(session, key, since=now + 2 * DAY) == [paid]
        assert withdrawals_of(session, key, until=now + 2 * DAY) == [asked]
        assert withdrawals_of(session, key, before=paid.id) == [asked]
        assert withdrawals_of(session, key, limit=1) == [paid]
