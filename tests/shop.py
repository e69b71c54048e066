"""The demo's shop, opened through the catalogue's own rules, for tests of what pages show."""

from jobs.simulation.demo_catalog import COMMUNITIES, PRODUCTS
from models.catalog import community_by_slug
from models.catalog.edit_button import create_button
from models.catalog.edit_community import create_community
from models.catalog.edit_plan import create_plan
from models.catalog.edit_product import create_product
from models.oversight.actor import SYSTEM
from models.session import unit_of_work


def open_shop():
    """Commit every community, product, plan and button that the demo sells."""
    with unit_of_work() as session:
        for slug, name, platform in COMMUNITIES:
            create_community(session, platform=platform, name=name, slug=slug, actor=SYSTEM)
        for shown in PRODUCTS:
            product = create_product(
                session,
                community_id=community_by_slug(session, shown.community).id,
                slug=shown.slug,
                name=shown.name,
                short_description=shown.words,
                is_free=shown.is_free,
                is_published=True,
                actor=SYSTEM,
            )
            for offer in shown.plans:
                plan = create_plan(
                    session,
                    product_id=product.id,
                    slug=offer.slug,
                    name=offer.name,
                    price_amount=offer.price,
                    billing_interval=offer.interval,
                    actor=SYSTEM,
                    **offer.terms,
                )
                create_button(
                    session,
                    plan_id=plan.id,
                    button_key=offer.slug,
                    display_name=offer.name,
                    cta_text=offer.call,
                    actor=SYSTEM,
                )
