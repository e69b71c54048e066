"""Staff at their consoles: browsers signed in with a second factor, and a small business to see."""

import re
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from models import clock
from models.accounts import Platform, UserType
from models.accounts.copy_data import ask_copy
from models.accounts.open_session import open_session
from models.affiliation import Attribution, Commission, LockRuleVersion, RateType
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.business_days import next_business_day
from models.affiliation.payouts.decide_withdrawal import approve_withdrawal
from models.affiliation.payouts.make_batch import make_batch
from models.billing import (
    AttemptOutcome,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceStatus,
    PaymentAttempt,
    PaymentMethod,
    ProviderEvent,
)
from models.oversight import SYSTEM, JobRun, OutgoingMail, SystemLog
from models.session import staff_reading, unit_of_work
from tests.earnings import Earnings
from tests.factories import Make

NUMBERS = count(1)
HOST = "weokto.localhost"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Staff:
    """A browser of one role (None: nobody), with its second factor proved unless asked not to."""

    def __init__(self, app, user_type, *, proved=True):
        self.browser = app.test_client()
        self.user_type = user_type
        self.token = None
        if user_type is not None:
            with unit_of_work() as session:
                user = Make(session).staff(user_type)
                row, token = open_session(
                    session, user, user_agent="", remember=True, actor=SYSTEM, now=clock.now()
                )
                row.second_factor_at = clock.now() if proved else None
                self.user_id, self.session_id = user.id, row.id
            self.browser.set_cookie("weokto_session", token, domain=HOST)

    def get(self, path, **values):
        return self.browser.get(path, base_url=f"http://{HOST}", **values)

    def post(self, path, data=None, *, form=None, **values):
        """Post with the token of a page of the consoles (``form``), or with the last one."""
        if self.token is None or form:
            usual = "/profile" if self.user_type else "/login"
            page = self.get(form or usual).text
            found = TOKEN.search(page)
            self.token = found.group(1) if found else ""
        fields = {**(data or {}), "csrf_token": self.token}
        return self.browser.post(path, data=fields, base_url=f"http://{HOST}", **values)


@pytest.fixture
def staff(app, committed, redis):
    """Make a signed-in browser: ``staff(UserType.OWNER)``."""
    return lambda user_type=UserType.OWNER, **values: Staff(app, user_type, **values)


@pytest.fixture
def owner(staff):
    return staff(UserType.OWNER)


@pytest.fixture
def console(settings):
    """The owner console's address."""
    return f"/{settings.owner_console_path}"


@pytest.fixture
def keep(committed):
    """Make committed rows: ``keep(lambda make: make.plan())`` answers what was made."""

    def run(build):
        with unit_of_work() as session:
            return build(Make(session))

    return run


@pytest.fixture
def read(committed):
    """Read with a query: ``read(lambda session: …)``."""

    def run(ask):
        with staff_reading() as session:
            return ask(session)

    return run


def purchase(make, *, plan=None, user=None, affiliate=None, last4="4242", **invoice_values):
    """One paid purchase with everything that hangs off it; answers the invoice.

    An issued invoice never changes, so whatever differs is given here.
    """
    plan, user, now = plan or make.plan(), user or make.user(), clock.now()
    customer = make.add(
        Customer(
            user_id=user.id,
            product_id=plan.product_id,
            current_plan_id=plan.id,
            status=CustomerStatus.ACTIVE,
            billing_anchor_at=now,
            subscription_ends_at=now + timedelta(days=30),
        )
    )
    card = make.add(
        PaymentMethod(
            customer_id=customer.id,
            vault_token="vault-token-never-shown",
            vault_reference="reference",
            psp_customer_id="cus_1",
            psp_payment_method_id="pm_1",
            brand="visa",
            last4=last4,
        )
    )
    customer.default_payment_method_id = card.id
    values = {
        "number": f"WS-2001-{next(NUMBERS):06d}",  # a year in which the rules number nothing
        "kind": InvoiceKind.FIRST,
        "status": InvoiceStatus.PAID,
        "period_start": now,
        "amount_excluding_tax": 4083,
        "tax_amount": 817,
        "tax_rate": Decimal("0.2"),
        "amount_including_tax": 4900,
        "due_at": now,
        "paid_at": now,
        **invoice_values,
    }
    invoice = make.add(Invoice(customer_id=customer.id, plan_id=plan.id, **values))
    make.add(InvoiceLine(invoice_id=invoice.id, label=plan.name, unit_amount=4900, total=4900))
    if affiliate is not None:
        earn(make, invoice, customer, affiliate)
    return invoice


def earn(make, invoice, customer, affiliate):
    """The commission of an invoice."""
    now = clock.now()
    version = make.session.query(LockRuleVersion).first()
    program = make.program(make.session.get(type(make.product()), customer.product_id))
    attribution = make.add(
        Attribution(
            user_id=customer.user_id,
            product_id=customer.product_id,
            affiliate_id=affiliate.user_id,
            customer_id=customer.id,
        )
    )
    return make.add(
        Commission(
            program_id=program.id,
            affiliate_id=affiliate.user_id,
            customer_id=customer.id,
            invoice_id=invoice.id,
            attribution_id=attribution.id,
            lock_rule_version_id=version.id,
            base_amount=4083,
            rate_type=RateType.PERCENTAGE,
            rate_applied=Decimal(30),
            total_amount=1225,
            main_amount=980,
            extended_amount=245,
            main_lock_days=45,
            extended_lock_days=90,
            earned_at=now,
            locked_until=now + timedelta(days=45),
            extended_locked_until=now + timedelta(days=90),
            explanation={"lock_profile": "NEW", "age_days": 0, "lock_rule_version": 1},
        )
    )


def paid_out(make):
    """An affiliate with a withdrawal in a payment file, and money left to be paid."""
    session, now = make.session, clock.now()
    affiliate = Earnings(make, now).affiliate(20_000, slug="paula")
    asked = ask_withdrawal(session, affiliate.user_id, 10_000, actor=SYSTEM, now=now)
    approve_withdrawal(session, asked.id, actor=SYSTEM, now=now)
    day = next_business_day(clock.today())
    make_batch(session, [asked.id], execution_date=day, actor=SYSTEM, now=now)


def business(make):
    """A row or more of everything the consoles show."""
    affiliate = make.affiliate("alice")
    plan = make.plan("premium-monthly", name="Premium")
    button = make.button("premium-button", plan=plan)
    invoice = purchase(make, plan=plan, affiliate=affiliate)
    capture = make.capture(button=button)
    make.click(affiliate)
    make.add(
        PaymentAttempt(
            capture_id=capture.id,
            invoice_id=invoice.id,
            attempt_no=1,
            idempotency_key="attempt-1",
            amount=4900,
            outcome=AttemptOutcome.SUCCEEDED,
        )
    )
    paid_out(make)
    make.add(ProviderEvent(source="psp", external_id="evt_1"))
    make.add(
        OutgoingMail(
            idempotency_key="mail-1", kind="receipt", platform=Platform.STAM, to_email="a@b.fr"
        )
    )
    ask_copy(make.session, make.user().id, actor=SYSTEM, now=clock.now(), reason="wrote to us")
    make.add(SystemLog(level="ERROR", module="jobs", message="it broke"))
    make.add(JobRun(name="oversight-sweep", due_at=clock.now()))
