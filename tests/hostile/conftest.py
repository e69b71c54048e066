"""A shop in business for a whole file of attacks, and strangers who each come from elsewhere."""

import pytest

from models import session as boundary
from models.accounts import Platform, UserType
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.session import send_with, unit_of_work
from tests.factories import Make
from tests.hostile.attackers import Stranger
from tests.shop import open_shop
from tests.visitors import committed_user


@pytest.fixture(scope="module")
def twin():
    """The providers' stand-in; jobs are left to the sweeps."""
    twin = InProcessProvider()
    use_provider(twin)
    sent_with = boundary._send
    send_with(lambda job, args: None)
    yield twin
    send_with(sent_with)
    use_provider(None)


@pytest.fixture(scope="module")
def shop(twin, cleaner, request):
    """The demo's shop with an affiliate, a button that is off, and things nobody may see."""
    open_shop()
    committed_user("owner@weokto.localhost", user_type=UserType.OWNER)
    with unit_of_work() as session:
        make = Make(session)
        make.affiliate("bob")
        weokto = {"platform": Platform.WEOKTO, "user_type": UserType.AFFILIATE}
        make.affiliate("known", user=make.user("affiliate@example.org", **weokto))
        make.button("switched-off", is_active=False)
        make.button("plan-off", plan=make.plan(is_active=False))
        make.button("product-off", plan=make.plan(product=make.product(is_published=False)))
        closed = make.product(community=make.community(is_active=False))
        make.button("community-off", plan=make.plan(product=closed))
        make.user("suspended@example.org", is_suspended=True)
        make.user("suspended@example.org", platform=Platform.WEOKTO, is_suspended=True)
    yield
    cleaner.clean(is_unproved=request.node.get_closest_marker("unproved") is not None)


@pytest.fixture
def stranger(app, shop):
    """Makes visitors of a platform: ``stranger("stam")``, in French unless said otherwise."""
    return lambda site="weokto", lang="fr": Stranger(app, site, lang)
