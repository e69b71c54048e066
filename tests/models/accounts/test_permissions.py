"""Document 01's table, row by row and in its own words, against the matrix."""

import pytest

from models.accounts import UserType
from models.accounts.permissions import MATRIX, SELF, Permission, may, may_touch

COLUMNS = (
    UserType.OWNER,
    UserType.ADMIN,
    UserType.PRODUCT_MANAGER,
    UserType.AFFILIATE,
    UserType.CLIENT,
)

# Area of the table -> the permissions it is made of, then per column what its cell allows.
# "all" is the whole area; "-" nothing; anything else the listed verbs.
TABLE = {
    "products, plans, buttons, access": (
        "catalog.read catalog.create catalog.edit catalog.delete",
        ("all", "catalog.read", "catalog.read catalog.create catalog.edit", "-", "-"),
    ),
    "courses": (
        "courses.read courses.create courses.edit courses.upload courses.delete courses.follow_own",
        (
            "all",
            "courses.read",
            "courses.read courses.create courses.edit courses.upload",
            "-",
            "courses.follow_own",
        ),
    ),
    "communities, channels, moderation": (
        "communities.read communities.read_own communities.create communities.edit"
        " communities.delete communities.moderate",
        (
            "all",
            "communities.read communities.create communities.edit communities.delete"
            " communities.moderate",
            "communities.read",
            "communities.read_own",
            "communities.read_own",
        ),
    ),
    "users: see, suspend, sessions": (
        "users.read users.suspend sessions.read sessions.end users.touch_owner",
        ("all", "users.read users.suspend sessions.read sessions.end", "-", "-", "-"),
    ),
    "roles": ("roles.change second_factors.reset", ("all", "-", "-", "-", "-")),
    "customers, subscriptions: support": (
        "customers.read customers.read_own customers.support customers.support_own"
        " customers.amounts customers.edit mails.read mails.resend",
        (
            "all",
            "customers.read customers.support mails.read mails.resend"
            " customers.read_own customers.support_own",
            "customers.read_own customers.support_own",
            "customers.read_own customers.support_own",
            "customers.read_own customers.support_own",
        ),
    ),
    "invoices, refunds": (
        "invoices.read invoices.read_own invoices.edit payments.read payments.resolve"
        " refunds.read refunds.ask_own refunds.decide",
        (
            "all",
            "invoices.read_own refunds.ask_own",
            "invoices.read_own refunds.ask_own",
            "invoices.read_own refunds.ask_own",
            "invoices.read_own refunds.ask_own",
        ),
    ),
    "affiliates, risk levels, programs, boost codes": (
        "affiliates.read affiliates.read_own affiliates.join affiliates.edit risk.change"
        " lock_rules.read lock_rules.edit programs.read programs.create programs.edit"
        " programs.delete boosts.read boosts.create boosts.edit boosts.delete clicks.read"
        " attributions.read",
        ("all", "-", "-", "affiliates.read_own affiliates.join", "affiliates.join"),
    ),
    "ledger, withdrawals, payouts": (
        "commissions.read commissions.read_own ledger.read ledger.read_own ledger.adjust"
        " ledger.verify withdrawals.read withdrawals.read_own withdrawals.ask_own"
        " withdrawals.decide withdrawals.pay",
        (
            "all",
            "-",
            "-",
            "commissions.read_own ledger.read_own withdrawals.read_own withdrawals.ask_own",
            "-",
        ),
    ),
    "finance figures": (
        "figures.finance figures.finance_own figures.counts",
        ("all", "figures.counts", "-", "figures.finance_own", "-"),
    ),
    "product figures": ("figures.products", ("all", "all", "all", "-", "-")),
    "competitions, pearls, cosmetics": (
        "rewards.read rewards.create rewards.edit rewards.delete rewards.take_part",
        (
            "all",
            "rewards.read rewards.create rewards.edit rewards.delete",
            "-",
            "rewards.take_part",
            "-",
        ),
    ),
    "audit trail": (
        "audit.read audit.read_own_area",
        ("all", "audit.read_own_area", "-", "-", "-"),
    ),
    "system logs, jobs": ("system.read system.run", ("all", "all", "-", "-", "-")),
    "settings, data requests": (
        "settings.read settings.edit settings.edit_own data_requests.read data_requests.create"
        " data_requests.decide data_requests.ask_own",
        (
            "all",
            "data_requests.read data_requests.create data_requests.decide",
            "-",
            "settings.edit_own data_requests.ask_own",
            "settings.edit_own data_requests.ask_own",
        ),
    ),
    "consoles (document 06)": (
        "consoles.owner consoles.admin consoles.product_manager",
        ("all", "consoles.admin consoles.product_manager", "consoles.product_manager", "-", "-"),
    ),
}


def permissions(words: str) -> set[Permission]:
    return {Permission(word) for word in words.split()}


class TestTheTable:
    @pytest.mark.parametrize("area", TABLE)
    @pytest.mark.parametrize("column", COLUMNS, ids=str)
    def test_each_cell_allows_what_it_says(self, area: str, column: UserType) -> None:
        words, cells = TABLE[area]
        cell = cells[COLUMNS.index(column)]
        expected = permissions({"all": words, "-": ""}.get(cell, cell))

        assert {it for it in permissions(words) if may(column, it)} == expected

    def test_every_permission_stands_in_one_row(self) -> None:
        listed = [it for words, _ in TABLE.values() for it in permissions(words)]

        assert sorted(listed) == sorted(set(Permission) - SELF)

    def test_every_role_has_a_column(self) -> None:
        assert set(MATRIX) == set(UserType)


class TestMay:
    @pytest.mark.parametrize("permission", Permission)
    def test_nobody_may_nothing(self, permission: Permission) -> None:
        assert not may(None, permission)

    @pytest.mark.parametrize("role", UserType)
    def test_everybody_keeps_their_own_profile_and_sessions(self, role: UserType) -> None:
        assert MATRIX[role] >= SELF


class TestMayTouch:
    def test_an_admin_suspends_anyone_but_the_owner(self) -> None:
        for target in UserType:
            allowed = may_touch(UserType.ADMIN, Permission.USERS_SUSPEND, target)
            assert allowed is (target is not UserType.OWNER)

    def test_the_owner_touches_everyone(self) -> None:
        assert all(
            may_touch(UserType.OWNER, Permission.USERS_SUSPEND, target) for target in UserType
        )

    def test_a_client_touches_nobody(self) -> None:
        assert not may_touch(UserType.CLIENT, Permission.USERS_SUSPEND, UserType.CLIENT)
