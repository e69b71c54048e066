"""Rubbish at the owner's console: lists, records, forms and acts; and HTML shown as text."""

import base64

import pytest

from admin_views.guard import OWNER
from models.accounts import Platform
from models.session import unit_of_work
from tests.admin_views.conftest import business
from tests.admin_views.test_walk import key_in
from tests.factories import Make
from tests.hostile.attackers import assert_told, rows, signed_in
from tests.hostile.forms import forms_on, posts_on
from tests.hostile.rubbish import TEXTS

SHORT = {name: text for name, text in TEXTS.items() if len(text) < 5000}
PARTS = 4
FORGED = [
    base64.urlsafe_b64encode(said.encode()).decode()
    for said in (
        *('"x"', "{}", "[]", "[5, 5]", '["x", "x"]', '["a\\u0000", "b"]', "[null, null]"),
        *("[true, true]", "[[], {}]", f"[{10**40}, {10**40}]", "[1e999, 1e999]", "[" * 3000),
        *(
            '["NaN", "NaN"]',
            '["0001-01-01", "9999-12-31T23:59:59+23:59"]',
            '["\\ud800", "\\ud800"]',
        ),
        *('["2026-01-01T00:00:00+00:00", "0192f0c4-7c3e-7000-8000-000000000000"]',),
    )
]
"""Places in a list that nobody was given."""


pytestmark = [pytest.mark.unproved, pytest.mark.long]  # the consoles' records are made up


@pytest.fixture(scope="module")
def records(shop):
    """A record or more for every view of the console."""
    with unit_of_work() as session:
        business(Make(session))


@pytest.fixture
def owner(stranger, records):
    return signed_in(stranger(), "owner@weokto.localhost", Platform.WEOKTO)


@pytest.fixture(params=range(PARTS))
def views(app, request):
    """A part of the owner's views, which are known once the application is made."""
    return [OWNER.views[slug] for slug in sorted(OWNER.views)[request.param :: PARTS]]


def test_every_text_in_every_query_of_the_lists(owner, views):
    before = rows()
    for view in views:
        names = {"search", "sort", "desc", "after", "before", "last", "start", "page_size"}
        for form in forms_on(owner, f"{view.url}/"):
            names |= set(form.fields)
        for name in sorted(names):
            for text in (TEXTS["huge number"], TEXTS["html"]):
                assert_told(owner.get(f"{view.url}/", query_string={name: text}))
        for text in SHORT.values():
            assert_told(owner.get(f"{view.url}/", query_string=dict.fromkeys(names, text)))
            for path in ("details/", "edit/", "export/csv/", "ajax/lookup/"):
                query = dict.fromkeys(("id", "search", "name", "query", "offset"), text)
                assert_told(owner.get(f"{view.url}/{path}", query_string=query))
    assert rows() == before


def test_a_forged_place_in_a_list_is_the_start_of_it(owner, views):
    for view in views:
        for place in FORGED:
            for sort in ("", *(getattr(view, "column_sortable_list", ()) or ())):
                sort = sort[0] if isinstance(sort, tuple) else sort
                query = {"after": place, "sort": sort, "start": 50}
                assert_told(owner.get(f"{view.url}/", query_string=query), refused=False)


def test_every_text_in_the_addresses_of_the_views(owner, views):
    for view in views:
        for text in SHORT.values():
            for path in ("act/", "export/", ""):
                assert_told(owner.get(f"{view.url}/{path}{text.replace('/', '%2f')}/"))


def test_every_text_in_every_field_of_their_forms(owner, views):
    for view in views:
        if not hasattr(view, "table"):
            continue
        key = key_in(view)
        pages = [f"{view.url}/new/", f"{view.url}/edit/?id={key}", f"{view.url}/details/?id={key}"]
        pages += [f"{view.url}/act/{act.name}/?id={key}" for act in view.acts]
        for form in posts_on(owner, pages):
            if form.action.startswith(view.url) and "/delete/" not in form.action:
                attack(owner, form)


def attack(owner, form):
    """Every text in every field; whatever is refused has changed nothing."""
    before = rows()
    for name in form.typed:
        for text in TEXTS.values():
            answer = owner.post(form.action, data={**form.fields, name: text})
            assert_told(answer)
            if answer.status_code < 400:
                before = rows()
            assert rows() == before, (form.action, name, text[:80])


def test_a_post_without_a_token_does_nothing(owner, views):
    before = rows()
    for view in views:
        for path in ("new/", "edit/", "delete/", "ajax/update/", "action/", "run/", "failed/"):
            answer = owner.post(f"{view.url}/{path}", data={"id": "x", "action": "x"})
            assert answer.status_code in (400, 403, 404, 405, 422), (view.url, path)
            assert_told(answer, refused=True)
    assert rows() == before
