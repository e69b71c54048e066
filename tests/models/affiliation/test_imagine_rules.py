"""A draft of the lock table, held against what was earned lately: figures only, nothing moves."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from models.affiliation import LockRuleVersion
from models.affiliation.edit_lock_rules import BadLockRules, LockRow
from models.affiliation.imagine_rules import imagine_rules
from models.affiliation.lock_rule import LockProfile
from tests.models.affiliation.sales import Sale

DAY = timedelta(days=1)
NEW = LockRow(LockProfile.NEW, Decimal(50), 10, Decimal(50), 20)
TRUSTED = LockRow(LockProfile.TRUSTED, Decimal(94), 30, Decimal(6), 40)


def test_splits_and_dates_by_the_draft(session, shop, make, now):
    for days in (95, 15, 5):
        Sale(session, shop, make.affiliate(), now - days * DAY)

    (seen,) = imagine_rules(session, [NEW, TRUSTED], now=now)

    assert (seen.profile, seen.commissions, seen.total) == (LockProfile.NEW, 2, 2450)
    assert (seen.main, seen.main_drafted) == (1960, 1224)
    assert (seen.unlocked, seen.unlocked_drafted) == (0, 612)
    assert session.query(LockRuleVersion).count() == 1


def test_says_what_was_unlocked_as_things_are(session, shop, make, now):
    Sale(session, shop, make.affiliate(), now - 60 * DAY)

    (seen,) = imagine_rules(session, [NEW], now=now)

    assert (seen.unlocked, seen.unlocked_drafted) == (980, 1225)


def test_refuses_a_draft_that_cannot_be(session, now):
    with pytest.raises(BadLockRules):
        imagine_rules(session, [replace(NEW, main_days=30)], now=now)
