"""Data requests in the consoles: opened for a person with a reason, seen, and undone."""

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import DataRequest, DataRequestKind, DataRequestStatus, UserType
from models.accounts.delete_account import ask_deletion
from models.oversight import Actor, AuditEvent


@pytest.fixture
def ada(keep, now):
    return keep(lambda make: make.user("ada@example.org"))


def act(view, name, key):
    return f"{view}/act/{name}/?id={key}"


@pytest.mark.parametrize("role", [UserType.OWNER, UserType.ADMIN])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("copy-data", DataRequestKind.COPY), ("delete-account", DataRequestKind.DELETION)],
)
class TestOnBehalf:
    def test_wants_a_reason_and_keeps_it(self, staff, ada, console, read, role, name, kind):
        person = staff(role)
        base = console if role is UserType.OWNER else "/admin"
        page = act(f"{base}/users", name, ada.id)
        assert person.get(page).status_code == 200

        refused = person.post(page, {"reason": ""}, form=page)
        assert refused.status_code == 422

        answer = person.post(page, {"reason": "wrote to us"}, form=page)

        request = read(lambda session: session.scalars(select(DataRequest)).one())
        assert answer.location.endswith(f"/data-requests/details/?id={request.id}")
        assert (request.kind, request.reason) == (kind, "wrote to us")
        assert request.requested_by == person.user_id
        assert "wrote to us" in person.get(answer.location).text
        [event] = read(
            lambda session: session.scalars(
                select(AuditEvent).where(AuditEvent.subject_id == str(request.id))
            ).all()
        )
        assert (event.reason, event.actor_id) == ("wrote to us", person.user_id)


class TestDataRequests:
    @pytest.fixture
    def request_id(self, keep, ada):
        actor = Actor("CLIENT", ada.id)
        return keep(
            lambda make: ask_deletion(make.session, ada.id, actor=actor, now=clock.now()).id
        )

    def test_are_listed_and_undone(self, owner, console, read, request_id):
        listed = owner.get(f"{console}/data-requests/").text
        assert "ada<wbr>@example.org" in listed
        page = act(f"{console}/data-requests", "undo", request_id)

        owner.post(page, {"reason": "changed their mind"}, form=page)

        request = read(lambda session: session.get(DataRequest, request_id))
        assert request.status is DataRequestStatus.CANCELLED

    def test_a_product_manager_sees_none(self, staff, request_id):
        answer = staff(UserType.PRODUCT_MANAGER).get("/product-manager/data-requests/")

        assert answer.status_code == 404

    @pytest.mark.parametrize("role", [UserType.ADMIN, UserType.PRODUCT_MANAGER, UserType.OWNER])
    @pytest.mark.parametrize("name", ["copy-data", "delete-account"])
    def test_nothing_is_asked_for_staff(self, owner, staff, console, read, role, name):
        person = f"{console}/users/details/?id={staff(role).user_id}"
        page = person.replace("details", f"act/{name}")
        assert f"/act/{name}/" not in owner.get(person).text
        assert owner.get(page).status_code == 302

        answer = owner.post(page, {"reason": "asked"}, follow_redirects=True)

        assert answer.request.path == f"{console}/users/details/"
        assert 'class="flash error"' in answer.text
        assert not read(lambda session: session.scalars(select(DataRequest)).all())
