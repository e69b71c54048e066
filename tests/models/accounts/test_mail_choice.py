"""Mails one can do without: switched off and on again, and only those."""

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from models.accounts import MailTopic, UserType
from models.accounts.mail_choice import choose_mails, silenced, wants_mail
from models.affiliation import Commission
from models.oversight import SYSTEM, OutgoingMail, emit, history_of
from models.oversight.dispatch import dispatch_events
from tests.admin_views.conftest import purchase


@pytest.fixture
def affiliate(make, now):
    return make.affiliate("alice")


class TestChooseMails:
    def test_everything_is_wanted_at_first(self, session, affiliate):
        assert all(wants_mail(session, affiliate.user_id, topic) for topic in MailTopic)

    def test_switches_off_and_on_again(self, session, affiliate):
        choose_mails(session, affiliate.user_id, [MailTopic.DIGEST], actor=SYSTEM)
        assert silenced(session, affiliate.user_id) == {MailTopic.SALES}

        choose_mails(session, affiliate.user_id, MailTopic, actor=SYSTEM)
        assert not silenced(session, affiliate.user_id)

    def test_the_same_again_tells_nothing(self, session, affiliate):
        for _ in range(2):
            choose_mails(session, affiliate.user_id, [], actor=SYSTEM)

        session.flush()
        [event] = history_of(session, "users", str(affiliate.user_id))
        assert event.data == {"off": ["DIGEST", "SALES"]}

    def test_one_persons_choice_is_nobody_elses(self, session, make, affiliate):
        choose_mails(session, affiliate.user_id, [], actor=SYSTEM)

        assert not silenced(session, make.user(user_type=UserType.AFFILIATE).id)


class TestListeners:
    @pytest.fixture
    def kinds(self, session, make, affiliate, now):
        """What is mailed of a commission earned and one released."""

        def run():
            invoice = purchase(make, affiliate=affiliate)
            session.flush()
            earned = session.scalars(
                select(Commission).where(Commission.invoice_id == invoice.id)
            ).one()
            emit(session, "affiliation.commission_earned", earned, actor=SYSTEM)
            facts = {"released_amount": 100, "parts": 1}
            emit(session, "affiliation.commissions_matured", affiliate, actor=SYSTEM, data=facts)
            session.flush()
            dispatch_events(session, LISTENERS, now=now)
            return set(session.scalars(select(OutgoingMail.kind)))

        return run

    def test_are_heard_while_wanted(self, kinds):
        assert {"commission_earned", "commission_matured"} <= kinds()

    @pytest.mark.parametrize(
        ("kept", "mail"),
        [(MailTopic.SALES, "commission_matured"), (MailTopic.DIGEST, "commission_earned")],
    )
    def test_are_not_once_switched_off(self, session, affiliate, kinds, kept, mail):
        choose_mails(session, affiliate.user_id, [kept], actor=SYSTEM)

        assert mail not in kinds()
