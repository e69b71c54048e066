"""The catalogue's rules: what is made complete, what sold things keep, what is never deleted."""

from decimal import Decimal

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from models.accounts import Platform
from models.affiliation.edit_program import HasProgram, create_program, edit_program
from models.catalog import (
    AccessType,
    BillingInterval,
    PaymentButton,
    PaymentType,
    Plan,
    accesses_of,
)
from models.catalog.change import InUse, NameTaken
from models.catalog.edit_access import close_access, open_access
from models.catalog.edit_button import (
    KeyInUse,
    create_button,
    delete_button,
    edit_button,
    mark_used,
)
from models.catalog.edit_community import create_community, delete_community, edit_community
from models.catalog.edit_plan import (
    SoldPlan,
    create_plan,
    delete_plan,
    duplicate_plan,
    edit_plan,
    mark_sold,
)
from models.catalog.edit_product import create_product, delete_product, edit_product
from models.communities import ChannelCategory
from models.errors import BadInput
from models.oversight import Actor, AuditEvent

OWNER = Actor(role="OWNER")


class TestCreateCommunity:
    def test_starts_with_five_channel_categories(self, session):
        community = create_community(
            session, platform=Platform.WEOKTO, name="Guild", slug="guild", actor=OWNER
        )
        names = session.scalars(
            select(ChannelCategory.name)
            .where(ChannelCategory.community_id == community.id)
            .order_by(ChannelCategory.position)
        ).all()
        assert len(names) == 5
        assert names[0] == "📢 Annonces"

    @pytest.mark.parametrize("slug", ["", "Capital", "two words", "-x", "x" * 65, "é"])
    def test_refuses_a_slug_of_another_shape(self, session, slug):
        with pytest.raises(BadInput) as refusal:
            create_community(session, platform=Platform.STAM, name="X", slug=slug, actor=OWNER)
        assert refusal.value.field == "slug"

    def test_refuses_a_taken_slug(self, session, make):
        make.community("guild")
        with pytest.raises(NameTaken):
            create_community(session, platform=Platform.STAM, name="X", slug="guild", actor=OWNER)

    def test_refuses_a_supplier_label_on_stam(self, session):
        with pytest.raises(BadInput):
            create_community(
                session,
                platform=Platform.STAM,
                name="X",
                slug="xy",
                supplier_name="Fournisseur A",
                actor=OWNER,
            )

    def test_is_deleted_only_while_nothing_hangs_off_it(self, session, make):
        empty = create_community(
            session, platform=Platform.STAM, name="X", slug="empty", actor=OWNER
        )
        delete_community(session, empty.id, actor=OWNER)
        with pytest.raises(InUse):
            delete_community(session, make.product().community_id, actor=OWNER)

    def test_refuses_a_taken_domain(self, session, make):
        make.community(domain="club.example.com")
        other = make.community()
        with pytest.raises(NameTaken) as refusal:
            edit_community(session, other.id, {"domain": "Club.Example.com "}, actor=OWNER)
        assert refusal.value.field == "domain"

    @pytest.mark.parametrize(
        "domain",
        [
            "https://club.example.com",
            "club.example.com/x",
            "club",
            "-a.fr",
            "a..fr",
            "é.fr",
            "1.2.3.4",
            "a b.fr",
            "club.example.com:80",
            "x" * 64 + ".fr",
            "a." * 130 + "fr",
        ],
    )
    def test_refuses_a_domain_of_another_shape(self, session, make, domain):
        with pytest.raises(BadInput) as refusal:
            edit_community(session, make.community().id, {"domain": domain}, actor=OWNER)
        assert refusal.value.field == "domain"

    @pytest.mark.parametrize(
        "address", ["http://club.example.com/", "club.example.com", "https://", "javascript:1"]
    )
    def test_refuses_a_landing_page_that_is_no_https_address(self, session, make, address):
        with pytest.raises(BadInput) as refusal:
            edit_community(session, make.community().id, {"landing_page_url": address}, actor=OWNER)
        assert refusal.value.field == "landing_page_url"

    def test_keeps_its_own_domain_and_empties_both(self, session, make):
        community = make.community()
        typed = {"domain": "club.example.com", "landing_page_url": "https://club.example.com/?a=1"}
        edit_community(session, community.id, typed, actor=OWNER)
        session.flush()
        edit_community(session, community.id, {**typed, "name": "Renamed"}, actor=OWNER)
        assert (community.domain, community.landing_page_url) == tuple(typed.values())
        edit_community(session, community.id, dict.fromkeys(typed, ""), actor=OWNER)
        assert (community.domain, community.landing_page_url) == (None, None)

    def test_edited_to_the_same_leaves_no_trace(self, session, make):
        community = make.community(name="Same")
        edit_community(session, community.id, {"name": "Same"}, actor=OWNER)
        assert not session.scalars(
            select(AuditEvent).where(AuditEvent.subject_id == str(community.id))
        ).all()

    def test_keeps_before_and_after_in_the_audit_trail(self, session, make):
        community = make.community(name="Before")
        session.commit()
        edit_community(session, community.id, {"name": "After"}, actor=OWNER)
        trace = session.scalars(
            select(AuditEvent).where(AuditEvent.subject_id == str(community.id))
        ).one()
        assert (trace.before, trace.after) == ({"name": "Before"}, {"name": "After"})


class TestProduct:
    def test_opens_its_community_by_default(self, session, make):
        community = make.community()
        product = create_product(
            session, community_id=community.id, slug="premium", name="Premium", actor=OWNER
        )
        (access,) = accesses_of(session, product.id)
        assert (access.access_type, access.target_id) == (AccessType.COMMUNITY, community.id)

    def test_is_dated_when_first_published(self, session, make, now):
        product = make.product(is_published=False)
        edit_product(session, product.id, {"is_published": True}, actor=OWNER)
        edit_product(session, product.id, {"is_published": False}, actor=OWNER)
        assert product.published_at == now

    def test_cannot_turn_free_once_sold(self, session, make, now):
        plan = make.plan()
        mark_sold(session, plan, at=now)
        session.flush()
        with pytest.raises(BadInput):
            edit_product(session, plan.product_id, {"is_free": True}, actor=OWNER)

    @pytest.mark.parametrize(("is_free", "price"), [(False, 4900), (True, 0)])
    def test_cannot_be_free_against_an_unsold_plan(self, session, make, is_free, price):
        product = make.product(is_free=is_free)
        plan = make.plan(product=product, name="The odd one", price_amount=price)
        with pytest.raises(BadInput, match="The odd one") as refusal:
            edit_product(session, product.id, {"is_free": not is_free}, actor=OWNER)
        assert refusal.value.field == "is_free"
        session.refresh(product)
        delete_plan(session, plan.id, actor=OWNER)
        edit_product(session, product.id, {"is_free": not is_free}, actor=OWNER)
        assert product.is_free is not is_free

    def test_requires_a_trial_only_where_every_plan_on_sale_has_one(self, session, make):
        product = make.product()
        make.plan(product=product, trial_days=7)
        plan = make.plan(product=product, name="The odd one")
        with pytest.raises(BadInput, match="The odd one") as refusal:
            edit_product(session, product.id, {"requires_trial": True}, actor=OWNER)
        assert refusal.value.field == "requires_trial"
        session.refresh(product)
        edit_plan(session, plan.id, {"is_active": False}, actor=OWNER)
        session.flush()
        edit_product(session, product.id, {"requires_trial": True}, actor=OWNER)
        assert product.requires_trial

    def test_is_deleted_only_without_plans(self, session, make):
        delete_product(session, make.product().id, actor=OWNER)
        with pytest.raises(InUse):
            delete_product(session, make.plan().product_id, actor=OWNER)


class TestPlan:
    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("price_amount", {"price_amount": -1}),
            ("price_amount", {"price_amount": 0}),
            ("price_amount", {"price_amount": 10**12}),
            ("trial_days", {"trial_days": 0}),
            ("trial_days", {"trial_amount": 100}),
            ("trial_days", {"trial_days": 7, "billing_interval": BillingInterval.ONE_TIME}),
            ("max_billing_cycles", {"max_billing_cycles": 0}),
            (
                "max_billing_cycles",
                {"max_billing_cycles": 3, "billing_interval": BillingInterval.LIFETIME},
            ),
            ("commission_percent", {"commission_percent": Decimal(101)}),
        ],
    )
    def test_refuses_terms_that_make_no_sense(self, session, make, field, values):
        terms = {"price_amount": 4900, "billing_interval": BillingInterval.MONTHLY, **values}
        with pytest.raises(BadInput) as refusal:
            create_plan(
                session,
                product_id=make.product().id,
                slug="plan-x",
                name="Plan",
                actor=OWNER,
                **terms,
            )
        assert refusal.value.field == field

    def test_has_a_trial_where_its_product_requires_one(self, session, make):
        product = make.product(requires_trial=True)
        terms = {"price_amount": 4900, "billing_interval": BillingInterval.MONTHLY}
        named = {"product_id": product.id, "slug": "plan-x", "name": "Plan", "actor": OWNER}
        with pytest.raises(BadInput) as refusal:
            create_plan(session, **named, **terms)
        assert refusal.value.field == "trial_days"
        plan = create_plan(session, **named, **terms, trial_days=7)
        session.flush()
        with pytest.raises(BadInput):
            edit_plan(session, plan.id, {"trial_days": None}, actor=OWNER)

    def test_without_the_trial_required_can_be_stopped_and_not_sold_again(self, session, make):
        plan = make.plan(product=make.product(requires_trial=True))
        edit_plan(session, plan.id, {"is_active": False}, actor=OWNER)
        session.flush()
        with pytest.raises(BadInput):
            edit_plan(session, plan.id, {"is_active": True}, actor=OWNER)

    @pytest.mark.parametrize(
        "change",
        [
            {"price_amount": 9900},
            {"billing_interval": BillingInterval.ANNUALLY},
            {"trial_days": 7},
            {"setup_fee": 100},
        ],
    )
    def test_keeps_its_terms_once_sold(self, session, make, now, change):
        plan = make.plan()
        mark_sold(session, plan, at=now)
        session.flush()
        with pytest.raises(SoldPlan):
            edit_plan(session, plan.id, change, actor=OWNER)

    def test_keeps_its_terms_in_the_database_too(self, session, make, now):
        plan = make.plan()
        mark_sold(session, plan, at=now)
        session.flush()
        with pytest.raises(IntegrityError):
            session.execute(update(Plan).where(Plan.id == plan.id).values(price_amount=1))

    def test_may_be_renamed_and_closed_once_sold(self, session, make, now):
        plan = make.plan()
        mark_sold(session, plan, at=now)
        session.flush()
        edit_plan(session, plan.id, {"name": "New", "is_active": False}, actor=OWNER)
        assert (plan.name, plan.is_active) == ("New", False)

    def test_is_duplicated_free_to_be_priced_anew(self, session, make, now):
        plan = make.plan(trial_days=7, setup_fee=500)
        mark_sold(session, plan, at=now)
        session.flush()
        copy = duplicate_plan(session, plan.id, slug="dearer", actor=OWNER, price_amount=9900)
        assert (copy.price_amount, copy.trial_days, copy.setup_fee) == (9900, 7, 500)
        assert copy.sold_at is None

    def test_is_never_deleted_once_sold(self, session, make, now):
        plan = make.plan()
        mark_sold(session, plan, at=now)
        session.flush()
        with pytest.raises(InUse):
            delete_plan(session, plan.id, actor=OWNER)
        delete_plan(session, make.plan().id, actor=OWNER)


class TestButton:
    def test_follows_its_plan(self, session, make):
        plan = make.plan(billing_interval=BillingInterval.LIFETIME)
        button = create_button(
            session, plan_id=plan.id, button_key="for-life", display_name="Life", actor=OWNER
        )
        assert button.payment_type is PaymentType.ONE_TIME
        assert button.product_id == plan.product_id

    @pytest.mark.parametrize("key", ["ab", "Upper", "under_score", "x" * 65, "é-è-à"])
    def test_refuses_a_key_of_another_shape(self, session, make, key):
        with pytest.raises(BadInput):
            create_button(
                session,
                plan_id=make.plan().id,
                button_key=key,
                display_name="X",
                actor=OWNER,
            )

    def test_says_that_a_key_is_too_short(self, session, make):
        with pytest.raises(BadInput) as refusal:
            edit_button(session, make.button().id, {"button_key": "ab"}, actor=OWNER)
        assert "at least 3" in str(refusal.value)
        assert refusal.value.field == "button_key"

    def test_leads_to_the_usual_pages_where_none_is_named(self, session, make):
        button = make.button()
        emptied = {"success_url": "", "cancel_url": ""}
        edit_button(session, button.id, emptied, actor=OWNER)
        assert (button.success_url, button.cancel_url) == ("/welcome", "/cancelled")

    def test_cannot_sell_another_products_plan(self, session, make):
        button = make.button()
        with pytest.raises(BadInput):
            edit_button(session, button.id, {"plan_id": make.plan().id}, actor=OWNER)

    def test_keeps_a_used_key(self, session, make, now):
        button = make.button()
        mark_used(button, at=now)
        session.flush()
        with pytest.raises(KeyInUse):
            edit_button(session, button.id, {"button_key": "another"}, actor=OWNER)
        with pytest.raises(InUse):
            delete_button(session, button.id, actor=OWNER)
        with pytest.raises(IntegrityError):
            session.execute(
                update(PaymentButton)
                .where(PaymentButton.id == button.id)
                .values(button_key="another")
            )

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example/x",
            "http://stam.localhost/x",
            "//evil.example",
            "/\t/evil.example",
            "/\\evil.example",
            "https://[",
            "javascript:1",
        ],
    )
    def test_sends_buyers_to_our_own_pages_only(self, session, make, address):
        with pytest.raises(BadInput):
            edit_button(session, make.button().id, {"success_url": address}, actor=OWNER)

    def test_gets_a_signing_secret_with_its_webhook(self, session, make):
        button = make.button()
        edit_button(session, button.id, {"webhook_url": "https://example.org/sale"}, actor=OWNER)
        session.flush()
        stored = session.scalar(
            text("SELECT webhook_secret FROM payment_buttons WHERE id = :id"), {"id": button.id}
        )
        assert button.webhook_secret.startswith("whsec_")
        assert "whsec_" not in stored


class TestAccess:
    def test_opened_twice_is_there_once(self, session, make):
        product, other = make.product(), make.community()
        for _ in range(2):
            access = open_access(
                session,
                product.id,
                access_type=AccessType.COMMUNITY,
                target_id=other.id,
                actor=OWNER,
            )
        assert len(accesses_of(session, product.id)) == 2
        close_access(session, access.id, actor=OWNER)
        session.flush()
        assert len(accesses_of(session, product.id)) == 1

    def test_does_not_cross_platforms(self, session, make):
        guild = make.community(platform=Platform.WEOKTO)
        with pytest.raises(BadInput):
            open_access(
                session,
                make.product().id,
                access_type=AccessType.COMMUNITY,
                target_id=guild.id,
                actor=OWNER,
            )


class TestProgram:
    def test_is_one_per_product(self, session, make):
        product = make.product()
        program = create_program(session, product.id, actor=OWNER)
        assert (program.default_rate, program.cookie_duration_days) == (Decimal(30), 30)
        with pytest.raises(HasProgram):
            create_program(session, product.id, actor=OWNER)

    @pytest.mark.parametrize(
        "changes",
        [
            {"default_rate": Decimal(101)},
            {"default_rate_type": "fixed", "default_rate": Decimal("10.5")},
            {"cookie_duration_days": 0},
            {"product_id": None},
        ],
    )
    def test_refuses_what_makes_no_sense(self, session, make, changes):
        program = make.program(make.product())
        with pytest.raises(BadInput):
            edit_program(session, program.id, changes, actor=OWNER)
