"""The business as its rules describe it, written a second time and apart from the code.

Plain Python over plain objects: no database, no import from the product. It takes the same
events as a scenario and answers the same result, so that the two can be held against each
other after every step.
"""

from tests.reference.business import Business
from tests.reference.things import Affiliate, Plan, Product, Program, Terms

__all__ = ["Affiliate", "Business", "Plan", "Product", "Program", "Terms"]
