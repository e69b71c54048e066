"""Affiliates' own matters: becoming one, risk levels, the lock table's editions, locking."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import select

from models.accounts import Platform, UserType
from models.affiliation import Commission, CommissionStatus, LockRule, RiskLevel, RiskLevelChange
from models.affiliation.become_affiliate import (
    BadSlug,
    NotOnWeokto,
    SlugTaken,
    become_affiliate,
)
from models.affiliation.change_risk import NoteMissing, change_risk, preview_risk
from models.affiliation.earn_commission import earn_commission
from models.affiliation.edit_lock_rules import BadLockRules, LockRow, edit_lock_rules
from models.affiliation.join_guild import ChangedLately, join_guild
from models.affiliation.lock_rule import LockProfile, rules_in_force
from models.communities import CommunityMember
from models.ledger import balances_of
from models.oversight import SYSTEM, history_of
from models.session import unit_of_work

DAY = timedelta(days=1)
ROW = LockRow(LockProfile.TRUSTED, Decimal(95), 30, Decimal(5), 40)


class TestBecomeAffiliate:
    def test_gives_a_profile_and_empty_accounts(self, session, make, now):
        user = make.user(platform=Platform.WEOKTO)

        profile = become_affiliate(session, user.id, "Alice-1", actor=SYSTEM, now=now)

        assert profile.affiliate_slug == "alice-1"
        assert user.user_type is UserType.AFFILIATE
        assert balances_of(session, user.id).available == 0
        assert become_affiliate(session, user.id, "other", actor=SYSTEM, now=now) is profile

    def test_the_guild_joined_before_is_the_first_one(self, session, make, now):
        user = make.user(platform=Platform.WEOKTO)
        guilds = [make.community(platform=Platform.WEOKTO) for _ in range(3)]
        join = partial(join_guild, session, user.id, click_id=None, actor=SYSTEM)
        join(guilds[0].id, now=now)

        profile = become_affiliate(session, user.id, "alice", actor=SYSTEM, now=now + DAY)
        assert (profile.current_guild_id, profile.guild_joined_at) == (guilds[0].id, now)
        assert profile.last_guild_change_at is None

        join(guilds[1].id, now=now + 2 * DAY)
        assert profile.last_guild_change_at == now + 2 * DAY
        with pytest.raises(ChangedLately):
            join(guilds[2].id, now=now + 3 * DAY)

    def test_a_guild_left_or_closed_to_them_is_none(self, session, make, now):
        user = make.user(platform=Platform.WEOKTO)
        for state in ({"is_active": False}, {"banned_at": now}):
            guild = make.community(platform=Platform.WEOKTO)
            make.add(CommunityMember(user_id=user.id, community_id=guild.id, **state))

        profile = become_affiliate(session, user.id, "alice", actor=SYSTEM, now=now)

        assert (profile.current_guild_id, profile.guild_joined_at) == (None, None)

    def test_not_on_stam(self, session, make, now):
        with pytest.raises(NotOnWeokto):
            become_affiliate(session, make.user().id, "alice", actor=SYSTEM, now=now)

    @pytest.mark.parametrize(
        "slug", ["", "-", "a-", "a" * 41, "-abc", "abc-", "a b c", "é" * 5, "admin"]
    )
    def test_not_under_a_bad_slug(self, session, make, now, slug):
        user = make.user(platform=Platform.WEOKTO)
        with pytest.raises(BadSlug):
            become_affiliate(session, user.id, slug, actor=SYSTEM, now=now)

    @pytest.mark.parametrize("slug", ["a", "a1", "7", "a" * 40])
    def test_under_a_short_or_a_long_slug(self, session, make, now, slug):
        user = make.user(platform=Platform.WEOKTO)
        profile = become_affiliate(session, user.id, slug, actor=SYSTEM, now=now)
        assert profile.affiliate_slug == slug

    def test_not_under_anothers_slug(self, session, make, now):
        make.affiliate("alice")
        with pytest.raises(SlugTaken):
            become_affiliate(
                session, make.user(platform=Platform.WEOKTO).id, "alice", actor=SYSTEM, now=now
            )


class TestChangeRisk:
    def test_keeps_who_why_and_the_figures(self, session, make, now, staff):
        affiliate = make.affiliate(refund_rate=Decimal("0.21"), total_refunds=4)

        change_risk(
            session, affiliate.user_id, RiskLevel.AT_RISK, note=" Many refunds ", actor=staff
        )

        change = session.scalars(select(RiskLevelChange)).one()
        assert (change.from_level, change.to_level) == (RiskLevel.NORMAL, RiskLevel.AT_RISK)
        assert (change.note, change.changed_by) == ("Many refunds", staff.user_id)
        assert change.figures["refund_rate"] == "0.21"
        assert change.figures["total_refunds"] == 4
        assert change.figures["by_figures"] is False
        told = history_of(session, "affiliate_profiles", str(affiliate.user_id))[0]
        assert told.before == {"risk_level": "NORMAL"}
        assert told.after["risk_level"] == "AT_RISK"

    def test_needs_a_note(self, session, make, now, staff):
        with pytest.raises(NoteMissing):
            change_risk(
                session, make.affiliate().user_id, RiskLevel.AT_RISK, note=" ", actor=staff, now=now
            )

    def test_the_same_level_changes_nothing(self, session, make, now, staff):
        affiliate = make.affiliate()
        for pin in (None, False):
            change_risk(session, affiliate.user_id, RiskLevel.NORMAL, note="", actor=staff, pin=pin)
        assert session.scalars(select(RiskLevelChange)).all() == []

    def test_shows_before_what_it_would_change(self, session, shop, make, now, staff):
        affiliate = make.affiliate()
        invoice = shop.invoice(shop.brought_by(affiliate))
        made = earn_commission(session, invoice.id, actor=SYSTEM, now=now)

        seen = preview_risk(session, affiliate.user_id, RiskLevel.HIGH_RISK, now=now)
        change_risk(session, affiliate.user_id, RiskLevel.HIGH_RISK, note="x", actor=staff, now=now)

        assert (seen.before.main_days, seen.after.main_days) == (45, 90)
        assert (seen.commissions_locked, seen.amount_locked) == (1, 1225)
        assert made.locked_until == now + 45 * DAY


class TestEditLockRules:
    def test_makes_a_new_version_and_keeps_the_former(self, session, now, staff):
        version = edit_lock_rules(session, [ROW], actor=staff, now=now, note="more trust")

        assert (version.version, version.valid_from) == (2, now)
        rows = {rule.profile: rule for rule in rules_in_force(session, now)}
        assert len(rows) == 7
        assert rows[LockProfile.TRUSTED].main_percent == 95
        assert rows[LockProfile.TRUSTED].min_age == 91
        assert rows[LockProfile.NEW].main_percent == 80
        before = {rule.profile: rule for rule in rules_in_force(session, now - DAY)}
        assert before[LockProfile.TRUSTED].main_percent == 94

    def test_the_same_rows_make_no_version(self, session, now, staff):
        first = edit_lock_rules(session, [ROW], actor=staff, now=now)
        assert edit_lock_rules(session, [ROW], actor=staff, now=now + DAY) is first
        assert len(session.scalars(select(LockRule)).all()) == 14

    @pytest.mark.parametrize(
        "row",
        [
            LockRow(LockProfile.NEW, Decimal(80), 45, Decimal(21), 90),
            LockRow(LockProfile.NEW, Decimal(101), 45, Decimal(-1), 90),
            LockRow(LockProfile.NEW, Decimal(80), 91, Decimal(20), 90),
            LockRow(LockProfile.NEW, Decimal(80), -1, Decimal(20), 90),
            LockRow(LockProfile.NEW, Decimal("80.001"), 45, Decimal("19.999"), 90),
        ],
    )
    def test_refuses_rows_that_cannot_be(self, session, now, staff, row):
        with pytest.raises(BadLockRules):
            edit_lock_rules(session, [row], actor=staff, now=now)

    def test_two_at_once_follow_each_other(self, committed, now):
        both = threading.Barrier(2)

        def edit(profile, days, at):
            row = LockRow(profile, Decimal(50), days, Decimal(50), days)
            both.wait()
            with unit_of_work() as session:
                return edit_lock_rules(session, [row], actor=SYSTEM, now=at).version

        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(edit, LockProfile.NEW, 7, now),
                pool.submit(edit, LockProfile.RECENT, 8, now + timedelta(milliseconds=1)),
            ]
            assert sorted(one.result() for one in asked) == [2, 3]

        with unit_of_work() as session:
            rows = {rule.profile: rule for rule in rules_in_force(session, now + DAY)}
        assert (rows[LockProfile.NEW].main_days, rows[LockProfile.RECENT].main_days) == (7, 8)

    def test_refuses_a_profile_twice(self, session, now, staff):
        with pytest.raises(BadLockRules):
            edit_lock_rules(session, [ROW, ROW], actor=staff, now=now)


class TestStatuses:
    def test_statuses_move_only_as_their_table_says(self):
        assert set(Commission.LEADS_TO) == set(CommissionStatus)
        assert Commission.LEADS_TO[CommissionStatus.PENDING_LOCK] == {
            CommissionStatus.LOCKED,
            CommissionStatus.PARTIALLY_MATURED,
            CommissionStatus.MATURED,
            CommissionStatus.CLAWED_BACK,
        }
