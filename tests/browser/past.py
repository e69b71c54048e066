"""What happened before a browser test begins: the house's own database, at an earlier hour."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from models import clock
from models.affiliation import AffiliateProfile, Commission
from models.affiliation.boost import BoostType
from models.affiliation.edit_boost import create_boost
from models.affiliation.mature import mature_due
from models.affiliation.redeem_boost import redeem_boost
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.billing.refund_invoice import refund_invoice
from models.billing.send_refunds import send_refunds
from models.oversight.actor import SYSTEM
from models.session import speaking_to, unit_of_work
from models.settings import current_settings, use_settings
from tests.checkouts import buy
from tests.factories import Make
from tests.selling import an_affiliate

TWIN = InProcessProvider()
"""One for all tests: its numbers go on, because the house's database keeps them."""

ONCE = "atelier-automatisation-once"
"""250.00 €, once, of which 40 % without tax is a commission of 83.33 €."""


@contextmanager
def in_the_house(house):
    """Act on the house's database from here, with the provider's twin; the queue hears nothing,
    so that what follows is left to the house's own sweeps."""
    mine = current_settings()
    theirs = {name.lower(): value for name, value in house.environment.items()}
    use_settings(mine.model_copy(update={**theirs, "env": "development"}))
    try:
        use_provider(TWIN)
        with speaking_to(current_settings(), None):
            yield TWIN
    finally:
        use_provider(None)
        clock.release()
        use_settings(mine)


def an_affiliate_with_money(house, name):
    """An affiliate with 166.66 € released, and a sale of three weeks ago half of which was
    given back ten days ago; gives their address."""
    now = clock.now()
    with in_the_house(house) as twin:
        clock.move_to(now - timedelta(days=100))
        affiliate = an_affiliate(name)
        for buyer in ("first", "second"):
            _sell(twin, affiliate, f"{buyer}.{name}@example.org")
        clock.move_to(now - timedelta(days=21))
        _sell(twin, affiliate, f"third.{name}@example.org")
        clock.move_to(now - timedelta(days=10))
        _refund(affiliate, 12500)
        clock.move_to(now)
        mature_due()
        _boost(affiliate)
    return affiliate.email


def _boost(affiliate):
    """Give an affiliate a boost of their own, which is in force."""
    with unit_of_work() as session:
        code = create_boost(
            session,
            boost_type=BoostType.PERCENTAGE_INCREASE,
            boost_value=Decimal(5),
            actor=SYSTEM,
            now=clock.now(),
        ).code
        redeem_boost(session, affiliate.id, code, actor=SYSTEM, now=clock.now())


def _sell(twin, affiliate, email):
    with unit_of_work() as session:
        click = Make(session).click(AffiliateProfile.get(session, affiliate.id)).click_id
    buy(twin, ONCE, email, click_id=click)


def _refund(affiliate, cents):
    """Give back some cents of the invoice that the affiliate's newest commission is of."""
    with unit_of_work() as session:
        newest = session.scalars(
            select(Commission.invoice_id)
            .where(Commission.affiliate_id == affiliate.id)
            .order_by(Commission.id.desc())
        ).first()
        refund_invoice(
            session, newest, amount=cents, reason="Half of it.", actor=SYSTEM, now=clock.now()
        )
    send_refunds()
