"""Mails one can do without: switched off and on again, and only those."""

import pytest
from sqlalchemy import select

from jobs.listeners import LISTENERS
from models.accounts import MailTopic, Platform, UserType
from models.accounts.mail_choice import KINDS, choose_mails, silenced, wants_mail
from models.affiliation import Commission
from models.oversight import SYSTEM, MailStatus, OutgoingMail, emit, history_of, queue_mail
from models.oversight.dispatch import dispatch_events
from tests.admin_views.conftest import purchase
from tests.mail_samples import CONTEXTS


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


class TestWhatWaits:
    """Monday's digest waits for days: who wants none by then gets none."""

    @pytest.fixture
    def waiting(self, session, make, affiliate):
        """A mail of every topic for two affiliates, and a receipt; what is left of the first's."""

        def queue(profile, kind):
            return queue_mail(
                session,
                kind,
                platform=Platform.WEOKTO,
                to_email=profile.user.email,
                locale="fr",
                key=f"{kind}:{profile.user_id}",
                user_id=profile.user_id,
            )

        bea = make.affiliate("bea")
        for profile in (affiliate, bea):
            for kind in (*KINDS.values(), "receipt"):
                queue(profile, kind)

        def left(user_id=affiliate.user_id):
            asked = select(OutgoingMail.kind).where(OutgoingMail.user_id == user_id)
            return set(session.scalars(asked))

        yield left
        assert left(bea.user_id) == {*KINDS.values(), "receipt"}

    def test_is_dropped_with_its_topic(self, session, affiliate, waiting):
        choose_mails(session, affiliate.user_id, [MailTopic.SALES], actor=SYSTEM)

        assert waiting() == {"commission_earned", "receipt"}

    def test_is_kept_where_it_was_sent(self, session, affiliate, waiting):
        for mail in session.scalars(select(OutgoingMail)):
            mail.status = MailStatus.SENT
        session.flush()

        choose_mails(session, affiliate.user_id, [], actor=SYSTEM)

        assert waiting() == {*KINDS.values(), "receipt"}

    def test_every_topic_has_a_mail(self):
        assert set(KINDS) == set(MailTopic)
        assert set(KINDS.values()) <= set(CONTEXTS)
