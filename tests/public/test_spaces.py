"""Where people land after sign-in, with their own things on it and on no other platform."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from models import clock
from models.accounts import Platform, User, UserType
from models.affiliation import AffiliateProfile
from models.affiliation.attribution import Attribution
from models.affiliation.become_affiliate import checked_slug
from models.billing import Customer
from models.billing.customer import CustomerStatus
from models.catalog import Community, Product
from models.communities import CommunityMember
from models.session import staff_reading, unit_of_work
from public.spaces import slug_from
from tests.factories import Make
from tests.visitors import Visitor, committed_user

ADA = "ada@example.org"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}

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


class TestSlugFrom:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("Zoé Dupré", "zoe-dupre"),
            ("Jo", "jo"),
            ("É.", "e"),
            (" 7 ", "7"),
            ("a" * 39 + " b", "a" * 39),
            ("李 -", ""),
            ("", ""),
        ],
    )
    def test_suggests_what_can_be_taken_or_nothing(self, name, slug):
        assert slug_from(name) == slug
        assert not slug or checked_slug(slug) == slug


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


class TestJoiningAGuild:
    @pytest.fixture
    def ada(self, app):
        with unit_of_work() as session:
            make = Make(session)
            for slug, is_free in (("open", True), ("second", True), ("paid", False)):
                guild = make.community(platform=Platform.WEOKTO, slug=slug, name=slug.title())
                make.product(community=guild, is_free=is_free, is_published=True)
        visitor = Visitor(app)
        visitor.sign_in()
        return visitor

    def join(self, visitor, guild, **fields):
        return visitor.post("/choose-guild", {"guild_id": guild, **fields}, form="/choose-guild")

    def test_a_free_one_takes_one_press(self, ada):
        first, again = self.join(ada, "open"), self.join(ada, "open")

        assert (first.status_code, first.location) == (303, "/home")
        assert again.location == "/home"
        assert "Open" in ada.get("/home").text
        assert ada.get("/choose-guild").text.count("0\xa0€") == 2

    def test_one_that_costs_something_is_refused(self, ada):
        assert self.join(ada, "paid").status_code == 409
        assert self.join(ada, "nowhere").status_code == 404
        assert self.join(ada, "").status_code == 404

    def test_an_affiliate_is_told_when_it_may_be_changed(self, ada):
        self.join(ada, "open")
        with unit_of_work() as session:
            profile = Make(session).affiliate("ada-sells", user=session.scalars(select(User)).one())
            profile.current_guild_id = session.scalars(
                select(Community.id).where(Community.slug == "open")
            ).one()
            profile.last_guild_change_at = clock.now()

        refused = self.join(ada, "second")

        assert refused.status_code == 409
        assert "30" in refused.text
        assert 'role="alert"' in refused.text

    def test_keeps_the_click_that_the_visitor_came_by(self, ada):
        with unit_of_work() as session:
            make = Make(session)
            product = session.scalars(
                select(Product).join(Product.community).where(Community.slug == "open")
            ).one()
            make.program(product=product)
            click = make.click(make.affiliate("bea")).click_id

        self.join(ada, "open", click=click)

        with staff_reading() as session:
            [bound] = session.scalars(select(Attribution)).all()
            assert bound.is_free_product_attribution


class TestJoiningByAnAffiliatesLink:
    """Without consent no cookie keeps the click: the page's own links carry it all the way."""

    @pytest.fixture
    def bea(self):
        with unit_of_work() as session:
            make = Make(session)
            guild = make.community("open", platform=Platform.WEOKTO)
            make.program(make.product("open-rooms", community=guild, is_free=True))
            return make.affiliate("bea")

    @pytest.mark.parametrize("page", ["/", "/p/open-rooms"])
    @pytest.mark.parametrize("answered", [None, "no"])
    def test_binds_who_joins_for_free(self, app, bea, page, answered):
        visitor = Visitor(app)
        if answered:
            visitor.browser.set_cookie("consent", answered, domain="weokto.localhost")

        link = self.links(visitor.get(f"{page}?ref=bea", headers=BROWSER))[0]
        arrived = self.sign_in_by(visitor, link)
        self.press_join(visitor, arrived)

        assert visitor.browser.get_cookie("weokto_aff_ref", "weokto.localhost") is None
        with staff_reading() as session:
            [bound] = session.scalars(select(Attribution)).all()
            assert bound.affiliate_id == bea.user_id

    def test_by_the_link_of_the_mail_in_another_browser(self, app, bea):
        here, there = Visitor(app), Visitor(app)
        link = self.links(here.get("/?ref=bea", headers=BROWSER))[0]
        self.ask(here, link)

        token = there.mailed(ADA)["token"]
        let_in = there.post("/verify", {"token": token}, form=f"/verify?token={token}")
        self.press_join(there, let_in.location)

        with staff_reading() as session:
            assert session.scalars(select(Attribution)).one().affiliate_id == bea.user_id

    def test_every_way_to_the_free_guild_carries_the_click(self, app, bea):
        page = Visitor(app).get("/?ref=bea", headers=BROWSER)

        assert len(self.links(page)) == 2
        assert page.text.count("/choose-guild") == page.text.count("/choose-guild?click=") + 2
        assert page.text.count("/choose-guild%3Fclick%3D") == 2

    def links(self, page):
        """Where the buttons into the free guild lead, without a script and with one."""
        return [href for href in self.ways_in(page) if "choose-guild" in href]

    def ways_in(self, page):
        found = re.findall(r'href="(/login\?next=[^"]+)" data-sign-in="([^"]+)"', page.text)
        assert all(unquote(href) == f"/login?next={there}" for href, there in found)
        return [href for href, _there in found]

    def test_signing_in_at_the_top_of_the_page_leads_a_newcomer_there_too(self, app, bea):
        visitor = Visitor(app)
        link = self.ways_in(visitor.get("/?ref=bea", headers=BROWSER))[0]

        home = self.sign_in_by(visitor, link)
        assert home.startswith("/home?click=")
        self.press_join(visitor, visitor.get(home).location)

        with staff_reading() as session:
            assert session.scalars(select(Attribution)).one().affiliate_id == bea.user_id
        assert visitor.get(home).status_code == 200, "who has a guild stays"

    def ask(self, visitor, link):
        form = visitor.get(link).text.split("data-sign-in-form", 1)[1]
        wanted = re.search(r'name="next" value="([^"]+)"', form)[1]
        visitor.post("/login", {"email": ADA, "next": wanted}, form=link)

    def sign_in_by(self, visitor, link):
        self.ask(visitor, link)
        code = visitor.mailed(ADA)["code"]
        return visitor.post("/verify-otp", {"code": code}, form="/verify-otp").location

    def press_join(self, visitor, path):
        [form] = visitor.get(path).text.split('action="/choose-guild"')[1:]
        click = re.search(r'name="click" value="([^"]+)"', form.split("</form>")[0])[1]
        visitor.post("/choose-guild", {"guild_id": "open", "click": click}, form=path)


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
