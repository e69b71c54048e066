"""Affiliates' links on pages and for pages outside: what is recorded, kept and carried on."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock, quick_redis
from models.affiliation import TrackingEvent
from models.affiliation.click_id import read_click_id
from models.affiliation.store_clicks import forget_stored, store_waiting_clicks
from models.session import unit_of_work
from models.settings import use_settings
from tests.factories import Make

STAM = "http://stam.localhost"
COOKIE = "weokto_aff_ref"
SECOND = timedelta(seconds=1)
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
def alice(client, now, monkeypatch):
    monkeypatch.setattr(quick_redis, "_left_alone_until", 0.0)
    with unit_of_work() as session:
        return Make(session).affiliate("alice")


def visit(client, address="/?ref=alice", **headers):
    return client.get(address, headers={**BROWSER, **headers})


def clicks():
    with unit_of_work() as session:
        entries = store_waiting_clicks(session)
    forget_stored(entries)
    with unit_of_work() as session:
        return session.scalars(select(TrackingEvent)).all()


def agree(client, answer="yes"):
    client.set_cookie("consent", answer)


class TestAnyPage:
    def test_records_one_click(self, client, alice):
        page = visit(client, "/?ref=alice&utm_source=insta&campaign=spring")

        (click,) = clicks()
        assert page.status_code == 200
        assert (click.affiliate_id, click.platform) == (alice.user_id, "WEOKTO")
        assert (click.source, click.campaign, click.landing_path) == ("insta", "spring", "/")
        assert click.ip == "127.0.0.1"

    def test_on_either_platform(self, client, alice):
        client.get("/?ref=alice", base_url=STAM, headers=BROWSER)

        assert [click.platform for click in clicks()] == ["STAM"]

    def test_sets_no_cookie_without_consent(self, client, alice):
        agree(client, "no")
        assert COOKIE not in visit(client).headers.get("Set-Cookie", "")
        assert client.get_cookie(COOKIE) is None

    def test_keeps_a_cookie_with_consent(self, client, alice):
        agree(client)

        said = visit(client).headers["Set-Cookie"]

        (click,) = clicks()
        assert said.startswith(f"{COOKIE}={click.click_id};")
        assert "HttpOnly" in said
        assert "SameSite=Lax" in said
        assert f"Max-Age={30 * 24 * 3600}" in said

    def test_keeps_a_cookie_where_the_owner_says_it_is_necessary(self, client, alice, settings):
        necessary = {"referral_cookie_is_strictly_necessary": True}
        use_settings(settings.model_copy(update=necessary))

        assert visit(client).headers["Set-Cookie"].startswith(COOKIE)

    def test_carries_the_click_in_its_own_links(self, client, alice):
        page = visit(client).text

        (click,) = clicks()
        assert f'name="click" value="{click.click_id}"' in page

    def test_a_click_carried_along_is_kept_once_there_is_consent(self, client, alice):
        visit(client)
        (click,) = clicks()
        agree(client)

        said = visit(client, f"/?click={click.click_id}").headers["Set-Cookie"]

        assert said.startswith(f"{COOKIE}={click.click_id};")
        assert len(clicks()) == 1

    def test_an_older_click_carried_along_does_not_undo_a_newer_one(self, client, alice):
        with unit_of_work() as session:
            Make(session).affiliate("bruno")
        visit(client)
        (old,) = clicks()
        clock.advance(timedelta(days=1))
        agree(client)
        visit(client, "/?ref=bruno")
        kept = client.get_cookie(COOKIE).value

        page = visit(client, f"/?click={old.click_id}")

        assert "Set-Cookie" not in page.headers
        assert f'value="{old.click_id}"' not in page.text
        assert client.get_cookie(COOKIE).value == kept != old.click_id

    @pytest.mark.parametrize(("late", "is_kept"), [(timedelta(), False), (-SECOND, True)])
    def test_a_click_carried_along_is_kept_for_its_days_only(self, client, alice, late, is_kept):
        visit(client)
        (click,) = clicks()
        agree(client)
        clock.advance(timedelta(days=30) + late)

        page = visit(client, f"/?click={click.click_id}")

        assert (COOKIE in page.headers.get("Set-Cookie", "")) is is_kept
        assert (f'value="{click.click_id}"' in page.text) is is_kept

    def test_a_click_id_that_we_did_not_make_is_carried_nowhere(self, client, alice):
        agree(client)
        page = visit(client, "/?click=" + "ab" * 42)

        assert "Set-Cookie" not in page.headers
        assert "ab" * 42 not in page.text.split("<body")[1].replace("?click=" + "ab" * 42, "")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Purpose": "prefetch;prerender"},
            {"Purpose": "prefetch"},
            {"X-Moz": "prefetch"},
            {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"},
        ],
    )
    def test_what_nobody_did_is_not_recorded(self, client, alice, headers):
        assert visit(client, **headers).status_code == 200
        assert clicks() == []

    @pytest.mark.parametrize(
        "address",
        [
            "/?ref=nobody",
            "/?ref=",
            "/?ref=" + "x" * 5000,
            "/?ref=%27--",
            "/static/js/embed.js?ref=alice",
        ],
    )
    def test_an_unknown_link_is_ignored(self, client, alice, address):
        answer = visit(client, address)
        answer.close()  # a static file stays open until then

        assert answer.status_code in (200, 404)
        assert clicks() == []

    def test_half_an_hour_makes_a_new_click(self, client, alice):
        for _ in range(2):
            visit(client)
        clock.advance(timedelta(minutes=30))
        visit(client)

        assert len(clicks()) == 2

    def test_never_costs_the_page(self, client, alice, monkeypatch):
        monkeypatch.setattr("public.clicks.record_click", lambda *args, **more: 1 // 0)

        assert visit(client).status_code == 200


class TestTrack:
    def test_answers_the_click_to_any_origin(self, client, alice):
        answer = visit(
            client,
            "/api/affiliate/track?ref=alice&page=https://blog.example/a&utm_source=blog",
            Origin="https://blog.example",
        )

        (click,) = clicks()
        assert answer.json["recorded"] is True
        assert read_click_id(answer.json["click_id"]).affiliate_id == alice.user_id
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert (click.landing_path, click.source) == ("https://blog.example/a", "blog")

    def test_an_unknown_link_is_404(self, client, alice):
        answer = visit(client, "/api/affiliate/track?ref=nobody")

        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "unknown_affiliate"

    def test_a_bot_is_told_that_nothing_was_recorded(self, client, alice):
        answer = visit(client, "/api/affiliate/track?ref=alice", **{"User-Agent": "Googlebot/2.1"})

        assert answer.json == {"recorded": False, "click_id": None, "expires_at": None}

    def test_needs_a_link(self, client, alice):
        assert visit(client, "/api/affiliate/track").status_code == 422

    def test_sixty_a_minute(self, client, alice):
        statuses = [visit(client, "/api/affiliate/track?ref=nobody").status_code for _ in range(62)]

        assert statuses.count(404) == 60
        assert statuses[-1] == 429
