"""What an administrator does not see: amounts in the words of mails, and the owners."""

import pytest
from sqlalchemy import select

from models.accounts import DataRequest, DataRequestKind, Platform, UserType
from models.oversight import SYSTEM, MailStatus, OutgoingMail
from models.oversight.audit import AuditEvent
from models.oversight.emit import emit
from tests.admin_views.conftest import purchase
from tests.admin_views.test_acts import FINGERPRINT

pytestmark = pytest.mark.unproved  # the purchases are made up

SUBJECT = "Votre remboursement de 49,00 € est en route"
FOR = "Remboursement effectué"


def mail(make, user, kind="refund_processed", **values):
    values = {"subject": SUBJECT, "status": MailStatus.SENT, **values}
    return make.add(
        OutgoingMail(
            idempotency_key=f"{kind}:{user.id}",
            kind=kind,
            platform=user.platform,
            to_email=user.email,
            user_id=user.id,
            **values,
        )
    )


@pytest.fixture
def admin(staff):
    return staff(UserType.ADMIN)


class TestSubjects:
    """A subject says the amount; an administrator reads what the mail is for."""

    @pytest.fixture
    def sold(self, keep):
        def build(make):
            user = make.user()
            return purchase(make, user=user).customer_id, mail(make, user).id

        return keep(build)

    def pages(self, console, sold):
        customer, letter = sold
        return (
            f"{console}/mails/",
            f"{console}/mails/?search=remboursement",
            f"{console}/mails/details/?id={letter}",
            f"{console}/mails/export/csv/",
            f"{console}/mails/act/resend/?id={letter}",
            f"{console}/customers/details/?id={customer}",
        )

    def test_are_not_an_administrators(self, admin, owner, sold):
        for browser in (admin, owner):
            pages = [browser.get(path).text for path in self.pages("/admin", sold)]
            assert [page for page in pages if "49,00" in page] == []
            assert FOR in pages[2]
            assert f"E-mail « {FOR} »" in pages[5].replace("\xa0", " ")

    def test_find_nothing_for_an_administrator(self, admin, owner, sold, console):
        found = [
            f"id={sold[1]}" in browser.get(f"{base}/mails/?search=49,00").text
            for browser, base in ((admin, "/admin"), (owner, console))
        ]

        assert found == [False, True]

    def test_stay_the_owners_to_read(self, owner, sold, console):
        pages = [owner.get(path).text for path in self.pages(console, sold)]

        assert [place for place, page in enumerate(pages) if "49,00" not in page] == []

    def test_are_not_told_by_the_trail(self, admin, keep, sold, read):
        def send(make):
            letter = make.session.get(OutgoingMail, sold[1])
            letter.subject = f"{SUBJECT} !"
            emit(make.session, "oversight.mail_resent", letter, actor=SYSTEM)

        keep(send)
        event = read(lambda s: s.scalar(select(AuditEvent.id)))

        assert "49,00" not in admin.get(f"/admin/audit/details/?id={event}").text


class TestOwners:
    """An administrator sees, and reaches, everybody but them."""

    @pytest.fixture
    def about(self, owner, keep, read):
        """Rows about the owner, and about somebody else: per view their keys."""

        def build(make):
            user = make.user()
            rows = {}
            for whose, person in (
                ("owner", make.session.get_one(type(user), owner.user_id)),
                ("else", user),
            ):
                letter = mail(make, person, subject="", status=MailStatus.FAILED)
                asked = make.add(
                    DataRequest(
                        user_id=person.id, requested_by=person.id, kind=DataRequestKind.COPY
                    )
                )
                emit(make.session, "oversight.mail_failed", letter, actor=SYSTEM)
                rows[whose] = {"users": person.id, "mails": letter.id, "data-requests": asked.id}
            return rows

        rows = keep(build)
        rows["owner"]["sessions"] = owner.session_id
        rows["owner"]["audit"], rows["else"]["audit"] = (
            read(
                lambda s, key=str(rows[whose]["mails"]): s.scalar(
                    select(AuditEvent.id).where(AuditEvent.subject_id == key)
                )
            )
            for whose in ("owner", "else")
        )
        return rows

    def test_are_in_no_list_detail_or_export_of_theirs(self, admin, about):
        for view, key in about["owner"].items():
            listed = admin.get(f"/admin/{view}/").text
            assert f"id={key}" not in listed, view
            assert admin.get(f"/admin/{view}/details/?id={key}").status_code == 404, view
            assert str(key) not in admin.get(f"/admin/{view}/export/csv/").text, view
        for view, key in about["else"].items():
            assert f"id={key}" in admin.get(f"/admin/{view}/").text, view

    def test_are_all_there_for_the_owner(self, owner, about, console):
        for whose in ("owner", "else"):
            for view, key in about[whose].items():
                assert f"id={key}" in owner.get(f"{console}/{view}/").text, view

    def test_are_found_by_no_search(self, admin, owner, about, console, read):
        email = read(lambda s: s.get(OutgoingMail, about["owner"]["mails"]).to_email)
        paths = (
            f"/search/?q={email}",
            f"/search/users/?query={email}",
            f"/users/?search={email}",
            "/users/?flt_role=OWNER",
            f"/sessions/?search={email}",
            f"/mails/?search={email}",
        )

        told = f"id={about['owner']['users']}", f'"{about["owner"]["users"]}"'
        for path in paths:
            page = admin.get(f"/admin{path}").text
            assert not any(each in page for each in told), path
            assert f">{email}" not in page, path

    def test_are_reached_by_no_form_made_up(self, admin, about, read):
        answer = admin.post(
            "/admin/mails/action/", {"action": "resend", "rowid": str(about["owner"]["mails"])}
        )

        assert answer.status_code == 302
        letter = read(lambda s: s.get(OutgoingMail, about["owner"]["mails"]))
        assert letter.status is MailStatus.FAILED

    def test_get_their_alerts_before_they_first_sign_in(self, admin, keep):
        keep(
            lambda make: make.add(
                OutgoingMail(
                    idempotency_key="alert",
                    kind="staff_alert",
                    platform=Platform.WEOKTO,
                    to_email="first@example.org",
                )
            )
        )

        assert "first@example.org" not in admin.get("/admin/mails/export/csv/").text

    def test_are_named_without_a_link_where_they_did_something(self, admin, owner, keep, console):
        user = keep(lambda make: make.user())
        address = f"{console}/users/act/suspend/?id={user.id}"
        mark = FINGERPRINT.search(owner.post(address, {"reason": "spam"}).text).group(1)
        owner.post(address, {"reason": "spam", "fingerprint": mark})

        page = admin.get("/admin/audit/").text

        assert f"id={user.id}" in page
        assert f"id={owner.user_id}" not in page
