"""Clients of tests: people who have bought something and are signed in on their platform."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from models.accounts import Platform, User
from models.billing import Customer, Invoice
from models.session import staff_reading, unit_of_work
from tests.checkouts import GOOD, buy
from tests.factories import Make
from tests.visitors import Visitor

ADA, EVE = "ada@example.org", "eve@example.org"


@dataclass
class Client:
    """A signed-in buyer, with the ids of what they bought, read afresh each time."""

    visitor: Visitor
    email: str

    @property
    def customer(self) -> Customer:
        with staff_reading() as session:
            return session.scalars(
                select(Customer)
                .join(User, User.id == Customer.user_id)
                .where(User.email == self.email)
                .order_by(Customer.id.desc())
            ).first()

    @property
    def invoices(self) -> list[Invoice]:
        with staff_reading() as session:
            return list(
                session.scalars(
                    select(Invoice)
                    .where(Invoice.customer_id == self.customer.id)
                    .order_by(Invoice.id)
                )
            )

    def act(self, verb: str, customer_id: UUID | None = None) -> str:
        """The address of an act on a purchase."""
        return f"/settings/subscriptions/{customer_id or self.customer.id}/{verb}"

    def press(self, path: str, **fields: str):
        """Post a form of the settings pages."""
        return self.visitor.post(path, fields, form="/profile")

    def page(self, path: str = "/settings"):
        return self.visitor.get(path, headers={"Accept-Language": "en"})


def speak_english(email: str) -> None:
    with unit_of_work() as session:
        for user in session.scalars(select(User).where(User.email == email)):
            user.locale = "en"


def client_of(app, email: str, platform: Platform = Platform.STAM) -> Client:
    """Sign a buyer in; their pages speak English."""
    visitor = Visitor(app, platform)
    visitor.sign_in(email, remember=True)
    speak_english(email)
    return Client(visitor, email)


def buyer(app, twin, key: str, email: str = ADA, card: str = GOOD) -> Client:
    """Somebody who bought under a button and has signed in since."""
    buy(twin, key, email, card=card)
    return client_of(app, email)


def put_product_on_sale(key: str = "offer", *more: dict[str, object], **plan: object) -> str:
    """A committed button on the first of some plans of one product; gives its key."""
    with unit_of_work() as session:
        make = Make(session)
        first = make.plan(f"plan-{key}", **plan)
        make.button(key, plan=first)
        for number, other in enumerate(more):
            make.plan(f"plan-{key}-{number}", product=first.product, **other)
    return key
