"""Affiliates who have sold: purchases by their links, on committed data."""

from contextlib import contextmanager

from models.accounts import Platform, UserType
from models.affiliation import AffiliateProfile
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.session import unit_of_work
from tests.checkouts import buy
from tests.factories import Make
from tests.visitors import Visitor, committed_user


@contextmanager
def twin_at_work():
    """The providers' stand-in, for as long as a block lasts."""
    twin = InProcessProvider()
    use_provider(twin)
    try:
        yield twin
    finally:
        use_provider(None)


def an_affiliate(name):
    """A committed affiliate under a slug that is their name."""
    user = committed_user(f"{name}@example.org", Platform.WEOKTO, UserType.AFFILIATE)
    with unit_of_work() as session:
        session.add(AffiliateProfile(user_id=user.id, affiliate_slug=name))
    return user


def sell(twin, affiliate, buyers, *, price=4900, **plan):
    """Purchases of one new product by an affiliate's clicks; gives the button's key."""
    with unit_of_work() as session:
        make = Make(session)
        profile = AffiliateProfile.get(session, affiliate.id)
        offer = make.plan(price_amount=price, **plan)
        make.program(offer.product)
        key = make.button(plan=offer).button_key
        clicks = [make.click(profile).click_id for _ in buyers]
    for buyer, click in zip(buyers, clicks, strict=True):
        buy(twin, key, buyer, click_id=click)
    return key


def signed_in(app, name):
    """A browser in which somebody on WEOKTO is signed in, reading English."""
    visitor = Visitor(app)
    visitor.sign_in(f"{name}@example.org")
    visitor.post("/settings/language", {"locale": "en"}, form="/settings")
    return visitor
