"""Until when an order can be withdrawn from: days of the Paris calendar, to their very end."""

from datetime import UTC, datetime, timedelta

import pytest

from models.billing.order import withdrawal_until
from models.settings import current_settings, use_settings


class TestWithdrawalUntil:
    @pytest.mark.parametrize(
        ("ordered", "over"),
        [
            ("2026-03-10T11:00", "2026-03-24T23:00"),  # noon: 24 March is the last day
            ("2026-03-09T23:00", "2026-03-24T23:00"),  # the first minute of 10 March
            ("2026-03-10T22:59", "2026-03-24T23:00"),  # and its last
            ("2026-03-10T23:00", "2026-03-25T23:00"),  # 11 March in Paris
            ("2026-03-20T11:00", "2026-04-03T22:00"),  # over the night to summer time
            ("2026-10-20T10:00", "2026-11-03T23:00"),  # and back
            ("2026-12-25T11:00", "2027-01-08T23:00"),
        ],
    )
    def test_is_the_end_of_the_fourteenth_local_day(self, ordered, over):
        at, end = (datetime.fromisoformat(it).replace(tzinfo=UTC) for it in (ordered, over))
        assert withdrawal_until(at) == end

    def test_follows_the_setting(self, settings):
        use_settings(current_settings().model_copy(update={"withdrawal_right_days": 30}))
        at = datetime(2026, 6, 1, 10, tzinfo=UTC)
        assert withdrawal_until(at) == datetime(2026, 7, 1, 22, tzinfo=UTC)
        assert withdrawal_until(at) - at > timedelta(days=30)
