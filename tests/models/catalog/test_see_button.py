"""Where buttons are seen: what a page says of itself, and that its key is used from then on."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from models import clock
from models.catalog import ButtonSighting, PaymentButton
from models.catalog.change import InUse, delete_unused
from models.catalog.edit_button import KeyInUse, delete_button, edit_button
from models.catalog.see_button import see_button
from models.errors import Missing
from models.oversight import Actor

OWNER = Actor(role="OWNER")
PAGE = "https://blog.example/a"


def see(session, key="offer", **said):
    told = {"price_shown": 4900, "price_follows": True, "loses_ref": None, **said}
    see_button(session, key, page_url=PAGE, now=clock.now(), **told)
    session.expire_all()
    return session.scalars(select(ButtonSighting)).one()


class TestSeeButton:
    def test_uses_the_key_from_the_first_page_on(self, session, make, now):
        button = make.button("offer")
        see(session)
        clock.advance(timedelta(days=1))
        see(session)

        assert session.get(PaymentButton, button.id).used_at == now
        with pytest.raises(KeyInUse):
            edit_button(session, button.id, {"button_key": "another"}, actor=OWNER)
        with pytest.raises(InUse):
            delete_button(session, button.id, actor=OWNER)

    def test_a_button_with_sightings_is_kept_by_the_database_too(self, session, make, now):
        button = make.button("offer")
        see(session)

        with pytest.raises(InUse):
            delete_unused(session, session.get(PaymentButton, button.id))

    def test_a_seen_key_stays_in_the_database_too(self, session, make, now):
        button = make.button("offer")
        see(session)
        session.get(PaymentButton, button.id).button_key = "another"

        with pytest.raises(IntegrityError):
            session.flush()

    def test_keeps_what_was_lost_until_a_visit_shows_otherwise(self, session, make, now):
        make.button("offer")

        assert [see(session, loses_ref=said).loses_ref for said in (None, True, None, False)] == [
            False,
            True,
            True,
            False,
        ]

    def test_keeps_the_price_of_the_last_view(self, session, make, now):
        make.button("offer")
        see(session)
        seen = see(session, price_shown=5900, price_follows=False)

        assert (seen.price_shown, seen.price_follows) == (5900, False)

    def test_of_an_unknown_key_is_refused(self, session, now):
        with pytest.raises(Missing):
            see(session, "nothing")
