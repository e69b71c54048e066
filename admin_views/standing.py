"""How an affiliate stands, in sentences: what the owner weighs before money leaves."""

from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext
from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from admin_views.formats import euros, percent
from admin_views.words import status_words
from models import clock
from models.affiliation import (
    AffiliateProfile,
    Attribution,
    Commission,
    FraudFlag,
    RiskLevel,
    Withdrawal,
)
from models.affiliation.active_client import active_clients
from models.affiliation.fraud_flag import open_flags
from models.billing import Customer
from models.catalog import Plan
from models.ledger import Account, LedgerAccount, balances_of

MANY = 1_000


def balance_in(account: Account, key: str = "user_id") -> Any:
    """An affiliate's balance in one account, as a column; ``key`` names the affiliate."""
    return lambda of: (
        select(LedgerAccount.balance)
        .where(LedgerAccount.affiliate_id == getattr(of, key), LedgerAccount.account == account)
        .scalar_subquery()
    )


def earned_in_all(of: Any) -> Any:
    """What an affiliate's commissions came to, as a column; an index alone holds the sum."""
    return (
        select(func.coalesce(func.sum(Commission.total_amount), 0).cast(BigInteger))
        .where(Commission.affiliate_id == of.user_id)
        .scalar_subquery()
    )


def running_clients(of: Any) -> Any:
    """How many active clients an affiliate has, as they read it, counted up to ``MANY``."""
    some = (
        select(Attribution.id)
        .join(Customer, Customer.id == Attribution.customer_id)
        .join(Plan, Plan.id == Customer.current_plan_id)
        .where(Attribution.affiliate_id == of.user_id, *active_clients(now=clock.now()))
        .limit(MANY)
        .correlate(of)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()


def flags_of(key: str = "user_id") -> Any:
    """How many open fraud flags an affiliate has, as a column."""
    return lambda of: (
        select(func.count())
        .where(FraudFlag.affiliate_id == getattr(of, key), FraudFlag.dismissed_at.is_(None))
        .scalar_subquery()
    )


def standing(session: Session, affiliate_id: UUID) -> list[str]:
    """Balances, risk, refund rate and flags of an affiliate."""
    profile = AffiliateProfile.get(session, affiliate_id)
    found = balances_of(session, affiliate_id)
    flags = len(open_flags(session, affiliate_id))
    told = [
        gettext(
            "%(slug)s: %(available)s available, %(reserved)s reserved, %(locked)s locked, "
            "%(paid)s paid out so far",
            slug=profile.affiliate_slug,
            available=euros(found.available),
            reserved=euros(found.reserved),
            locked=euros(found.locked),
            paid=euros(found.paid_out),
        ),
        gettext(
            "Risk: %(level)s; refund rate %(rate)s",
            level=status_words(RiskLevel, profile.risk_level)[0],
            rate=percent(profile.refund_rate.scaleb(2)),
        ),
    ]
    if found.debt:
        told.append(gettext("In debt: %(amount)s", amount=euros(found.debt)))
    if flags:
        told.append(ngettext("%(num)s open warning sign", "%(num)s open warning signs", flags))
    return told


def standing_of_withdrawal(session: Session, key: UUID) -> list[str]:
    """The same of the affiliate who asked for a withdrawal."""
    return standing(session, Withdrawal.get(session, key).affiliate_id)
