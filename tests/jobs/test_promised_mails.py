"""Mails to whoever left a page before it could say how a payment ended."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.mail_rendering import render
from jobs.oversight import dispatch
from models import clock
from models.billing import Customer
from models.billing.in_process import Fault
from models.billing.resolve_unknown import resolve_unknown
from models.billing.switch_plan import switch_plan
from models.oversight import OutgoingMail
from models.session import staff_reading, unit_of_work
from tests.checkouts import DECLINED, DECLINED_LATER, buy, put_on_sale
from tests.factories import Make
from tests.models.billing.subscribers import OWNER
from tests.stored import one

pytestmark = pytest.mark.usefixtures("committed", "now")


def mails(kind):
    dispatch()
    with staff_reading() as session:
        found = session.scalars(select(OutgoingMail).where(OutgoingMail.kind == kind)).all()
    return [render(mail) for mail in found]


def until_it_is_known():
    """Let the sweep ask until the PSP can no longer be on its way."""
    for _ in range(12):
        clock.advance(timedelta(minutes=5))
        resolve_unknown()


def test_a_purchase_whose_bank_was_long_in_answering(twin):
    twin.fail_next("charge", Fault.LOST_BEFORE)
    buy(twin, put_on_sale(price_amount=4900), locale="en")

    until_it_is_known()

    [mail] = mails("payment_not_made")
    assert "€49.00" in mail.text
    assert "nothing was charged" in mail.text


def test_a_refusal_that_stood_on_the_page_is_not_mailed(twin):
    buy(twin, put_on_sale(), card=DECLINED)

    assert mails("payment_not_made") == []


def test_a_change_of_plan_that_was_not_paid(twin):
    with unit_of_work() as session:
        make = Make(session)
        basic = make.plan("basic", name="Basic", price_amount=4900)
        dearer = make.plan("dearer", name="Pro", product=basic.product, price_amount=9900)
        key = make.button(plan=basic).button_key
    buy(twin, key, card=DECLINED_LATER, locale="en")
    clock.advance(timedelta(days=10))

    assert switch_plan(one(Customer).id, dearer.id, actor=OWNER).is_refused

    [mail] = mails("switch_refused")
    for words in ("Pro", "Basic"):
        assert words in mail.text
