"""Every act of a simulation: the call that a page, a console or a person would make.

Importing this module makes them all known to ``act``.
"""

from jobs.simulation import affiliate_acts, buying_acts, payout_acts, refund_acts
from jobs.simulation.people import People, act

__all__ = ["People", "act", "affiliate_acts", "buying_acts", "payout_acts", "refund_acts"]
