"""Every view, verb and role of the three consoles, against document 01's table."""

import pytest
from sqlalchemy import select

from admin_views.guard import CONSOLES
from models.accounts import UserType
from models.accounts.permissions import may
from models.ids import new_id
from models.session import staff_reading, unit_of_work
from tests.admin_views.conftest import Staff, business
from tests.factories import Make

EVERYONE = (*UserType, None)
VERBS = (
    ("read", "get", ""),
    ("read", "get", "details/?id={key}"),
    ("export", "get", "export/csv/"),
    ("create", "get", "new/"),
    ("edit", "get", "edit/?id={key}"),
    ("create", "post", "new/"),
    ("edit", "post", "edit/?id={key}"),
    ("delete", "post", "delete/"),
    ("edit", "post", "ajax/update/"),
)
OUTSIDE = (VERBS[0], VERBS[1], VERBS[2], VERBS[3], VERBS[7])


@pytest.fixture(scope="class")
def world(app, cleaner):
    """A business, and a browser of every role, for the whole walk."""
    with unit_of_work() as session:
        business(Make(session))
    people = {role: Staff(app, role) for role in EVERYONE}
    yield people
    cleaner.clean(is_unproved=True)  # its rows are made up


def key_in(view):
    """Some record of a view, or a key that none has."""
    with staff_reading() as session:
        column = getattr(view.table, view.key_name)
        return session.scalar(select(column).limit(1)) or new_id()


def permission_of(view, verb):
    if verb == "export":
        return view.permissions.get("export", view.permissions.get("read"))
    return view.permissions.get(verb)


def is_allowed(console, role, permission):
    """The table, asked apart from the code under test."""
    return permission is not None and may(role, permission) and may(console.role, permission)


@pytest.mark.parametrize("role", EVERYONE, ids=str)
@pytest.mark.parametrize("console", CONSOLES, ids=lambda each: each.key)
class TestWalk:
    def test_entry(self, world, console, role):
        answer = world[role].get(f"{console.url}/")
        assert answer.status_code == entry_status(console, role)
        if answer.status_code == 302:
            assert answer.location.startswith("/login?next=")

    def test_every_verb_of_every_view(self, world, console, role):
        person, outside = world[role], entry_status(console, role)
        for slug, view in console.views.items():
            if slug == "jobs":
                continue
            key = key_in(view)
            for verb, method, path in VERBS if outside == 200 else OUTSIDE:
                answer = getattr(person, method)(f"{view.url}/{path.format(key=key)}")
                told = f"{role} {method} {view.url}/{path}: {answer.status_code}"
                if outside != 200:
                    assert answer.status_code == outside, told
                elif is_allowed(console, role, permission_of(view, verb)):
                    assert answer.status_code not in (401, 403, 405, 500), told
                else:
                    assert answer.status_code == 403, told

    def test_every_act(self, world, console, role):
        person, outside = world[role], entry_status(console, role)
        for view in console.views.values():
            for act in getattr(view, "acts", ()):
                answer = person.get(f"{view.url}/act/{act.name}/?id={key_in(view)}")
                told = f"{role} {view.url} {act.name}: {answer.status_code}"
                if outside != 200:
                    assert answer.status_code == outside, told
                elif is_allowed(console, role, act.permission):
                    assert answer.status_code in (200, 302, 404), told
                else:
                    assert answer.status_code == 403, told
                bulk = person.post(f"{view.url}/action/", {"action": act.name})
                if outside == 200 and not (act.bulk and is_allowed(console, role, act.permission)):
                    assert bulk.status_code == 403, told

    def test_jobs(self, world, console, role):
        if "jobs" not in console.views:
            return
        url = console.views["jobs"].url
        outside = entry_status(console, role)
        wanted = 302 if outside == 200 else outside
        assert world[role].post(f"{url}/run/", {"name": "none"}).status_code == wanted


def entry_status(console, role):
    if may(role, console.entry):
        return 200
    if console.hidden:
        return 404
    return 302 if role is None else 403


class TestDoors:
    def test_staff_without_second_factor_are_sent_to_it(self, staff, console):
        for address in ("/admin/", "/product-manager/", f"{console}/", f"{console}/users/"):
            answer = staff(UserType.OWNER, proved=False).get(address)
            assert answer.status_code in (302, 303)
            assert answer.location.startswith("/second-factor")

    def test_an_admin_without_second_factor_does_not_learn_of_the_owner_console(
        self, staff, console
    ):
        assert staff(UserType.ADMIN, proved=False).get(f"{console}/").status_code == 404

    @pytest.mark.parametrize("method", ["get", "post", "put", "options", "head", "delete"])
    @pytest.mark.parametrize("path", ["", "/", "/users/", "/users/delete/", "/users/export/csv/"])
    def test_the_owner_console_shows_itself_to_nobody_else(self, staff, console, method, path):
        for role in (None, UserType.CLIENT, UserType.ADMIN):
            browser = staff(role).browser
            answer = getattr(browser, method)(console + path, base_url="http://weokto.localhost")
            nowhere = getattr(browser, method)(
                "/nowhere/at/all", base_url="http://weokto.localhost"
            )
            assert answer.status_code == nowhere.status_code == 404

    def test_there_is_no_console_on_stam(self, owner, console):
        for address in ("/admin/", f"{console}/", "/product-manager/users/"):
            answer = owner.browser.get(address, base_url="http://stam.localhost")
            assert answer.status_code == 404

    def test_an_owner_in_the_admin_console_sees_what_an_admin_sees(self, owner):
        assert owner.get("/admin/invoices/").status_code == 404
        assert "€" not in owner.get("/admin/").text

    def test_every_verb_is_listed_for_every_exposed_function(self):
        for console in CONSOLES:
            for view in console.views.values():
                exposed = {name for _, name, _ in view._urls}
                assert exposed <= set(view.verbs), view
