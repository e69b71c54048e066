"""What the demo sells, made by the catalogue's own rules, for tests of the pages that show it."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy.orm import Session

from models.accounts import Platform
from models.catalog import BillingInterval, community_by_slug
from models.catalog.edit_button import create_button
from models.catalog.edit_community import create_community
from models.catalog.edit_plan import create_plan
from models.catalog.edit_product import create_product
from models.oversight.actor import SYSTEM

FILE = Path(__file__).resolve().parents[2] / "content" / "demo" / "catalogue.yaml"


def load_catalogue(session: Session) -> None:
    """Make every community, product, plan and button of ``content/demo/catalogue.yaml``."""
    said: dict[str, list[dict[str, Any]]] = YAML(typ="safe").load(FILE)
    for row in said["communities"]:
        create_community(
            session,
            platform=Platform(row["platform"]),
            slug=row["slug"],
            name=row["name"],
            actor=SYSTEM,
        )
    products, plans = {}, {}
    for row in said["products"]:
        community = community_by_slug(session, row["community"])
        assert community is not None
        products[row["slug"]] = create_product(
            session,
            community_id=community.id,
            slug=row["slug"],
            name=row["name"],
            is_published=True,
            actor=SYSTEM,
        )
    for row in said["plans"]:
        plans[row["slug"]] = create_plan(
            session,
            product_id=products[row["product"]].id,
            slug=row["slug"],
            name=row["name"],
            price_amount=row["price"],
            billing_interval=BillingInterval(row["interval"]),
            trial_days=row.get("trial_days"),
            trial_amount=row.get("trial_amount", 0),
            setup_fee=row.get("setup_fee", 0),
            actor=SYSTEM,
        )
    session.flush()
    for row in said["buttons"]:
        create_button(
            session,
            plan_id=plans[row["plan"]].id,
            button_key=row["key"],
            display_name=row["key"],
            actor=SYSTEM,
        )
