"""Rows for tests: each method makes one valid thing and whatever it hangs off."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from models import clock
from models.accounts import Platform, User, UserType
from models.affiliation import (
    AffiliateProfile,
    AffiliateProgram,
    Attribution,
    BoostCode,
    BoostProduct,
    BoostRedemption,
    BoostScope,
    BoostType,
    Commission,
    RateType,
    TrackingEvent,
    Withdrawal,
    rules_in_force,
)
from models.billing import (
    CaptureEndpoint,
    Customer,
    CustomerStatus,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
)
from models.catalog import (
    AccessType,
    BillingInterval,
    Community,
    PaymentButton,
    PaymentType,
    Plan,
    Product,
    ProductAccess,
    WebhookDelivery,
)
from models.ids import new_id

_numbers = count(1)


class Make:
    """Makes rows in one session and flushes them; every value can be given by name."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def user(self, email: str | None = None, **values: Any) -> User:
        values.setdefault("platform", Platform.STAM)
        values.setdefault("email_verified_at", clock.now())
        return self.add(User(email=email or f"person-{next(_numbers)}@example.org", **values))

    def staff(self, user_type: UserType = UserType.OWNER, **values: Any) -> User:
        return self.user(platform=Platform.WEOKTO, user_type=user_type, **values)

    def affiliate(self, slug: str | None = None, **values: Any) -> AffiliateProfile:
        user = values.pop("user", None) or self.user(
            platform=Platform.WEOKTO, user_type=UserType.AFFILIATE
        )
        slug = slug or f"affiliate-{next(_numbers)}"
        return self.add(AffiliateProfile(user_id=user.id, affiliate_slug=slug, user=user, **values))

    def webhook(self, invoice: Invoice, **values: Any) -> WebhookDelivery:
        """What some button's endpoint is told of a purchase, as the listener writes it."""
        customer = self.session.get_one(Customer, invoice.customer_id)
        user = self.session.get_one(User, customer.user_id)
        data = {"customer": str(customer.id), "email": user.email, "amount": 4900}
        told = {"event_id": new_id(), "kind": "purchase.made", "url": "https://example.org/?key=k"}
        told |= {"happened_at": clock.now(), "data": data, **values}
        return self.add(WebhookDelivery(button_id=self.button().id, **told))

    def community(self, slug: str | None = None, **values: Any) -> Community:
        slug = slug or f"community-{next(_numbers)}"
        values.setdefault("platform", Platform.STAM)
        values.setdefault("name", slug.title())
        return self.add(Community(slug=slug, **values))

    def product(self, slug: str | None = None, **values: Any) -> Product:
        community = values.pop("community", None) or self.community()
        slug = slug or f"product-{next(_numbers)}"
        values.setdefault("name", slug.title())
        values.setdefault("is_published", True)
        product = self.add(
            Product(slug=slug, community_id=community.id, community=community, **values)
        )
        self.add(
            ProductAccess(
                product_id=product.id,
                access_type=AccessType.COMMUNITY,
                target_id=community.id,
                name=community.name,
            )
        )
        return product

    def program(self, product: Product, **values: Any) -> AffiliateProgram:
        values.setdefault("default_rate", Decimal(30))
        return self.add(AffiliateProgram(product_id=product.id, **values))

    def plan(self, slug: str | None = None, **values: Any) -> Plan:
        product = values.pop("product", None) or self.product()
        slug = slug or f"plan-{next(_numbers)}"
        values.setdefault("name", slug.title())
        values.setdefault("price_amount", 4900)
        values.setdefault("billing_interval", BillingInterval.MONTHLY)
        return self.add(Plan(slug=slug, product_id=product.id, product=product, **values))

    def button(self, key: str | None = None, **values: Any) -> PaymentButton:
        plan = values.pop("plan", None) or self.plan()
        key = key or f"button-{next(_numbers)}"
        values.setdefault("display_name", plan.name)
        values.setdefault(
            "payment_type",
            PaymentType.SUBSCRIPTION if plan.billing_interval.renews else PaymentType.ONE_TIME,
        )
        return self.add(
            PaymentButton(
                button_key=key,
                plan_id=plan.id,
                product_id=plan.product_id,
                plan=plan,
                product=plan.product,
                **values,
            )
        )

    def capture(self, **values: Any) -> CaptureEndpoint:
        button = values.pop("button", None) or self.button()
        user = values.pop("user", None) or self.user()
        values.setdefault("amount", button.plan.price_amount)
        values.setdefault("quote", {})
        values.setdefault("consent_text", "I ask for immediate access.")
        values.setdefault("consented_at", clock.now())
        values.setdefault("expires_at", clock.now() + timedelta(minutes=15))
        return self.add(
            CaptureEndpoint(
                button_id=button.id,
                plan_id=button.plan_id,
                user_id=user.id,
                button=button,
                user=user,
                **values,
            )
        )

    def withdrawal(self, affiliate: AffiliateProfile, amount: int, **values: Any) -> Withdrawal:
        """A withdrawal's row alone; whoever commits it posts its transfers too."""
        values.setdefault("fee_amount", 0)
        values.setdefault("requested_at", clock.now())
        return self.add(
            Withdrawal(
                affiliate_id=affiliate.user_id,
                requested_amount=amount,
                net_amount=amount - values["fee_amount"],
                **values,
            )
        )

    def click(self, affiliate: AffiliateProfile, **values: Any) -> TrackingEvent:
        values.setdefault("click_id", f"click-{next(_numbers)}")
        values.setdefault("platform", Platform.STAM)
        values.setdefault("expires_at", clock.now() + timedelta(days=30))
        return self.add(TrackingEvent(affiliate_id=affiliate.user_id, **values))

    def boost(self, code: str | None = None, products: Any = (), **values: Any) -> BoostCode:
        values.setdefault("boost_type", BoostType.PERCENTAGE_INCREASE)
        values.setdefault("boost_value", Decimal(5))
        values.setdefault("valid_from", clock.now())
        values.setdefault("scope", BoostScope.SPECIFIC if products else BoostScope.GLOBAL)
        boost = self.add(BoostCode(code=code or f"BOOST-{next(_numbers):06}", **values))
        for product in products:
            self.add(BoostProduct(code_id=boost.id, product_id=product.id))
        return boost

    def redemption(
        self, affiliate: AffiliateProfile, boost: BoostCode, **values: Any
    ) -> BoostRedemption:
        values.setdefault("redeemed_at", clock.now())
        values.setdefault("expires_at", boost.valid_until)
        return self.add(BoostRedemption(affiliate_id=affiliate.user_id, code_id=boost.id, **values))

    def customer_of(self, affiliate: AffiliateProfile, plan: Plan, **values: Any) -> Customer:
        """A running customer whom an affiliate brought."""
        values.setdefault("status", CustomerStatus.ACTIVE)
        user = values.pop("user", None) or self.user()
        customer = self.add(
            Customer(user_id=user.id, product_id=plan.product_id, current_plan_id=plan.id, **values)
        )
        self.add(
            Attribution(
                user_id=user.id,
                customer_id=customer.id,
                product_id=plan.product_id,
                affiliate_id=affiliate.user_id,
            )
        )
        return customer

    def commission(self, affiliate: AffiliateProfile, total: int = 1225) -> Commission:
        """One commission as a row alone: nothing of it stands in the ledger."""
        plan = self.plan()
        customer = self.customer_of(affiliate, plan)
        now = clock.now()
        invoice = self.add(
            Invoice(
                number=f"MADE-{next(_numbers):06}",
                customer_id=customer.id,
                plan_id=plan.id,
                kind=InvoiceKind.FIRST,
                status=InvoiceStatus.PAID,
                period_start=now,
                amount_excluding_tax=total,
                tax_amount=0,
                tax_rate=Decimal(0),
                amount_including_tax=total,
                due_at=now,
                paid_at=now,
            )
        )
        bound = self.session.query(Attribution).filter_by(customer_id=customer.id).one()
        return self.add(
            Commission(
                program_id=self.program(plan.product).id,
                affiliate_id=affiliate.user_id,
                customer_id=customer.id,
                invoice_id=invoice.id,
                attribution_id=bound.id,
                lock_rule_version_id=rules_in_force(self.session, now)[0].version_id,
                base_amount=total,
                rate_type=RateType.PERCENTAGE,
                rate_applied=Decimal(100),
                total_amount=total,
                main_amount=total,
                extended_amount=0,
                main_lock_days=45,
                extended_lock_days=90,
                earned_at=now,
                locked_until=now + timedelta(days=45),
                extended_locked_until=now + timedelta(days=90),
            )
        )
