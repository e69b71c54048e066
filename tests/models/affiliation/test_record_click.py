"""Clicks: which count, how they wait in Redis, and how their table is kept."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from models import clock, quick_redis
from models.accounts import Platform
from models.affiliation import TrackingEvent, click_buffer
from models.affiliation.record_click import UnknownAffiliate, Visit, record_click
from models.affiliation.store_clicks import clicks_wait, forget_stored, store_waiting_clicks
from models.affiliation.tidy_clicks import hash_old_addresses, make_click_months, next_to_hash
from models.settings import use_settings

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VISIT = Visit(
    slug="alice",
    platform=Platform.STAM,
    visitor_key="v1",
    landing_path="/p/course",
    ip="203.0.113.7",
    user_agent=BROWSER,
    utm={"utm_source": "insta", "utm_campaign": "spring"},
)


@pytest.fixture
def alone(settings):
    """No Redis."""
    use_settings(settings.model_copy(update={"redis_url": ""}))


@pytest.fixture
def alice(make, now):
    return make.affiliate("alice")


class TestRecordClick:
    @pytest.fixture(autouse=True)
    def _alone(self, alone):
        pass

    def test_stores_one_row(self, session, alice, now):
        click = record_click(session, VISIT, now=now)

        event = session.scalars(select(TrackingEvent)).one()
        assert (event.click_id, event.affiliate_id) == (click.click_id, alice.user_id)
        assert (event.source, event.campaign) == ("insta", "spring")
        assert (event.created_at, event.expires_at) == (now, now + timedelta(days=30))

    def test_lasts_as_long_as_the_longest_program(self, session, make, alice, now):
        make.program(make.product(), cookie_duration_days=60)
        make.program(make.product(), cookie_duration_days=90, is_active=False)

        assert record_click(session, VISIT, now=now).expires_at == now + timedelta(days=60)

    def test_the_link_of_a_deleted_affiliate_is_refused(self, session, alice, now):
        alice.user.closed_at = now

        with pytest.raises(UnknownAffiliate):
            record_click(session, VISIT, now=now)

    def test_an_unknown_slug_is_refused(self, session, alice, now):
        with pytest.raises(UnknownAffiliate):
            record_click(session, replace(VISIT, slug="nobody"), now=now)

    @pytest.mark.parametrize(
        "change",
        [
            {"is_prefetch": True},
            {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
            {"user_agent": "facebookexternalhit/1.1"},
            {"user_agent": "WhatsApp/2.23.20"},
        ],
    )
    def test_what_no_person_did_does_not_count(self, session, alice, now, change):
        assert record_click(session, replace(VISIT, **change), now=now) is None

    def test_the_affiliates_own_look_does_not_count(self, session, make, alice, now):
        twin = make.user(alice.user.email, platform=Platform.STAM)
        for user_id in (alice.user_id, twin.id):
            assert record_click(session, replace(VISIT, user_id=user_id), now=now) is None
        assert record_click(session, replace(VISIT, user_id=make.user().id), now=now)

    def test_a_second_click_within_30_minutes_is_the_first(self, session, make, alice, now):
        make.affiliate("other")
        first = record_click(session, VISIT, now=now)
        almost = now + timedelta(minutes=30) - timedelta(seconds=1)

        assert record_click(session, VISIT, now=almost).click_id == first.click_id
        for change in ({"visitor_key": "v2"}, {"slug": "other"}):
            again = record_click(session, replace(VISIT, **change), now=now)
            assert again.click_id != first.click_id
        clock.move_to(now + timedelta(minutes=30))
        assert record_click(session, VISIT, now=clock.now()).click_id != first.click_id


class TestThroughRedis:
    @pytest.fixture(autouse=True)
    def _empty(self, redis, monkeypatch):
        monkeypatch.setattr(quick_redis, "_left_alone_until", 0.0)

    def test_clicks_wait_and_are_stored_together(self, session, alice, now):
        clicks = [
            record_click(session, replace(VISIT, visitor_key=str(number)), now=now)
            for number in range(3)
        ]
        assert session.scalars(select(TrackingEvent)).all() == []
        assert clicks_wait()

        entries = store_waiting_clicks(session)
        store_waiting_clicks(session)
        forget_stored(entries)

        stored = session.scalars(select(TrackingEvent.click_id)).all()
        assert sorted(stored) == sorted(click.click_id for click in clicks)
        assert not clicks_wait()

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda click: {**click, "campaign": "\x00"},
            lambda click: {**click, "utm": {"utm_source": "\x00"}},
            lambda click: {"click_id": "half"},
        ],
    )
    def test_one_that_cannot_be_stored_keeps_nobody_waiting(
        self, session, alice, now, redis, spoil
    ):
        for number in range(3):
            record_click(session, replace(VISIT, visitor_key=str(number)), now=now)
        name = click_buffer._name("pending")
        redis.lset(name, 1, json.dumps(spoil(json.loads(redis.lindex(name, 1)))))

        forget_stored(store_waiting_clicks(session))

        assert len(session.scalars(select(TrackingEvent)).all()) == 2
        assert not clicks_wait()

    def test_a_repeat_is_told_before_anything_is_stored(self, session, alice, now):
        first = record_click(session, VISIT, now=now)

        again = record_click(session, VISIT, now=now + timedelta(minutes=29))

        assert again.click_id == first.click_id
        assert len(store_waiting_clicks(session)) == 1

    def test_a_repeat_is_told_after_redis_lost_it(self, session, alice, now, redis):
        first = record_click(session, VISIT, now=now)
        store_waiting_clicks(session)
        redis.flushdb()

        assert record_click(session, VISIT, now=now).click_id == first.click_id

    def test_without_an_answer_the_click_is_stored_at_once(self, session, alice, now, settings):
        use_settings(settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"}))

        click = record_click(session, VISIT, now=now)

        assert session.scalars(select(TrackingEvent.click_id)).one() == click.click_id
        assert store_waiting_clicks(session) == []


class TestTheTable:
    def test_months_are_made_ahead_once_and_take_their_clicks(self, session, make, alice, now):
        click = make.click(alice, created_at=now)
        other = make.click(alice, created_at=now - timedelta(days=40))

        assert make_click_months(session, now=now) == 4
        assert make_click_months(session, now=now) == 0

        where = "SELECT tableoid::regclass::text FROM affiliate_tracking_events WHERE id = :id"
        found = [session.scalar(text(where), {"id": row.id}) for row in (click, other)]
        assert found == ["affiliate_tracking_events_2026_03", "affiliate_tracking_events_other"]

    def test_addresses_are_hashed_after_30_days(self, session, make, alice, now):
        old = make.click(alice, created_at=now - timedelta(days=31), ip="203.0.113.7")
        same = make.click(alice, created_at=now - timedelta(days=32), ip="203.0.113.7")
        young = make.click(alice, created_at=now - timedelta(days=29), ip="203.0.113.7")

        assert hash_old_addresses(session, now=now) == 2
        assert hash_old_addresses(session, now=now) == 0
        for row in (old, same, young):
            session.refresh(row)

        assert old.ip == same.ip
        assert old.ip.startswith("h:")
        assert "203" not in old.ip[:6]
        assert young.ip == "203.0.113.7"
        assert session.scalar(next_to_hash()) == young.created_at + timedelta(days=30)
