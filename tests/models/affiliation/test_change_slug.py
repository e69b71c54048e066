"""An affiliate's one change of slug: links with the old one keep leading to them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.accounts import Platform
from models.affiliation.become_affiliate import BadSlug, SlugTaken, become_affiliate
from models.affiliation.change_slug import SlugChangedBefore, change_slug
from models.affiliation.profile import affiliate_by_slug
from models.affiliation.record_click import Visit, record_click
from models.oversight import SYSTEM, history_of
from models.session import unit_of_work
from tests.factories import Make


@pytest.fixture
def alice(make):
    return make.affiliate("alice")


def change(session, affiliate, slug):
    return change_slug(session, affiliate.user_id, slug, actor=SYSTEM)


class TestChangeSlug:
    def test_keeps_the_links_with_the_old_one(self, session, alice, now):
        change(session, alice, " Zoe-1 ")
        session.flush()

        for slug in ("alice", "zoe-1"):
            visit = Visit(slug=slug, platform=Platform.STAM, visitor_key=f"visitor {slug}")
            assert record_click(session, visit, now=now).affiliate_id == alice.user_id
        assert affiliate_by_slug(session, "zoe-1") is affiliate_by_slug(session, "alice") is alice
        assert (alice.affiliate_slug, alice.former_slug) == ("zoe-1", "alice")
        told = history_of(session, "affiliate_profiles", str(alice.user_id))[0]
        assert told.after["affiliate_slug"] == "zoe-1"

    def test_is_made_once(self, session, alice):
        change(session, alice, "zoe")

        assert change(session, alice, "zoe").former_slug == "alice"
        for slug in ("other", "alice"):
            with pytest.raises(SlugChangedBefore):
                change(session, alice, slug)

    def test_to_the_same_changes_nothing(self, session, alice):
        assert change(session, alice, "ALICE").former_slug is None

    @pytest.mark.parametrize("slug", ["admin", "compte-supprime-1"])
    def test_not_to_a_bad_one(self, session, alice, slug):
        with pytest.raises(BadSlug):
            change(session, alice, slug)

    def test_not_to_what_is_or_was_anothers(self, session, make, alice):
        change(session, make.affiliate("karim"), "bruno")

        for slug in ("karim", "bruno"):
            with pytest.raises(SlugTaken):
                change(session, alice, slug)

    def test_what_was_anothers_is_nobodys_first_one(self, session, make, alice):
        change(session, alice, "zoe")

        person = make.user(platform=Platform.WEOKTO)
        with pytest.raises(SlugTaken):
            become_affiliate(session, person.id, "alice", actor=SYSTEM)


class TestAtOnce:
    @pytest.mark.parametrize("is_new", [True, False], ids=["becoming", "changing"])
    def test_who_comes_second_is_told_that_it_is_taken(self, committed, is_new):
        with unit_of_work() as session:
            make = Make(session)
            karim = make.affiliate("karim")
            first, second = (make.user(platform=Platform.WEOKTO) for _ in range(2))

        def take():
            with unit_of_work() as other:
                if is_new:
                    become_affiliate(other, second.id, "zoe", actor=SYSTEM)
                else:
                    change(other, karim, "zoe")

        with ThreadPoolExecutor() as threads:
            with unit_of_work() as session:
                become_affiliate(session, first.id, "zoe", actor=SYSTEM)
                session.flush()
                taking = threads.submit(take)
                with pytest.raises(TimeoutError):
                    taking.result(timeout=0.5)
            with pytest.raises(SlugTaken):
                taking.result(timeout=10)


class TestTheDatabaseItself:
    @pytest.mark.parametrize(
        "wrong", ["affiliate_slug = 'alice'", "former_slug = 'zoe'", "former_slug = 'alice'"]
    )
    def test_keeps_what_is_or_was_somebodys(self, session, make, alice, wrong):
        karim = make.affiliate("karim")
        change(session, alice, "zoe")
        session.flush()

        statement = f"UPDATE affiliate_profiles SET {wrong} WHERE user_id = :id"
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(statement), {"id": str(karim.user_id)})

    def test_tells_whoever_takes_a_slug_that_is_being_given_up(self, committed):
        with unit_of_work() as session:
            make = Make(session)
            alice, karim = make.affiliate("alice"), make.affiliate("karim")

        statement = "UPDATE affiliate_profiles SET affiliate_slug = 'alice' WHERE user_id = :id"

        def take():
            with pytest.raises(IntegrityError, match="slug_is_free"), unit_of_work() as other:
                other.execute(text(statement), {"id": str(karim.user_id)})

        with ThreadPoolExecutor() as threads:
            with unit_of_work() as session:
                change(session, alice, "zoe")
                session.flush()
                taking = threads.submit(take)
                with pytest.raises(TimeoutError):
                    taking.result(timeout=0.5)
            taking.result(timeout=10)
