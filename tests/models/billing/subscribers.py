"""Customers in each state, made as rows: what the rules about running purchases start from."""

from datetime import UTC, datetime

from models.billing import Customer, CustomerStatus, Invoice, InvoiceKind, InvoiceStatus
from models.billing.payment_method import PaymentMethod
from models.billing.quote import quote_of
from models.billing.reckon_switch import terms_after_switch
from models.oversight import Actor

OWNER = Actor(role="owner")
START = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
"""Noon in Paris on the first of March: the anchor of most subscriptions here."""
END = datetime(2026, 4, 1, 10, 0, tzinfo=UTC)
"""Noon in Paris a month later, summer time by then."""


def subscribe(make, plan=None, *, card=True, **values):
    """An ACTIVE customer in their first month, which an invoice has paid."""
    plan = plan or make.plan()
    terms = terms_after_switch(quote_of(plan.product, plan))
    values = {
        "status": CustomerStatus.ACTIVE,
        "billing_anchor_at": START,
        "subscription_ends_at": END,
        "next_charge_at": END,
        "periods_since_anchor": 1,
        "billing_cycles_done": 1,
        "terms": terms.to_json(),
        **values,
    }
    user = values.pop("user", None) or make.user()
    customer = make.add(
        Customer(user_id=user.id, product_id=plan.product_id, current_plan_id=plan.id, **values)
    )
    if card:
        give_card(make, customer)
    return customer


def give_card(make, customer, *, psp_customer_id="cus_1", psp_payment_method_id="pm_1", **values):
    """A default card of a customer."""
    values = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2040, **values}
    card = make.add(
        PaymentMethod(
            customer_id=customer.id,
            vault_token="token",
            vault_reference="reference",
            psp_customer_id=psp_customer_id,
            psp_payment_method_id=psp_payment_method_id,
            **values,
        )
    )
    customer.default_payment_method_id = card.id
    make.session.flush()
    return card


def on_trial(make, plan=None, **values):
    """A customer whose trial ends at END."""
    values = {
        "status": CustomerStatus.TRIAL,
        "trial_ends_at": END,
        "billing_anchor_at": END,
        "subscription_ends_at": None,
        "periods_since_anchor": 0,
        "billing_cycles_done": 0,
        **values,
    }
    return subscribe(make, plan, **values)


def past_due(make, plan=None, *, failed_at=END, **values):
    """A customer whose renewal at END failed, with the invoice that waits."""
    values = {
        "status": CustomerStatus.PAST_DUE,
        "first_failed_at": failed_at,
        "next_charge_at": failed_at,
        **values,
    }
    customer = subscribe(make, plan, **values)
    invoice = unpaid(make, customer)
    return customer, invoice


def unpaid(make, customer, kind=InvoiceKind.RENEWAL, **values):
    """A PENDING invoice for the period after END."""
    values = {"period_start": END, "due_at": END, "amount_including_tax": 4900, **values}
    return make.add(
        Invoice(
            customer_id=customer.id,
            plan_id=customer.current_plan_id,
            kind=kind,
            status=InvoiceStatus.PENDING,
            amount_excluding_tax=values["amount_including_tax"],
            tax_amount=0,
            tax_rate=0,
            **values,
        )
    )
