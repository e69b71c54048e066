"""The people of one simulation: their cookies and cards, what they named, and who they are."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import singledispatch
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import Platform, User, user_by_email
from models.affiliation import AffiliateProfile, affiliate_by_slug
from models.billing import Customer, Invoice
from models.billing.customer import customer_of
from models.billing.hear_psp import attempt_named
from models.billing.hear_vault import hear_vault
from models.billing.in_process import InProcessProvider, UnknownTestCard
from models.billing.invoice import EVER_PAID
from models.billing.record_word import record_word
from models.catalog import Community, Plan, Product, community_by_slug, product_by_slug
from models.errors import N_, BadInput, Missing
from models.oversight import SYSTEM, Actor
from models.session import unit_of_work

OWNER = Actor(role="OWNER")


class NotATestCard(BadInput):
    code = "not_a_test_card"
    message = N_("Only the published test cards can be used here.")


class People:
    """Who acts in one simulation, and what they have in hand.

    ``work`` performs what an act deferred, which is when a charge is made. ``withdrawals``
    are those that events asked for, in that order, each with the name that its event gave it.
    """

    def __init__(
        self, provider: InProcessProvider, *, start: datetime, work: Callable[[], None]
    ) -> None:
        self.start = start
        self.cookies: dict[str, str] = {}
        self.withdrawals: dict[UUID, str] = {}
        self._provider = provider
        self._work = work

    def pay_in_form(self, form_id: str, number: str) -> None:
        """Type a card into the vault's form, let the charge be made, and pass by the bank where
        it asks. Raises NotATestCard."""
        self._type_card(form_id, number)
        self._work()
        self.pass_by_the_bank()

    def pass_by_the_bank(self) -> None:
        """Authorise at the bank's page whatever the bank asks about."""
        for asked in self._provider.at_the_bank():
            word = self._provider.answer_bank(str(asked.payment_id), authorised=True)
            with unit_of_work() as session:
                attempt = attempt_named(session, word)
                if attempt is not None:
                    record_word(session, attempt.id, word, actor=SYSTEM, now=clock.now())
            self._work()

    def _type_card(self, form_id: str, number: str) -> None:
        """Let the vault tell us of a card as it does over HTTP."""
        request = self._provider.captures[form_id]
        try:
            card = self._provider.enter_card(number, reference=request.reference)
        except UnknownTestCard:
            raise NotATestCard from None
        shown = {
            "last_four": card.last4,
            "card_type": card.brand,
            "expiry": f"{card.exp_month:02}/{card.exp_year % 100:02}",
        }
        word = {
            "metadata": {"checkout_id": request.checkout_id, "try_no": str(request.try_no)},
            "token_info": {
                "token": card.token,
                "reference": card.reference,
                "safe_data": json.dumps(shown),
            },
        }
        hear_vault(json.dumps(word).encode(), request.webhook_secret)

    def withdrawal(self, name: str) -> UUID:
        """The withdrawal that an event named, the latest of a name given again. Raises Missing:
        it was never asked, or refused."""
        for key, given in reversed(self.withdrawals.items()):
            if given == name:
                return key
        raise Missing


@singledispatch
def act(event: Any, people: People) -> None:
    """Do what an event says. Raises DomainError where the business refuses."""
    raise TypeError(f"no act for {type(event).__name__}")


def affiliate_of(session: Session, slug: str) -> AffiliateProfile:
    """The affiliate of a slug. Raises Missing."""
    profile = affiliate_by_slug(session, slug)
    if profile is None:
        raise Missing
    return profile


def as_person(user_id: UUID, role: str = "CLIENT") -> Actor:
    """Somebody acting for themselves."""
    return Actor(role=role, user_id=user_id)


def everyone_at(session: Session, email: str) -> list[User]:
    """Whoever has an address, on either platform. Raises Missing."""
    found = (user_by_email(session, platform, email) for platform in Platform)
    people = [user for user in found if user is not None]
    if not people:
        raise Missing
    return people


def product_of(session: Session, slug: str) -> Product:
    """The product of a slug. Raises Missing."""
    product = product_by_slug(session, slug)
    if product is None:
        raise Missing
    return product


def community_of(session: Session, slug: str) -> Community:
    """The guild or community of a slug. Raises Missing."""
    community = community_by_slug(session, slug)
    if community is None:
        raise Missing
    return community


def plan_of(session: Session, product_id: UUID, slug: str) -> Plan:
    """A product's plan of a slug. Raises Missing."""
    plan = session.scalar(select(Plan).where(Plan.product_id == product_id, Plan.slug == slug))
    if plan is None:
        raise Missing
    return plan


def purchase_of(session: Session, email: str, product: str) -> Customer:
    """A person's purchase of a product, whatever its state. Raises Missing."""
    product_id = product_of(session, product).id
    for user in everyone_at(session, email):
        customer = customer_of(session, user.id, product_id)
        if customer is not None:
            return customer
    raise Missing


def paid_invoice_of(session: Session, customer: Customer, count: int) -> Invoice:
    """The nth invoice that a customer paid, from 1, in the order they were. Raises Missing."""
    paid = (
        select(Invoice)
        .where(Invoice.customer_id == customer.id, Invoice.status.in_(EVER_PAID))
        .order_by(Invoice.paid_at, Invoice.number)
        .offset(count - 1)
        .limit(1)
    )
    invoice = session.scalar(paid)
    if invoice is None:
        raise Missing
    return invoice
