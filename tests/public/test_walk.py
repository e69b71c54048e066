"""Every page and endpoint of the two sites, for every role and for nobody, against document
01's table."""

import pytest

from models.accounts import STAFF, Platform, UserType
from models.accounts.permissions import Permission as P
from models.accounts.permissions import may
from models.affiliation.become_affiliate import become_affiliate
from models.ids import new_id
from models.oversight import SYSTEM
from models.session import unit_of_work
from tests.admin_views.conftest import Staff
from tests.visitors import Visitor

EVERYONE = (*UserType, None)
OPEN = None
"""Asks for no permission: published, or a door that proves who comes in by itself."""

PAGES: dict[str, dict[str, P | None]] = {
    "account": {
        "profile": P.USERS_READ_OWN,
        "save_profile": P.USERS_EDIT_OWN,
        "settings": P.SESSIONS_READ_OWN,
        "save_mails": P.SETTINGS_EDIT_OWN,
        "save_language": P.USERS_EDIT_OWN,
        "end_one": P.SESSIONS_END_OWN,
        "end_others": P.SESSIONS_END_OWN,
    },
    "affiliate": {
        "ask": P.WITHDRAWALS_ASK_OWN,
        "boost": P.AFFILIATES_READ_OWN,
        "cancel": P.WITHDRAWALS_ASK_OWN,
        "commission": P.COMMISSIONS_READ_OWN,
        "commissions": P.COMMISSIONS_READ_OWN,
        "commissions_csv": P.COMMISSIONS_READ_OWN,
        "dashboard": P.FINANCE_FIGURES_OWN,
        "dashboard_csv": P.FINANCE_FIGURES_OWN,
        "join_as_affiliate": P.AFFILIATES_JOIN,
        "ledger": P.LEDGER_READ_OWN,
        "ledger_csv": P.LEDGER_READ_OWN,
        "link_name": P.AFFILIATES_JOIN,
        "payout": P.WITHDRAWALS_READ_OWN,
        "payout_details": P.WITHDRAWALS_ASK_OWN,
        "payouts": P.WITHDRAWALS_READ_OWN,
        "preview": P.WITHDRAWALS_ASK_OWN,
        "qr": P.AFFILIATES_READ_OWN,
        "redeem": P.COMMISSIONS_READ_OWN,
        "save_link_name": P.AFFILIATES_JOIN,
        "save_payout_details": P.WITHDRAWALS_ASK_OWN,
        "statement": P.WITHDRAWALS_READ_OWN,
    },
    "api_affiliate": {
        "ask_for_money": P.WITHDRAWALS_ASK_OWN,
        "cancel_request": P.WITHDRAWALS_ASK_OWN,
        "change_details": P.WITHDRAWALS_ASK_OWN,
        "change_link_name": P.AFFILIATES_JOIN,
        "join_affiliates": P.AFFILIATES_JOIN,
        "list_boosts": P.AFFILIATES_READ_OWN,
        "list_commissions": P.COMMISSIONS_READ_OWN,
        "list_movements": P.LEDGER_READ_OWN,
        "list_withdrawals": P.WITHDRAWALS_READ_OWN,
        "make_link": P.AFFILIATES_READ_OWN,
        "preview_terms": P.WITHDRAWALS_ASK_OWN,
        "read_commission": P.COMMISSIONS_READ_OWN,
        "read_link_name": P.AFFILIATES_READ_OWN,
        "read_overview": P.FINANCE_FIGURES_OWN,
        "read_withdrawal": P.WITHDRAWALS_READ_OWN,
        "redeem_code": P.COMMISSIONS_READ_OWN,
    },
    "api_auth": {
        "me": P.USERS_READ_OWN,
        "send_link": OPEN,
        "sign_out": OPEN,
        "verify_code": OPEN,
    },
    "api_customers": {"customers": P.CUSTOMERS_READ_OWN},
    "api_payments": dict.fromkeys(
        ("initiate", "psp_webhook", "retry", "status", "vault_callback"), OPEN
    ),
    "avatars": {
        "back_to_profile": OPEN,  # only leads to the profile
        "picture": OPEN,
        "remove": P.USERS_EDIT_OWN,
        "upload": P.USERS_EDIT_OWN,
    },
    "buttons": dict.fromkeys(("button_config", "button_seen", "embed"), OPEN),
    "cancelling": dict.fromkeys(("ask", "contracts", "end", "send", "sent"), OPEN),
    "card_updates": dict.fromkeys(("begin", "start"), P.CUSTOMERS_SUPPORT_OWN),
    "checkout": dict.fromkeys(("again", "back_from_bank", "begin", "pay", "start"), OPEN),
    "clicks": {"track": OPEN},
    "cron": {"ask": OPEN},
    "email_change": {
        "ask": P.USERS_EDIT_OWN,
        "send": P.USERS_EDIT_OWN,
        "show": OPEN,
        "confirm": OPEN,
    },
    "health": dict.fromkeys(("healthz", "metrics", "readyz", "status"), OPEN),
    "json_api": {"openapi": OPEN},
    "libraries": {"library": OPEN},
    "own_data": dict.fromkeys(
        ("ask_to_delete", "copy", "delete", "download", "keep", "show"), P.DATA_REQUESTS_ASK_OWN
    ),
    "own_invoices": {
        "listed": P.INVOICES_READ_OWN,
        "invoice_as_pdf": P.INVOICES_READ_OWN,
        "credit_note_as_pdf": P.INVOICES_READ_OWN,
        "refund_form": P.REFUNDS_ASK_OWN,
        "ask_refund": P.REFUNDS_ASK_OWN,
    },
    "pages": dict.fromkeys(
        (
            "answer_consent",
            "cancelled",
            "favicon",
            "landing",
            "legal_page",
            "robots",
            "sales_page",
            "sitemap",
            "switch_language",
            "welcome",
        ),
        OPEN,
    ),
    "plan_switches": dict.fromkeys(("choose", "look", "switch", "undo"), P.CUSTOMERS_SUPPORT_OWN),
    "second_factor": dict.fromkeys(("ask", "confirm", "enrol", "prove", "qr"), P.USERS_READ_OWN),
    "sign_in": dict.fromkeys(
        ("ask_code", "ask_for_link", "login", "logout", "show_link", "take_code", "take_link"),
        OPEN,
    ),
    "spaces": {
        "choose_guild": P.USERS_READ_OWN,
        "dashboard": P.USERS_READ_OWN,
        "home": P.USERS_READ_OWN,
        "join_guild_here": P.USERS_EDIT_OWN,
    },
    "static": {"": OPEN},
    "subscriptions": {
        "ask_cancel": P.CUSTOMERS_SUPPORT_OWN,
        "ask_withdraw": P.CUSTOMERS_SUPPORT_OWN,
        "cancel": P.CUSTOMERS_SUPPORT_OWN,
        "undo": P.CUSTOMERS_SUPPORT_OWN,
        "withdraw": P.CUSTOMERS_SUPPORT_OWN,
        "withdrawable": P.CUSTOMERS_READ_OWN,
    },
}
"""Per blueprint, what each page and endpoint asks for."""

BODIES = {
    "ask_for_money": {"amount": 5000},
    "cancel_request": {},
    "change_details": {"method": "paypal", "paypal": "a@example.org"},
    "change_link_name": {"slug": "another"},
    "join_affiliates": {"slug": "walker", "accepts_terms": False},
    "redeem_code": {"code": "NONE"},
}
"""What each JSON endpoint takes: a body that is not is refused before anybody is looked at."""

QUERIES = {"make_link": "?page=/", "preview_terms": "?amount=5000"}
DOORS = {"api_payments.psp_webhook", "api_payments.vault_callback", "cron.ask"}
"""What machines call: a secret of their own opens it, to no session of anybody's."""

LAST = ("sign_in.logout", "api_auth.sign_out")
"""What ends the session that it is asked from."""


def rules_of(app):
    """The public edge's rules, of which each method is one; the consoles have their own walk."""
    ours = {"static"} | {
        name for name, area in app.blueprints.items() if area.import_name.startswith("public.")
    }
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in ours]
    return sorted(rules, key=lambda rule: (rule.endpoint in LAST, rule.endpoint))


def told_of(rule):
    area, _, name = rule.endpoint.partition(".")
    return PAGES[area][name]


def address_of(rule):
    values = {name: new_id() for name in rule.arguments}
    values |= dict.fromkeys(rule.arguments & {"kind"}, "svg")
    path = rule.build(values, append_unknown=False)[1]
    return path + QUERIES.get(rule.endpoint.partition(".")[2], "")


def ask(person, rule):
    """The answer to the rule's own method, with all that a page of ours would send along."""
    path = address_of(rule)
    if "GET" in rule.methods:
        return person.get(path)
    if path.startswith("/api/"):
        body = BODIES.get(rule.endpoint.partition(".")[2], {})
        return person.browser.post(path, json=body, base_url="http://weokto.localhost")
    return person.post(path)


@pytest.fixture(scope="class")
def world(app, cleaner):
    """A browser of every role on WEOKTO, the affiliate with a profile, and nobody's."""
    people = {role: Staff(app, role) for role in EVERYONE}
    for number, person in enumerate(people.values()):
        person.browser.environ_base["REMOTE_ADDR"] = f"203.0.113.{number + 1}"
    with unit_of_work() as session:
        become_affiliate(session, people[UserType.AFFILIATE].user_id, "walker", actor=SYSTEM)
    yield people
    cleaner.clean()


class TestWalk:
    def test_knows_every_page_and_endpoint(self, app):
        """A new one has to say here what it asks for."""
        listed = {f"{area}.{name}".rstrip(".") for area, names in PAGES.items() for name in names}

        assert listed == {rule.endpoint for rule in rules_of(app)}

    @pytest.mark.parametrize("role", EVERYONE, ids=str)
    def test_lets_in_whom_the_table_lets_in(self, app, world, role):
        wrong = []
        for rule in rules_of(app):
            if rule.endpoint == "spaces.dashboard":
                continue  # STAM's, below
            answer, asked = ask(world[role], rule), told_of(rule)
            if not is_right(rule, answer, asked, role):
                wrong.append(f"{rule.endpoint} {asked}: {answer.status_code} {answer.location}")

        assert wrong == []


def is_right(rule, answer, asked, role):
    """Whether this is how the role is to be answered."""
    if rule.endpoint in DOORS:
        return answer.status_code in (400, 401, 403, 404, 422)
    turned_away = answer.status_code in (401, 403) or answer.status_code >= 500
    sent_to_sign_in = answer.location is not None and "/login?next=" in answer.location
    if asked is OPEN or (role is not None and is_allowed(rule, asked, role)):
        return not turned_away and not sent_to_sign_in
    if role is not None:
        return answer.status_code == (404 if is_staffs(rule) else 403)
    if rule.rule.startswith("/api/"):
        return answer.status_code == 401
    return answer.status_code == 303 and answer.location.startswith("/login")


def is_allowed(rule, asked, role):
    """The table; the second factor is staff's besides."""
    return role in STAFF if is_staffs(rule) else may(role, asked)


def is_staffs(rule):
    """Where nothing is for those who have no console."""
    return rule.endpoint.startswith("second_factor.")


class TestStam:
    """The pages of one site are nowhere on the other."""

    @pytest.fixture
    def client(self, app, committed, redis):
        visitor = Visitor(app, Platform.STAM)
        visitor.sign_in()
        return visitor

    def test_has_a_dashboard_for_its_clients(self, app, client, committed):
        assert client.get("/dashboard").status_code == 200
        assert Visitor(app, Platform.STAM).get("/dashboard").location.startswith("/login")

    def test_has_no_affiliates(self, app, client):
        found = {
            rule.endpoint: client.get(address_of(rule)).status_code
            for rule in rules_of(app)
            if "affiliate" in rule.endpoint.partition(".")[0] and "GET" in rule.methods
        }

        assert len(found) > 20
        assert set(found.values()) == {404}
