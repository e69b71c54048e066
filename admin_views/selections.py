"""What a filter by product, community or affiliate asks of rows that only lead there.

Each is a subselect over an index, so that the list itself keeps its own order and pages.
"""

from typing import Any

from sqlalchemy import ColumnElement, select

from models.affiliation import Attribution, Commission
from models.billing import Customer
from models.catalog import Plan, Product


def bought(column: Any, key: Any) -> ColumnElement[bool]:
    """Rows whose customer bought a product."""
    found: ColumnElement[bool] = column.in_(select(Customer.id).where(Customer.product_id == key))
    return found


def bought_in(column: Any, key: Any) -> ColumnElement[bool]:
    """Rows whose customer bought a product of a community."""
    bought = select(Customer.id).where(Customer.product_id.in_(products_of(key)))
    found: ColumnElement[bool] = column.in_(bought)
    return found


def products_of(key: Any) -> Any:
    """The products of a community."""
    return select(Product.id).where(Product.community_id == key)


def plans_in(key: Any) -> Any:
    """The plans of a community's products."""
    return select(Plan.id).where(Plan.product_id.in_(products_of(key)))


def earned_by(column: Any, key: Any) -> ColumnElement[bool]:
    """Rows whose invoice earned an affiliate something."""
    earned = select(Commission.invoice_id).where(Commission.affiliate_id == key)
    found: ColumnElement[bool] = column.in_(earned)
    return found


def brought_by(column: Any, key: Any) -> ColumnElement[bool]:
    """Rows whose customer counts as an affiliate's."""
    brought = select(Attribution.customer_id).where(
        Attribution.affiliate_id == key, Attribution.replaced_at.is_(None)
    )
    found: ColumnElement[bool] = column.in_(brought)
    return found
