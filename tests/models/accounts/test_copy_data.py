"""Copies of one's data: asked once, made once, for the person alone, forgotten in time."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import JSON, select, text

from jobs.accounts import copy_data
from models.accounts import DataRequest, DataRequestStatus, Platform, UserType
from models.accounts.collect_data import (
    KEPT_FROM_THEM,
    SHARED,
    SHOWN_TO_THEM,
    collect_data,
    told_columns,
)
from models.accounts.copy_data import ask_copy, forget_copies, keep_copy
from models.accounts.suspend_user import OwnerIsOutOfReach, ReasonMissing
from models.ids import new_id
from models.oversight import NOBODY, SYSTEM, Actor, emit, history_of, queue_mail
from models.session import member_session, staff_reading, unit_of_work
from models.tables import metadata
from tests.admin_views.conftest import purchase
from tests.factories import Make

S = DataRequestStatus


def acting(user) -> Actor:
    return Actor(role=user.user_type, user_id=user.id)


@pytest.fixture
def ada(make):
    return make.user("ada@example.org")


class TestAskCopy:
    def test_twice_is_one_request(self, session, ada, now):
        first, second = (ask_copy(session, ada.id, actor=acting(ada), now=now) for _ in range(2))

        assert first is second
        assert (first.status, first.reason) == (S.ASKED, None)
        session.flush()
        [event] = history_of(session, "data_requests", str(first.id))
        assert event.action == "accounts.data_copy_asked"

    def test_another_is_made_after_a_day(self, session, ada, now):
        first = ask_copy(session, ada.id, actor=acting(ada), now=now)
        keep_copy(session, first.id, b"zip", actor=SYSTEM, now=now)

        def ask(hours):
            at = now + timedelta(hours=hours)
            return ask_copy(session, ada.id, actor=acting(ada), now=at)

        assert ask(23) is first
        assert ask(24) is not first

    def test_staff_say_why(self, session, make, ada, now):
        admin = acting(make.staff(UserType.ADMIN))

        with pytest.raises(ReasonMissing):
            ask_copy(session, ada.id, actor=admin, now=now)
        asked = ask_copy(session, ada.id, actor=admin, now=now, reason="wrote to us")
        assert (asked.requested_by, asked.reason) == (admin.user_id, "wrote to us")

    def test_an_admin_asks_nothing_of_an_owner(self, session, make, now):
        admin, owner = acting(make.staff(UserType.ADMIN)), make.staff()

        with pytest.raises(OwnerIsOutOfReach):
            ask_copy(session, owner.id, actor=admin, now=now, reason="curious")


class TestKeepCopy:
    def test_twice_keeps_the_first(self, session, ada, now):
        asked = ask_copy(session, ada.id, actor=acting(ada), now=now)

        for content in (b"first", b"second"):
            keep_copy(session, asked.id, content, actor=SYSTEM, now=now)

        assert (asked.status, asked.content, asked.size) == (S.READY, b"first", 5)
        session.flush()
        told = [event.after for event in history_of(session, "data_requests", str(asked.id))]
        assert "first" not in json.dumps(told)

    def test_is_forgotten_after_seven_days(self, session, ada, now):
        asked = ask_copy(session, ada.id, actor=acting(ada), now=now)
        keep_copy(session, asked.id, b"zip", actor=SYSTEM, now=now)
        session.flush()

        counts = [forget_copies(session, now=now + timedelta(days=days)) for days in (6, 7, 8)]

        assert counts == [0, 1, 0]
        assert (asked.status, asked.content, asked.size) == (S.EXPIRED, None, 3)


class TestTheCopy:
    @pytest.fixture
    def files(self, committed, now):
        """What Ada's copy holds, where Bob bought as well."""
        with unit_of_work() as session:
            make = Make(session)
            people = [make.user(f"{name}@example.org", locale="en") for name in ("ada", "bob")]
            plan = make.plan()
            for number, user in enumerate(people):
                purchase(make, plan=plan, user=user, last4=f"{number}{number}77")
            asked = ask_copy(session, people[0].id, actor=acting(people[0]), now=now)
        assert [copy_data()["copies"] for _ in range(2)] == [1, 0]
        with staff_reading() as session:
            content = session.scalar(select(DataRequest.content).where(DataRequest.id == asked.id))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}

    def test_holds_what_is_theirs_as_json_and_csv(self, files):
        data = json.loads(files["data.json"])

        assert [row["email"] for row in data["users"]] == ["ada@example.org"]
        assert [row["amount_including_tax"] for row in data["invoices"]] == [4900]
        assert [row["last4"] for row in data["payment_methods"]] == ["0077"]
        assert {f"{name}.csv" for name in data} | {"data.json", "README.txt"} == set(files)
        assert files["users.csv"].startswith("id,platform,email,")
        assert "ada@example.org" in files["README.txt"]

    def test_holds_nobody_elses_data_and_nothing_that_opens_anything(self, files):
        everything = "\n".join(files.values())

        for secret in ("bob@example.org", "vault-token-never-shown", "token_hash"):
            assert secret not in everything
        assert ",1177," not in everything, "Bob's card"


class TestWhatOthersDid:
    """The trail and the mails are read as staff: what is somebody else's is left out."""

    @pytest.fixture
    def collected(self, committed, now):
        """Everything told of Ada once ``happen`` did what it does to her and others."""

        def run(happen):
            with unit_of_work() as session:
                make = Make(session)
                ada = make.user("ada@example.org")
                happen(session, make, ada)
            with staff_reading() as staff, member_session(ada.id) as own:
                return collect_data(own, staff, ada)

        return run

    def test_an_act_of_theirs_is_told_whole(self, collected):
        def happen(session, make, ada):
            her = replace(acting(ada), ip="198.51.100.1", session_id=new_id())
            emit(session, "accounts.profile_edited", ada, actor=her, reason="mine")

        [row] = collected(happen)["audit_events"]
        assert (row["ip"], row["reason"]) == ("198.51.100.1", "mine")
        assert row["session_id"]
        assert row["actor_id"] == row["subject_id"]

    @pytest.mark.parametrize("role", [UserType.ADMIN, "nobody"])
    def test_an_act_of_somebody_else_says_not_whose_from_where_and_why(self, collected, role):
        def happen(session, make, ada):
            who = acting(make.staff(UserType.ADMIN)) if role is UserType.ADMIN else NOBODY
            who = replace(who, ip="203.0.113.9", session_id=new_id())
            emit(session, "accounts.user_suspended", ada, actor=who, reason="told by Bob")

        [row] = collected(happen)["audit_events"]
        assert row["action"] == "accounts.user_suspended"
        assert row["actor_role"] == role
        blank = ("actor_id", "ip", "reason", "session_id")
        assert [row[each] for each in blank] == [None] * 4

    def test_what_they_did_as_staff_is_not_told(self, collected):
        def happen(session, make, ada):
            as_staff = Actor(role=UserType.ADMIN, user_id=ada.id)
            bob = make.user("bob@example.org")
            for subject in (ada, bob):
                emit(session, "accounts.role_changed", subject, actor=as_staff)
            as_affiliate = Actor(role=UserType.AFFILIATE, user_id=ada.id)
            emit(session, "accounts.profile_edited", ada, actor=as_affiliate)

        rows = collected(happen)["audit_events"]
        assert [row["action"] for row in rows] == ["accounts.profile_edited"]

    def test_a_mail_of_another_account_to_their_address_is_not_told(self, collected):
        told = {"platform": Platform.STAM, "to_email": "ada@example.org", "locale": "fr"}

        def happen(session, make, ada):
            former = make.user("moved-on@example.org")
            queue_mail(session, "receipt", key="former", user_id=former.id, **told)
            queue_mail(session, "welcome", key="hers", user_id=ada.id, **told)
            queue_mail(session, "magic_link", key="nobodys", **told)

        rows = collected(happen)["outgoing_mails"]
        assert [row["kind"] for row in rows] == ["welcome", "magic_link"]

    def test_what_an_endpoint_was_told_of_their_purchases_is_told(self, collected):
        def happen(session, make, ada):
            for user in (ada, make.user("bob@example.org")):
                make.webhook(purchase(make, user=user))

        [row] = collected(happen)["webhook_deliveries"]
        assert row["data"]["email"] == "ada@example.org"
        assert "url" not in row


class TestWhatIsCollected:
    def test_every_table_that_names_a_person_is_told_or_known_not_to_be(self):
        """A new table with a person in it has to be thought of here."""
        told = {*SHOWN_TO_THEM, *SHARED, *KEPT_FROM_THEM}
        not_theirs = {
            "affiliate_boost_codes",  # made by staff
            "affiliate_tracking_events",  # others' visits
            "fraud_flags",  # others' purchases
            "ledger_heads",  # a fingerprint
            "lock_rule_versions",  # made by staff
            "recovery_codes",  # hashes
            "sepa_batches",  # made by staff, about many
        }
        people = {"users", "affiliate_profiles"}
        naming = {
            table.name
            for table in metadata.tables.values()
            if any(key.column.table.name in people for key in table.foreign_keys)
        }
        assert naming - told - not_theirs - people == set()

    def test_every_table_of_free_form_is_told_or_known_not_to_be(self):
        """What is written as JSON names people without a foreign key."""
        told = {*SHOWN_TO_THEM, *SHARED, *KEPT_FROM_THEM}
        not_theirs = {
            "communities",  # written by staff
            "fraud_flags",  # others' purchases
            "job_runs",  # counts
            "outbox_events",  # what the trail says too, for 30 days
            "payment_buttons",  # written by staff
            "plans",  # written by staff
            "provider_events",  # keys of the provider
            "system_logs",  # the machine's, for 90 days
            "affiliate_tracking_events",  # others' visits
        }
        free = {
            table.name
            for table in metadata.tables.values()
            if any(isinstance(column.type, JSON) for column in table.columns)
        }
        assert free - told - not_theirs == set()

    def test_no_secret_is_told(self):
        for name in (*SHOWN_TO_THEM, *SHARED, *KEPT_FROM_THEM):
            for column in told_columns(metadata.tables[name]):
                assert not column.endswith(("_hash", "token", "secret")), (name, column)

    def test_row_security_shows_each_table_read_as_the_person(self, session):
        readable = set(
            session.scalars(
                text("SELECT tablename FROM pg_policies WHERE 'ws_member' = ANY (roles)")
            )
        )
        assert {*SHOWN_TO_THEM, *SHARED} <= readable
        assert not readable & set(KEPT_FROM_THEM)
