"""Every area's tables, imported together so that one metadata knows them all."""

from models import accounts, affiliation, billing, catalog, communities, ledger, oversight
from models.base import Base

AREAS = (accounts, catalog, communities, billing, affiliation, ledger, oversight)
metadata = Base.metadata
