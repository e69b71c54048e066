"""What columns of boosts, clawbacks, risk and warning signs are called."""

from models.errors import N_

AFFILIATION_LABELS = {
    "code_id": N_("Boost"),
    "clawed_from_extended": N_("Taken back from the extended part"),
    "clawed_from_main": N_("Taken back from the main part"),
    "clawed_from_available": N_("Taken back from what was available"),
    "boost_amount": N_("Added by a boost"),
    "boost_redemption_id": N_("Boost"),
    "former_slug": N_("Former link name"),
    "rated_invoices": N_("Invoices that the refund rate counts"),
    "under_at_risk_since": N_("Below the rate of “At risk” since"),
    "under_high_risk_since": N_("Below the rate of “High risk” since"),
    "under_extreme_risk_since": N_("Below the rate of “Extreme risk” since"),
    "extreme_asked_at": N_("Decision on “Extreme risk” asked"),
    "converted_at": N_("Something paid was bought"),
    "code": N_("Code"),
    "begins_on": N_("Begins on"),
    "ends_on": N_("Last day"),
    "boost_type": N_("Kind"),
    "boost_value": N_("What it gives"),
    "scope": N_("For"),
    "valid_until": N_("Valid until"),
    "max_uses": N_("Uses at most"),
    "current_uses": N_("Uses so far"),
    "redeemed_at": N_("Redeemed"),
    "ended_at": N_("Ended"),
    "first_seen_at": N_("First seen"),
    "last_seen_at": N_("Last seen"),
    "dismissed_at": N_("Put away"),
    "evidence": N_("Evidence"),
}
