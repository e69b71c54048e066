"""Putting a scenario's communities, catalogue and affiliates in place, through the rules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.simulation.moments import write_instant
from jobs.simulation.people import OWNER
from jobs.simulation.scenario import AffiliateShape, BadScenario, Scenario
from models import clock
from models.accounts import Platform, User, user_by_email
from models.accounts.email import clean_email
from models.affiliation import RiskLevel
from models.affiliation.become_affiliate import become_affiliate
from models.affiliation.change_risk import change_risk
from models.affiliation.edit_program import create_program
from models.affiliation.lock_rule import first_rules_from
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.catalog import community_by_slug
from models.catalog.edit_button import create_button
from models.catalog.edit_community import create_community
from models.catalog.edit_plan import create_plan
from models.catalog.edit_product import create_product
from models.errors import DomainError
from models.session import unit_of_work

EXAMPLE_IBAN = "FR7630006000011234567890189"
"""The one that French banks print in their examples."""

Keys = dict[str, UUID]


def set_up(scenario: Scenario) -> None:
    """Make everything that stands before the first event. Raises BadScenario, naming the row,
    or the start where that lies before any rules."""
    with unit_of_work() as session:
        earliest = first_rules_from(session)
        if scenario.start < earliest:
            raise BadScenario(f"start: nothing is earned before {write_instant(earliest)}")
        communities = _communities(session, scenario)
        products = _products(session, scenario, communities)
        plans = _plans(session, scenario, products)
        for index, shape in enumerate(scenario.buttons):
            with _row("buttons", index):
                create_button(
                    session,
                    plan_id=_known(plans, "plan", shape.plan),
                    button_key=shape.key,
                    display_name=shape.key,
                    actor=OWNER,
                )
        make_affiliates(session, scenario.affiliates)


def _communities(session: Session, scenario: Scenario) -> Keys:
    keys = {}
    for index, shape in enumerate(scenario.communities):
        with _row("communities", index):
            community = community_by_slug(session, shape.slug) or create_community(
                session,
                platform=shape.platform,
                name=shape.name,
                slug=shape.slug,
                actor=OWNER,
            )
            keys[shape.slug] = community.id
    return keys


def _products(session: Session, scenario: Scenario, communities: Keys) -> Keys:
    keys = {}
    for index, shape in enumerate(scenario.products):
        with _row("products", index):
            product = create_product(
                session,
                community_id=_known(communities, "community", shape.community),
                slug=shape.slug,
                name=shape.name,
                is_published=True,
                is_free=any(p.product == shape.slug and not p.price for p in scenario.plans),
                actor=OWNER,
            )
            keys[shape.slug] = product.id
            if shape.program is not None:
                create_program(
                    session,
                    product.id,
                    actor=OWNER,
                    is_active=shape.program.is_active,
                    default_rate_type=shape.program.type,
                    default_rate=shape.program.rate,
                    include_renewals=shape.program.include_renewals,
                    cookie_duration_days=shape.program.cookie_days,
                )
    return keys


def _plans(session: Session, scenario: Scenario, products: Keys) -> Keys:
    keys = {}
    for index, shape in enumerate(scenario.plans):
        with _row("plans", index):
            plan = create_plan(
                session,
                product_id=_known(products, "product", shape.product),
                slug=shape.slug,
                name=shape.name or shape.slug,
                price_amount=shape.price,
                billing_interval=shape.interval,
                actor=OWNER,
                trial_days=shape.trial_days,
                trial_amount=shape.trial_amount,
                setup_fee=shape.setup_fee,
                max_billing_cycles=shape.max_billing_cycles,
                commission_percent=shape.commission_percent,
            )
            keys[shape.slug] = plan.id
    return keys


def make_affiliates(session: Session, shapes: Sequence[AffiliateShape]) -> None:
    """Verified WEOKTO people with a profile, a bank account and a level.

    Raises BadScenario, naming the row.
    """
    for index, shape in enumerate(shapes):
        with _row("affiliates", index):
            person = _verified(session, shape.email)
            profile = become_affiliate(session, person.id, slug=shape.slug, actor=OWNER)
            edit_payout_details(
                session,
                profile.user_id,
                method=PayoutMethod.WIRE,
                holder=f"Titulaire {shape.slug}",
                iban=EXAMPLE_IBAN,
                actor=OWNER,
            )
            if shape.risk is not RiskLevel.NORMAL:
                change_risk(session, profile.user_id, to=shape.risk, note="scenario", actor=OWNER)


def _verified(session: Session, address: str) -> User:
    """A WEOKTO user who proved their address. Raises NotAnAddress, DomainError for a taken one."""
    email = clean_email(address)
    if user_by_email(session, Platform.WEOKTO, email) is not None:
        raise DomainError(f"{email} is another affiliate's")
    person = User(platform=Platform.WEOKTO, email=email, email_verified_at=clock.now())
    session.add(person)
    session.flush()
    return person


def _known(keys: Keys, kind: str, slug: str) -> UUID:
    if slug not in keys:
        raise DomainError(f"there is no {kind} “{slug}”")
    return keys[slug]


@contextmanager
def _row(part: str, index: int) -> Iterator[None]:
    try:
        yield
    except DomainError as refusal:
        raise BadScenario(f"{part} {index}: {refusal}") from refusal
