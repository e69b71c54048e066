"""Boost codes, warning signs and locking anew, from the owner's console."""

import re
from datetime import timedelta

from sqlalchemy import func, select, update

from models import clock
from models.affiliation import (
    BoostCode,
    Commission,
    FlagKind,
    FraudFlag,
    LockRuleVersion,
    RiskLevel,
)
from models.affiliation.boost import products_of
from tests.admin_views.conftest import purchase
from tests.admin_views.test_acts import FINGERPRINT
from tests.admin_views.test_editing import OPENED

CELL = re.compile(r'<input name="([A-Z_]+-[a-z_]+)" value="([^"]*)"')
FIELDS = {"code": "SPRING", "boost_type": "percentage_increase", "scope": "GLOBAL"}


class TestForm:
    def test_the_browser_lets_the_code_be_left_empty(self, owner, console):
        page = owner.get(f"{console}/boosts/new/").text
        assert re.search(r'<input [^>]*name="code"[^>]*>', page)
        assert "required" not in re.search(r'<input [^>]*name="code"[^>]*>', page)[0]


class TestBoosts:
    def test_are_made_and_changed(self, owner, console, keep, read):
        product = keep(lambda make: make.product())
        fields = {**FIELDS, "boost_value": "5", "begins_on": "2026-04-01", "ends_on": "2026-04-30"}
        assert owner.post(f"{console}/boosts/new/", fields).status_code == 302
        boost = read(lambda s: s.scalar(select(BoostCode)))
        assert (boost.code, boost.boost_value) == ("SPRING", 5)
        assert boost.valid_from.isoformat() == "2026-03-31T22:00:00+00:00"
        assert boost.valid_until.isoformat() == "2026-04-30T22:00:00+00:00"

        address = f"{console}/boosts/edit/?id={boost.id}"
        page = owner.get(address).text
        assert 'value="2026-04-30"' in page
        fields |= {
            "scope": "SPECIFIC",
            "products": str(product.id),
            "max_uses": "3",
            "opened_at": OPENED.search(page).group(1),
        }
        assert owner.post(address, fields).status_code == 302
        changed = read(lambda s: s.scalar(select(BoostCode)))
        assert (changed.max_uses, changed.valid_until) == (3, boost.valid_until)
        assert read(lambda s: products_of(s, boost.id)) == [product.id]

    def test_products_that_somebody_else_added_are_not_taken_away_unseen(
        self, owner, console, keep, read, now
    ):
        first, second = keep(lambda make: (make.product(), make.product()))
        fields = {**FIELDS, "scope": "SPECIFIC", "boost_value": "5", "products": str(first.id)}
        assert owner.post(f"{console}/boosts/new/", fields).status_code == 302
        boost = read(lambda s: s.scalar(select(BoostCode)))
        address = f"{console}/boosts/edit/?id={boost.id}"
        fields["opened_at"] = OPENED.search(owner.get(address).text).group(1)
        clock.move_to(now + timedelta(minutes=1))
        both = {**fields, "products": [str(first.id), str(second.id)]}
        assert owner.post(address, both).status_code == 302

        answer = owner.post(address, {**fields, "max_uses": "3"})

        assert answer.status_code == 422
        assert "Code boost modifié" in answer.text
        assert read(lambda s: set(products_of(s, boost.id))) == {first.id, second.id}

    def test_a_bonus_is_typed_in_euros(self, owner, console, read):
        fields = {**FIELDS, "boost_type": "flat_bonus", "boost_value": "12,50"}
        assert owner.post(f"{console}/boosts/new/", fields).status_code == 302
        boost = read(lambda s: s.scalar(select(BoostCode)))
        assert boost.boost_value == 1250
        page = owner.get(f"{console}/boosts/edit/?id={boost.id}").text
        assert 'value="12,5"' in page

    def test_a_wrong_value_is_shown_at_its_field(self, owner, console, read):
        answer = owner.post(f"{console}/boosts/new/", {**FIELDS, "boost_value": "101"})
        assert answer.status_code == 422
        assert read(lambda s: s.scalar(select(BoostCode))) is None

    def test_deactivating_shows_what_it_ends(self, owner, console, keep, read):
        boost = keep(lambda make: make.redemption(make.affiliate(), make.boost("SPRING")).code_id)
        address = f"{console}/boosts/act/deactivate/?id={boost}"
        page = owner.post(address, {"end_uses": "y"})
        mark = FINGERPRINT.search(page.text).group(1)
        answer = owner.post(address, {"end_uses": "y", "fingerprint": mark})
        assert answer.status_code == 302
        assert not read(lambda s: s.get(BoostCode, boost).is_active)
        uses = owner.get(f"{console}/boost-uses/").text
        assert "SPRING" in uses


class TestFlags:
    def test_stand_on_the_affiliates_page_until_put_away(self, owner, console, keep, read):
        flag = keep(
            lambda make: make.add(
                FraudFlag(
                    affiliate_id=make.affiliate("alice").user_id,
                    kind=FlagKind.SAME_IP,
                    evidence_key="203.0.113.7",
                    evidence={"ip": "203.0.113.7", "purchases": 3},
                    first_seen_at=clock.now(),
                    last_seen_at=clock.now(),
                )
            )
        )
        page = f"{console}/affiliates/details/?id={flag.affiliate_id}"
        assert "203.0.113.7" in owner.get(page).text
        assert "alice" in owner.get(f"{console}/flags/").text

        act = f"{console}/flags/act/dismiss/?id={flag.id}"
        assert owner.post(act, {"reason": "a school"}).status_code == 302

        assert read(lambda s: s.get(FraudFlag, flag.id).dismissed_by) == owner.user_id
        assert "203.0.113.7" not in owner.get(page).text


class TestRelocking:
    def test_is_previewed_with_its_dates_and_then_done(self, owner, console, keep, read):
        keep(lambda make: purchase(make, affiliate=make.affiliate()))
        commission = read(lambda s: s.scalar(select(Commission)))
        address = f"{console}/affiliates/act/change-risk/?id={commission.affiliate_id}"
        fields = {"to": "HIGH_RISK", "pin": "keep", "relock": "y", "note": "odd sales"}

        page = owner.post(address, fields)
        before = commission.earned_at + timedelta(days=commission.main_lock_days)
        after = commission.earned_at + timedelta(days=90)
        for instant in (before, after):
            assert clock.paris(instant).strftime("%d/%m/%Y") in page.text
        mark = FINGERPRINT.search(page.text).group(1)
        answer = owner.post(address, {**fields, "fingerprint": mark})

        assert answer.status_code == 302
        changed = read(lambda s: s.scalar(select(Commission)))
        assert changed.locked_until == after
        assert changed.main_lock_days == 90
        assert RiskLevel.HIGH_RISK.value in changed.explanation["relocked"][0]["risk_level"]


class TestADraftOfTheLockRules:
    def test_is_tried_on_what_was_earned_lately(self, owner, console, keep, read):
        keep(lambda make: purchase(make, affiliate=make.affiliate()))
        commission = read(lambda s: s.scalar(select(Commission)))
        new = update(Commission).values(explanation={"lock_profile": "NEW"}, earned_at=clock.now())
        keep(lambda make: make.session.execute(new))
        address = f"{console}/lock-rules/new-version/"
        cells = dict(CELL.findall(owner.get(address).text))
        cells["NEW-main_percent"], cells["NEW-extended_percent"] = "50", "50"

        page = owner.post(address, {**cells, "imagine": "1"})

        assert page.status_code == 200
        drafted = commission.total_amount // 2
        assert f"{drafted // 100},{drafted % 100:02}" in page.text
        assert read(lambda s: s.scalar(select(func.count()).select_from(LockRuleVersion))) == 1
