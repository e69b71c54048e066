"""The demo: an empty database made to look lived in by running the business through it."""

import logging
import time
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.queue import load_jobs
from jobs.simulation.demo_catalog import AFFILIATES, COMMUNITIES, PRODUCTS, DemoProduct
from jobs.simulation.demo_story import DAYS, story
from jobs.simulation.engine import Engine, standing_in
from jobs.simulation.people import OWNER
from jobs.simulation.scenario import AffiliateShape, Scenario
from jobs.simulation.setting_up import make_affiliates
from models import clock
from models.accounts import User
from models.affiliation.edit_program import create_program
from models.billing.in_process import InProcessProvider
from models.billing.twin_memory import remember_twin
from models.catalog import community_by_slug
from models.catalog.edit_button import create_button
from models.catalog.edit_community import create_community
from models.catalog.edit_plan import create_plan
from models.catalog.edit_product import create_product
from models.errors import N_, DomainError
from models.oversight.choose_mailer import use_mailer
from models.oversight.mailer import SilentMailer
from models.session import unit_of_work
from models.settings import current_settings

log = logging.getLogger(__name__)


class NotEmpty(DomainError):
    """The demo is for a database that nobody has used."""

    code = "not_empty"
    message = N_("This database has people in it already; the demo needs an empty one.")


class InventedBusiness(DomainError):
    """The demo's people, sales and withdrawals do not belong among real ones."""

    code = "invented_business"
    message = N_("The demo is invented business: it is never loaded with ENV=production.")


def load_demo() -> None:
    """Run half a year of business up to now, through rules and jobs only.

    Raises InventedBusiness in production, and NotEmpty.
    """
    settings = current_settings()
    if settings.is_production:
        raise InventedBusiness
    load_jobs()
    until = clock.now()
    with unit_of_work() as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            raise NotEmpty
    began = time.monotonic()
    start = until - timedelta(days=DAYS)
    scenario = Scenario(start=start, until=until)
    provider = InProcessProvider()
    engine = Engine(scenario, provider, sends_mails=True, set_up=lambda _: open_shop())
    use_mailer(SilentMailer(takes_attachments=False))  # nobody opens the documents
    try:
        with standing_in(
            settings.model_copy(update={"redis_url": ""}), settings, provider, engine, seed=None
        ):
            engine.play(story(start, until))
        remember_twin(provider, settings.data_dir)
    finally:
        use_mailer(None)
    log.info("demo.loaded", extra={"seconds": round(time.monotonic() - began, 1)})


def open_shop() -> None:
    """Communities, products, plans, buttons and affiliates, as on the first day."""
    with unit_of_work() as session:
        for slug, name, platform in COMMUNITIES:
            create_community(session, platform=platform, name=name, slug=slug, actor=OWNER)
        for shown in PRODUCTS:
            _put_on_sale(session, shown)
        make_affiliates(
            session,
            [
                AffiliateShape(slug=slug, email=email, risk=risk)
                for slug, email, risk, _ in AFFILIATES
            ],
        )


def _put_on_sale(session: Session, shown: DemoProduct) -> None:
    community = community_by_slug(session, shown.community)
    if community is None:
        raise LookupError(shown.community)
    product = create_product(
        session,
        community_id=community.id,
        slug=shown.slug,
        name=shown.name,
        short_description=shown.words,
        is_free=shown.is_free,
        is_published=True,
        actor=OWNER,
    )
    create_program(session, product.id, default_rate=shown.rate, actor=OWNER)
    for offer in shown.plans:
        plan = create_plan(
            session,
            product_id=product.id,
            slug=offer.slug,
            name=offer.name,
            price_amount=offer.price,
            billing_interval=offer.interval,
            actor=OWNER,
            **offer.terms,
        )
        create_button(
            session,
            plan_id=plan.id,
            button_key=offer.slug,
            display_name=f"{shown.name} · {offer.name}",
            cta_text=offer.call,
            actor=OWNER,
        )
