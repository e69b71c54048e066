"""One commission under every profile of its own version: what another level would have meant."""

from datetime import timedelta

from sqlalchemy import select

from models.affiliation import Commission, LockProfile
from models.affiliation.imagine_profiles import imagine_profiles
from tests.models.affiliation.sales import Sale


def test_splits_and_dates_a_commission_by_each_row(session, shop, make, now):
    Sale(session, shop, make.affiliate(), now)
    commission = session.scalars(select(Commission)).one()

    found = {each.profile: each for each in imagine_profiles(session, commission)}

    assert set(found) == set(LockProfile)
    assert all(each.main + each.extended == commission.total_amount for each in found.values())
    [real] = [each for each in found.values() if each.is_real]
    assert (real.main, real.extended) == (commission.main_amount, commission.extended_amount)
    assert (real.main_until, real.extended_until) == (
        commission.locked_until,
        commission.extended_locked_until,
    )
    extreme = found[LockProfile.EXTREME_RISK]
    assert (extreme.main, extreme.extended) == (735, 490)
    assert extreme.extended_until == commission.earned_at + timedelta(days=180)
