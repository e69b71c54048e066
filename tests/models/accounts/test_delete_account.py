"""Deleting an account: seven days to undo it, then nothing of the person is left but the books."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.accounts import tidy
from jobs.listeners import LISTENERS
from jobs.mail_rendering import render
from models import clock
from models.accounts import (
    DataRequest,
    DataRequestStatus,
    Platform,
    SecondFactor,
    User,
    UserSession,
    UserType,
)
from models.accounts.copy_data import ask_copy, keep_copy
from models.accounts.delete_account import (
    NothingToUndo,
    StaffAccount,
    ask_deletion,
    delete_account,
    note_held,
    undo_deletion,
)
from models.accounts.open_session import open_session
from models.accounts.signals import account_closing
from models.accounts.suspend_user import ReasonMissing
from models.accounts.user_for_email import user_for_email
from models.affiliation import AffiliateProfile, PayoutMethod
from models.affiliation.on_closing import MoneyWaits, WithdrawalUnderWay
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.decide_withdrawal import reject_withdrawal
from models.billing import CustomerStatus, Invoice, PaymentMethod, customer_of
from models.billing.cancel_subscription import cancel_subscription
from models.billing.on_closing import SubscriptionsRun
from models.catalog import WebhookStatus
from models.communities import CommunityMember
from models.errors import Missing
from models.oversight import NOBODY, SYSTEM, Actor, MailStatus, OutgoingMail, history_of, queue_mail
from models.oversight.dispatch import dispatch_events
from models.oversight.resend_mail import AddressForgotten, resend_mail
from models.session import staff_reading, unit_of_work
from tests.admin_views.conftest import purchase
from tests.earnings import Earnings
from tests.factories import Make

S = DataRequestStatus
WEEK = timedelta(days=7)


def acting(user) -> Actor:
    return Actor(role=user.user_type, user_id=user.id)


@pytest.fixture
def ada(make):
    return make.user("ada@example.org", display_name="Ada", bio="I count.")


@pytest.fixture
def ask(session, ada, now):
    def run(user=ada, **values):
        values.setdefault("actor", acting(user))
        return ask_deletion(session, user.id, now=now, **values)

    return run


@pytest.fixture
def delete(session, now):
    def run(request, *, at=now + WEEK):
        return delete_account(session, request.id, actor=SYSTEM, now=at)

    return run


class TestAskDeletion:
    def test_twice_is_one_request_due_in_seven_days(self, session, ada, ask, now):
        first, second = ask(), ask()

        assert first is second
        assert (first.status, first.due_at) == (S.ASKED, now + WEEK)
        assert ada.closed_at is None
        session.flush()
        [event] = history_of(session, "data_requests", str(first.id))
        assert event.action == "accounts.deletion_asked"

    def test_staff_say_why(self, make, ask):
        admin = acting(make.staff(UserType.ADMIN))

        with pytest.raises(ReasonMissing):
            ask(actor=admin)
        assert ask(actor=admin, reason="wrote to us").requested_by == admin.user_id

    @pytest.mark.parametrize("role", [UserType.OWNER, UserType.ADMIN, UserType.PRODUCT_MANAGER])
    def test_staff_are_not_deleted(self, make, ask, role):
        with pytest.raises(StaffAccount):
            ask(make.staff(role))

    def test_waits_for_a_subscription_that_renews(self, session, make, ada, ask, now):
        plan = make.plan()
        purchase(make, plan=plan, user=ada)
        customer = customer_of(session, ada.id, plan.product_id)
        customer.next_charge_at = customer.subscription_ends_at
        session.flush()

        with pytest.raises(SubscriptionsRun) as refusal:
            ask()
        assert plan.product.name in refusal.value.text()

        cancel_subscription(session, customer.id, actor=SYSTEM, now=now)
        assert ask().status is S.ASKED

    def test_waits_for_an_affiliates_money(self, session, make, ask, now):
        profile = Earnings(make, now).affiliate(15_000, slug="alice")
        user = User.get(session, profile.user_id)

        with pytest.raises(MoneyWaits):
            ask(user)
        asked = ask_withdrawal(session, user.id, 15_000, actor=SYSTEM, now=now)
        with pytest.raises(WithdrawalUnderWay):
            ask(user)
        reject_withdrawal(session, asked.id, reason="no", actor=SYSTEM, now=now)

    def test_less_than_a_withdrawal_holds_nothing(self, session, make, ask, now):
        profile = Earnings(make, now).affiliate(4_999, slug="alice")

        assert ask(User.get(session, profile.user_id)).status is S.ASKED


class TestUndoDeletion:
    def test_keeps_the_account(self, session, ada, ask, delete, now):
        request = ask()

        for _ in range(2):
            undo_deletion(session, request.id, actor=acting(ada), now=now)
        delete(request)

        assert (request.status, request.ended_at) == (S.CANCELLED, now)
        assert ada.email == "ada@example.org"
        assert ask().id != request.id

    def test_not_once_it_is_done(self, session, ask, delete, now):
        request = ask()
        delete(request)

        with pytest.raises(NothingToUndo):
            undo_deletion(session, request.id, actor=SYSTEM, now=now, reason="sorry")


class TestDeleteAccount:
    def test_not_before_its_day(self, ada, ask, delete, now):
        request = delete(ask(), at=now + WEEK - timedelta(seconds=1))

        assert request.status is S.ASKED
        assert ada.closed_at is None

    def test_empties_the_person_once(self, session, ada, ask, delete, now):
        session.add(SecondFactor(user_id=ada.id, secret="s"))
        open_session(session, ada, user_agent="Firefox", remember=True, actor=NOBODY, now=now)
        request = ask()

        for _ in range(2):
            delete(request)

        user = session.get(User, ada.id)
        assert user.email.endswith("@deleted.invalid")
        assert (user.display_name, user.bio, user.avatar_url) == ("", "", None)
        assert user.closed_at == now + WEEK
        row = session.scalars(select(UserSession)).one()
        assert row.revoked_at is not None
        assert (row.ip, row.user_agent) == (None, "")
        assert session.get(SecondFactor, ada.id) is None
        acts = [e.action for e in history_of(session, "data_requests", str(request.id))]
        assert sorted(acts) == ["accounts.account_deleted", "accounts.deletion_asked"]

    def test_writes_nothing_personal_into_the_trail(self, session, ada, ask, delete):
        delete(ask())

        session.flush()
        for table, key in (("users", ada.id),):
            for event in history_of(session, table, str(key)):
                assert "I count." not in str(event.before)
                assert "ada@example.org" not in str(event.before)

    def test_the_address_is_free_for_a_new_account(self, session, ada, ask, delete):
        delete(ask())

        newcomer = user_for_email(
            session, Platform.STAM, "ada@example.org", locale="fr", actor=NOBODY
        )
        assert newcomer.id != ada.id

    def test_ends_what_runs_and_keeps_the_books(self, session, make, ada, ask, delete):
        plan = make.plan()
        invoice = purchase(make, plan=plan, user=ada)
        member = make.add(CommunityMember(community_id=plan.product.community_id, user_id=ada.id))
        delete(ask())

        session.expire_all()
        assert customer_of(session, ada.id, plan.product_id).status is CustomerStatus.CANCELLED
        assert not session.get(CommunityMember, member.id).is_active
        assert session.get(Invoice, invoice.id).amount_including_tax == 4900
        card = session.scalars(select(PaymentMethod)).one()
        assert (card.vault_token, card.last4) == ("", "4242")

    @pytest.mark.parametrize("status", WebhookStatus)
    def test_takes_the_address_from_what_endpoints_were_told(
        self, session, make, ada, ask, delete, now, status
    ):
        bob = make.user("bob@example.org")
        rows = [make.webhook(purchase(make, user=user), status=status) for user in (ada, bob)]

        delete(ask())

        session.expire_all()
        assert [row.data["email"] for row in rows] == [None, "bob@example.org"]
        assert [row.data["amount"] for row in rows] == [4900, 4900]

    def test_forgets_where_an_affiliate_was_paid(self, session, make, ask, delete, now):
        profile = Earnings(make, now).affiliate(4_000, slug="alice")
        assert profile.payout_method is PayoutMethod.WIRE

        delete(ask(User.get(session, profile.user_id)))

        session.expire_all()
        profile = session.get(AffiliateProfile, profile.user_id)
        assert profile.affiliate_slug.startswith("compte-supprime-")
        assert (profile.payout_method, profile.payout_iban, profile.payout_holder) == (
            None,
            None,
            "",
        )

    def test_forgets_mails_and_says_goodbye(self, session, ada, ask, delete, now):
        told = {"platform": Platform.STAM, "to_email": ada.email, "locale": "fr", "user_id": ada.id}
        sent = queue_mail(session, "receipt", key="sent", context={"number": "1"}, **told)
        sent.status = MailStatus.SENT
        queue_mail(session, "receipt", key="waiting", **told)
        session.flush()

        delete(ask())

        session.expire_all()
        mails = session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
        assert [(mail.kind, mail.status) for mail in mails] == [
            ("receipt", MailStatus.SENT),
            ("account_deleted", MailStatus.QUEUED),
        ]
        assert (mails[0].context, mails[1].to_email) == ({}, "ada@example.org")
        with pytest.raises(AddressForgotten):
            resend_mail(session, mails[0].id, actor=SYSTEM, now=now)

    def test_leaves_the_mails_of_whoever_had_the_address_before(
        self, session, make, ada, ask, delete
    ):
        former = make.user("moved-on@example.org")
        told = {"platform": Platform.STAM, "to_email": ada.email, "locale": "fr"}
        theirs = queue_mail(session, "receipt", key="theirs", user_id=former.id, **told)
        waiting = queue_mail(session, "receipt", key="waiting", user_id=former.id, **told)
        nobodys = queue_mail(session, "magic_link", key="nobodys", **told)
        theirs.status = nobodys.status = MailStatus.SENT
        session.flush()

        delete(ask())

        session.expire_all()
        assert (theirs.to_email, waiting.status) == ("ada@example.org", MailStatus.QUEUED)
        assert nobodys.to_email.endswith("@deleted.invalid")

    def test_nothing_is_sent_to_a_deleted_account(self, session, ada, ask, delete):
        delete(ask())
        user = session.get(User, ada.id)

        mail = queue_mail(
            session, "receipt", platform="STAM", to_email=user.email, locale="fr", key="later"
        )
        assert mail.status is MailStatus.FAILED

    def test_forgets_the_copies(self, session, ada, ask, delete, now):
        copy = ask_copy(session, ada.id, actor=acting(ada), now=now)
        keep_copy(session, copy.id, b"zip", actor=SYSTEM, now=now)

        delete(ask())

        assert (copy.status, copy.content) == (S.EXPIRED, None)
        with pytest.raises(Missing):
            ask_copy(session, ada.id, actor=acting(ada), now=now)


class TestNoteHeld:
    @pytest.fixture
    def note(self, session):
        def run(request, refusal):
            note_held(session, request.id, refusal, actor=SYSTEM)
            session.flush()
            acts = history_of(session, "data_requests", str(request.id))
            return [each.data for each in acts if each.action == "accounts.deletion_held"]

        return run

    def test_is_told_once_for_each_thing_that_holds(self, ask, note):
        request = ask()
        runs = {"code": "subscriptions_run", "why": SubscriptionsRun.message}
        runs["said"] = {"products": "Club"}

        for _ in range(2):
            assert note(request, SubscriptionsRun(products="Club")) == [runs]

        assert request.held_by == "subscriptions_run"
        latest, *_before = note(request, WithdrawalUnderWay())
        assert (latest["code"], request.held_by) == ("withdrawal_under_way",) * 2

    def test_is_mailed_once_for_each_thing_while_it_holds(self, session, ask, note, now):
        request = ask()
        for refusal in (SubscriptionsRun(products="Club"), WithdrawalUnderWay()) * 2:
            note(request, refusal)
            dispatch_events(session, LISTENERS, now=now)

        asked = select(OutgoingMail).where(OutgoingMail.kind == "deletion_held")
        mails = session.scalars(asked.order_by(OutgoingMail.id)).all()
        assert [mail.to_email for mail in mails] == ["ada@example.org"] * 2
        mails[0].locale = "en"
        assert "Still running: Club." in render(mails[0]).text

    def test_is_not_once_it_is_undone(self, session, ada, ask, note, now):
        request = ask()
        undo_deletion(session, request.id, actor=acting(ada), now=now)

        assert not note(request, WithdrawalUnderWay())
        assert request.held_by is None


def asked_by(make, name, now):
    """Somebody new who asks at once to be deleted, and the key of that."""
    user = make.user(f"{name}@example.org")
    return user, ask_deletion(make.session, user.id, actor=acting(user), now=now).id


class TestTidy:
    def test_deletes_what_is_due_and_says_what_holds_the_rest(self, committed, now):
        keys = {}
        with unit_of_work() as session:
            make = Make(session)
            for name in ("free", "held"):
                user, keys[name] = asked_by(make, name, now)
            plan = make.plan()
            purchase(make, plan=plan, user=user)
            customer_of(session, user.id, plan.product_id).next_charge_at = now
        clock.move_to(now + WEEK)

        counts = [tidy() for _ in range(2)]

        assert [each["accounts_deleted"] for each in counts] == [1, 0]
        assert [each["accounts_held"] for each in counts] == [1, 1]
        with staff_reading() as session:
            free, held = (session.get(DataRequest, keys[name]) for name in ("free", "held"))
        assert (free.status, free.held_by) == (S.DONE, None)
        assert (held.status, held.held_by) == (S.ASKED, "subscriptions_run")

    def test_a_crash_holds_up_no_other_account_nor_the_tidying(self, committed, now, caplog):
        keys = {}
        with unit_of_work() as session:
            make = Make(session)
            for name in ("crashes", "free"):
                user, keys[name] = asked_by(make, name, now)
                make.add(
                    UserSession(
                        user_id=user.id, token_hash=name, expires_at=now - timedelta(days=60)
                    )
                )
            crashing = session.get(DataRequest, keys["crashes"]).user_id

        def crash(_sender, *, user_id, **_more):
            if user_id == crashing:
                raise ZeroDivisionError

        clock.move_to(now + WEEK)
        with account_closing.connected_to(crash):
            counts = tidy()

        told = ("accounts_deleted", "accounts_held", "errors", "sessions")
        assert [counts[each] for each in told] == [1, 0, 1, 2]
        assert "deletion.crashed" in caplog.text
        with staff_reading() as session:
            statuses = [session.get(DataRequest, keys[name]).status for name in keys]
        assert statuses == [S.ASKED, S.DONE]

    def test_forgets_the_last_address_once_the_goodbye_is_sent(self, committed, now):
        with unit_of_work() as session:
            user = Make(session).user("ada@example.org")
            ask_deletion(session, user.id, actor=acting(user), now=now)
        clock.move_to(now + WEEK)
        assert tidy()["farewells"] == 0
        with unit_of_work() as session:
            session.scalars(select(OutgoingMail)).one().status = MailStatus.SENT

        assert tidy()["farewells"] == 1

        with staff_reading() as session:
            assert "ada" not in session.scalars(select(OutgoingMail.to_email)).one()
