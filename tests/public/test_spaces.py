"""Where people land after sign-in, with their own things on it and on no other platform."""

from datetime import timedelta

import pytest

from models.accounts import Platform, UserType
from models.affiliation import AffiliateProfile
from models.billing import Customer
from models.billing.customer import CustomerStatus
from models.communities import CommunityMember
from models.session import unit_of_work
from tests.factories import Make
from tests.visitors import Visitor, committed_user

ADA = "ada@example.org"

pytestmark = pytest.mark.usefixtures("committed", "redis")


class TestDashboard:
    def test_shows_ones_own_purchases_only(self, app, now):
        ada, eve = (committed_user(it, Platform.STAM) for it in (ADA, "eve@example.org"))
        with unit_of_work() as session:
            make = Make(session)
            for owner, name in ((ada, "Club Boutique"), (eve, "Eve's Club")):
                plan = make.plan(product=make.product(name=name))
                make.add(
                    Customer(
                        user_id=owner.id,
                        product_id=plan.product_id,
                        current_plan_id=plan.id,
                        status=CustomerStatus.ACTIVE,
                        next_charge_at=now + timedelta(days=30),
                    )
                )
        visitor = Visitor(app, Platform.STAM)
        visitor.sign_in()

        page = visitor.get("/dashboard").text

        assert "Club Boutique" in page
        assert "Eve" not in page

    def test_stands_without_any(self, app):
        visitor = Visitor(app, Platform.STAM)
        visitor.sign_in()

        assert visitor.get("/dashboard").status_code == 200


class TestHome:
    def test_shows_guild_and_link(self, app):
        user = committed_user(ADA, Platform.WEOKTO, UserType.AFFILIATE)
        with unit_of_work() as session:
            guild = Make(session).community(platform=Platform.WEOKTO, name="Academy of Tests")
            session.add(CommunityMember(community_id=guild.id, user_id=user.id))
            session.add(AffiliateProfile(user_id=user.id, affiliate_slug="ada-sells"))
        visitor = Visitor(app)
        visitor.sign_in()

        page = visitor.get("/home").text

        assert "Academy of Tests" in page
        assert "/?ref=ada-sells" in page


class TestChooseGuild:
    def test_shows_guilds_on_sale(self, app):
        with unit_of_work() as session:
            make = Make(session)
            guild = make.community(platform=Platform.WEOKTO, name="Academy of Tests")
            make.button("academy-monthly", plan=make.plan(product=make.product(community=guild)))
        visitor = Visitor(app)
        visitor.sign_in()

        page = visitor.get("/choose-guild").text

        assert "Academy of Tests" in page
        assert 'data-payment-button="academy-monthly"' in page


class TestDoors:
    @pytest.mark.parametrize(
        ("platform", "path"),
        [
            (Platform.WEOKTO, "/dashboard"),
            (Platform.STAM, "/home"),
            (Platform.STAM, "/choose-guild"),
        ],
    )
    def test_another_platforms_page_is_nothing(self, app, platform, path):
        assert Visitor(app, platform).get(path).status_code == 404

    @pytest.mark.parametrize(
        ("platform", "path"),
        [
            (Platform.STAM, "/dashboard"),
            (Platform.WEOKTO, "/home"),
            (Platform.WEOKTO, "/choose-guild"),
        ],
    )
    def test_wants_somebody(self, app, platform, path):
        answer = Visitor(app, platform).get(path)

        assert (answer.status_code, answer.location) == (303, f"/login?next={path}")
