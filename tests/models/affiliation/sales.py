"""Sales to test with: a product with its program, customers, paid invoices, their refunds."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace

from models.affiliation import Attribution
from models.affiliation.claw_back import claw_back
from models.affiliation.earn_commission import earn_commission
from models.billing import Customer, CustomerStatus, Invoice, InvoiceKind, InvoiceStatus
from models.ids import new_id
from models.ledger import balances_of
from models.money import without_tax
from models.oversight import SYSTEM, Actor

STAFF = Actor(role="OWNER")
_numbers = count(1)


class Shop:
    """One product on sale with one plan and, unless told otherwise, an active program."""

    def __init__(self, make, now):
        self.make, self.now = make, now
        self.plan = make.plan()
        self.product = self.plan.product
        self.program = make.program(self.product)

    def customer(self, user=None, **values):
        user = user or self.make.user()
        values.setdefault("status", CustomerStatus.ACTIVE)
        return self.make.add(
            Customer(
                user_id=user.id,
                product_id=self.product.id,
                current_plan_id=self.plan.id,
                **values,
            )
        )

    def invoice(self, customer, price=4900, vat=Decimal("0.20"), **values):
        values.setdefault("kind", InvoiceKind.FIRST)
        values.setdefault("paid_at", self.now)
        values.setdefault("psp_payment_id", f"pi_{next(_numbers)}")
        excluding, tax = without_tax(price, vat)
        return self.make.add(
            Invoice(
                number=f"WS-2026-{next(_numbers):06}",
                customer_id=customer.id,
                plan_id=self.plan.id,
                status=InvoiceStatus.PAID,
                period_start=values["paid_at"] + timedelta(seconds=next(_numbers)),
                amount_excluding_tax=excluding,
                tax_amount=tax,
                tax_rate=vat,
                amount_including_tax=price,
                due_at=values["paid_at"],
                **values,
            )
        )

    def brought_by(self, affiliate, customer=None, **values):
        """A customer bound to an affiliate; gives the customer."""
        customer = customer or self.customer()
        self.make.add(
            Attribution(
                user_id=customer.user_id,
                customer_id=customer.id,
                product_id=self.product.id,
                affiliate_id=affiliate.user_id,
                **values,
            )
        )
        return customer


class Sale:
    """One paid invoice of 49.00 € and its commission of 12.25 €, with its refunds so far."""

    def __init__(self, session, shop, affiliate, now):
        self.session, self.now = session, now
        self.affiliate_id = affiliate.user_id
        self.invoice = shop.invoice(shop.brought_by(affiliate), paid_at=now)
        self.commission = earn_commission(session, self.invoice.id, actor=SYSTEM, now=now)
        self.refunded = 0

    def refund(self, amount, refund=None):
        refund = refund or SimpleNamespace(id=new_id(), amount=amount)
        self.refunded += amount
        claw_back(
            self.session,
            invoice=self.invoice,
            refund=refund,
            refunded_in_all=self.refunded,
            actor=SYSTEM,
            now=self.now,
        )
        return refund

    @property
    def balances(self):
        found = balances_of(self.session, self.affiliate_id)
        return found.locked, found.available
