"""Who may do what: document 01's table as code, for consoles, pages, endpoints and sockets.

A permission is an area and a verb. ``*_OWN`` covers only what belongs to the person who
asks; the rule or row security still says which rows those are. Whoever is not signed in
has no permission at all: what they see is published, and asks for none.
"""

import enum

from models.accounts.user import UserType


class Permission(enum.StrEnum):
    """One thing that a role may or may not do; the value is stable and goes to logs."""

    OWNER_CONSOLE = "consoles.owner"
    ADMIN_CONSOLE = "consoles.admin"
    PRODUCT_CONSOLE = "consoles.product_manager"

    CATALOG_READ = "catalog.read"
    CATALOG_CREATE = "catalog.create"
    CATALOG_EDIT = "catalog.edit"
    CATALOG_DELETE = "catalog.delete"

    COURSES_READ = "courses.read"
    COURSES_CREATE = "courses.create"
    COURSES_EDIT = "courses.edit"
    COURSES_UPLOAD = "courses.upload"
    COURSES_DELETE = "courses.delete"
    COURSES_FOLLOW_OWN = "courses.follow_own"

    COMMUNITIES_READ = "communities.read"
    COMMUNITIES_READ_OWN = "communities.read_own"
    COMMUNITIES_CREATE = "communities.create"
    COMMUNITIES_EDIT = "communities.edit"
    COMMUNITIES_DELETE = "communities.delete"
    COMMUNITIES_MODERATE = "communities.moderate"

    USERS_READ = "users.read"
    USERS_READ_OWN = "users.read_own"
    USERS_EDIT_OWN = "users.edit_own"
    USERS_SUSPEND = "users.suspend"
    USERS_TOUCH_OWNER = "users.touch_owner"
    SESSIONS_READ = "sessions.read"
    SESSIONS_READ_OWN = "sessions.read_own"
    SESSIONS_END = "sessions.end"
    SESSIONS_END_OWN = "sessions.end_own"
    ROLES_CHANGE = "roles.change"
    SECOND_FACTORS_RESET = "second_factors.reset"

    CUSTOMERS_READ = "customers.read"
    CUSTOMERS_READ_OWN = "customers.read_own"
    CUSTOMERS_SUPPORT = "customers.support"
    CUSTOMERS_SUPPORT_OWN = "customers.support_own"
    CUSTOMERS_AMOUNTS = "customers.amounts"
    CUSTOMERS_EDIT = "customers.edit"
    MAILS_READ = "mails.read"
    MAILS_RESEND = "mails.resend"

    INVOICES_READ = "invoices.read"
    INVOICES_READ_OWN = "invoices.read_own"
    INVOICES_EDIT = "invoices.edit"
    PAYMENTS_READ = "payments.read"
    PAYMENTS_RESOLVE = "payments.resolve"
    REFUNDS_READ = "refunds.read"
    REFUNDS_ASK_OWN = "refunds.ask_own"
    REFUNDS_DECIDE = "refunds.decide"

    AFFILIATES_READ = "affiliates.read"
    AFFILIATES_READ_OWN = "affiliates.read_own"
    AFFILIATES_JOIN = "affiliates.join"
    AFFILIATES_EDIT = "affiliates.edit"
    RISK_CHANGE = "risk.change"
    LOCK_RULES_READ = "lock_rules.read"
    LOCK_RULES_EDIT = "lock_rules.edit"
    PROGRAMS_READ = "programs.read"
    PROGRAMS_CREATE = "programs.create"
    PROGRAMS_EDIT = "programs.edit"
    PROGRAMS_DELETE = "programs.delete"
    BOOSTS_READ = "boosts.read"
    BOOSTS_CREATE = "boosts.create"
    BOOSTS_EDIT = "boosts.edit"
    BOOSTS_DELETE = "boosts.delete"
    CLICKS_READ = "clicks.read"
    ATTRIBUTIONS_READ = "attributions.read"

    COMMISSIONS_READ = "commissions.read"
    COMMISSIONS_READ_OWN = "commissions.read_own"
    LEDGER_READ = "ledger.read"
    LEDGER_READ_OWN = "ledger.read_own"
    LEDGER_ADJUST = "ledger.adjust"
    LEDGER_VERIFY = "ledger.verify"
    WITHDRAWALS_READ = "withdrawals.read"
    WITHDRAWALS_READ_OWN = "withdrawals.read_own"
    WITHDRAWALS_ASK_OWN = "withdrawals.ask_own"
    WITHDRAWALS_DECIDE = "withdrawals.decide"
    WITHDRAWALS_PAY = "withdrawals.pay"

    FINANCE_FIGURES = "figures.finance"
    FINANCE_FIGURES_OWN = "figures.finance_own"
    COUNT_FIGURES = "figures.counts"
    PRODUCT_FIGURES = "figures.products"

    REWARDS_READ = "rewards.read"
    REWARDS_CREATE = "rewards.create"
    REWARDS_EDIT = "rewards.edit"
    REWARDS_DELETE = "rewards.delete"
    REWARDS_TAKE_PART = "rewards.take_part"

    AUDIT_READ = "audit.read"
    AUDIT_READ_OWN_AREA = "audit.read_own_area"
    SYSTEM_READ = "system.read"
    SYSTEM_RUN = "system.run"
    SETTINGS_READ = "settings.read"
    SETTINGS_EDIT = "settings.edit"
    SETTINGS_EDIT_OWN = "settings.edit_own"
    DATA_REQUESTS_READ = "data_requests.read"
    DATA_REQUESTS_CREATE = "data_requests.create"
    DATA_REQUESTS_DECIDE = "data_requests.decide"
    DATA_REQUESTS_ASK_OWN = "data_requests.ask_own"


P = Permission

SELF = frozenset({P.USERS_READ_OWN, P.USERS_EDIT_OWN, P.SESSIONS_READ_OWN, P.SESSIONS_END_OWN})
"""What everybody signed in has, staff included: their own profile and their own sessions."""

BOUGHT = frozenset(
    {P.CUSTOMERS_READ_OWN, P.CUSTOMERS_SUPPORT_OWN, P.INVOICES_READ_OWN, P.REFUNDS_ASK_OWN}
)
"""What everybody signed in may do with what they bought, whatever they have become since:
affiliates buy too, and the law gives a buyer's rights to whoever bought."""

_ADMIN = frozenset(
    {
        P.ADMIN_CONSOLE,
        P.PRODUCT_CONSOLE,
        P.CATALOG_READ,
        P.COURSES_READ,
        P.COMMUNITIES_READ,
        P.COMMUNITIES_CREATE,
        P.COMMUNITIES_EDIT,
        P.COMMUNITIES_DELETE,
        P.COMMUNITIES_MODERATE,
        P.USERS_READ,
        P.USERS_SUSPEND,
        P.SESSIONS_READ,
        P.SESSIONS_END,
        P.CUSTOMERS_READ,
        P.CUSTOMERS_SUPPORT,
        P.MAILS_READ,
        P.MAILS_RESEND,
        P.COUNT_FIGURES,
        P.PRODUCT_FIGURES,
        P.REWARDS_READ,
        P.REWARDS_CREATE,
        P.REWARDS_EDIT,
        P.REWARDS_DELETE,
        P.AUDIT_READ_OWN_AREA,
        P.SYSTEM_READ,
        P.SYSTEM_RUN,
        P.DATA_REQUESTS_READ,
        P.DATA_REQUESTS_CREATE,
        P.DATA_REQUESTS_DECIDE,
    }
)

_PRODUCT_MANAGER = frozenset(
    {
        P.PRODUCT_CONSOLE,
        P.CATALOG_READ,
        P.CATALOG_CREATE,
        P.CATALOG_EDIT,
        P.COURSES_READ,
        P.COURSES_CREATE,
        P.COURSES_EDIT,
        P.COURSES_UPLOAD,
        P.COMMUNITIES_READ,
        P.PRODUCT_FIGURES,
    }
)

_AFFILIATE = frozenset(
    {
        P.COMMUNITIES_READ_OWN,
        P.AFFILIATES_JOIN,  # a second press finds the profile there is
        P.AFFILIATES_READ_OWN,
        P.COMMISSIONS_READ_OWN,
        P.LEDGER_READ_OWN,
        P.WITHDRAWALS_READ_OWN,
        P.WITHDRAWALS_ASK_OWN,
        P.FINANCE_FIGURES_OWN,
        P.REWARDS_TAKE_PART,
        P.SETTINGS_EDIT_OWN,
        P.DATA_REQUESTS_ASK_OWN,
    }
)

_CLIENT = frozenset(
    {
        P.COURSES_FOLLOW_OWN,
        P.COMMUNITIES_READ_OWN,
        P.AFFILIATES_JOIN,
        P.SETTINGS_EDIT_OWN,
        P.DATA_REQUESTS_ASK_OWN,
    }
)

MATRIX: dict[UserType, frozenset[Permission]] = {
    UserType.OWNER: frozenset(Permission),
    UserType.ADMIN: _ADMIN | SELF | BOUGHT,
    UserType.PRODUCT_MANAGER: _PRODUCT_MANAGER | SELF | BOUGHT,
    UserType.AFFILIATE: _AFFILIATE | SELF | BOUGHT,
    UserType.CLIENT: _CLIENT | SELF | BOUGHT,
}
"""Every role's permissions; what is not listed is refused."""


def may(user_type: UserType | None, permission: Permission) -> bool:
    """Whether a role, or nobody (None), has a permission."""
    return user_type is not None and permission in MATRIX[user_type]


def may_touch(user_type: UserType | None, permission: Permission, target: UserType) -> bool:
    """The same about another person: ADMIN's powers over users stop at the OWNER."""
    if target is UserType.OWNER and not may(user_type, Permission.USERS_TOUCH_OWNER):
        return False
    return may(user_type, permission)
