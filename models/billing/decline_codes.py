"""Why banks say no: which refusals may pass by themselves, and what to tell the buyer in words.

Codes are the PSP's. A soft one may be retried with the same card; a hard one never.
"""

from dataclasses import dataclass

from models.errors import N_


@dataclass(frozen=True)
class Decline:
    """One reason: ``is_hard`` stops retries at once; ``message`` is an English template."""

    is_hard: bool
    message: str


_CALL_BANK = N_("Your bank declined the payment. Try another card, or ask your bank why.")
_UNUSABLE = N_("This card cannot be used. Please pay with another card.")
_DETAILS = N_("The card's details are not right. Check them and try again.")
_ACCOUNT = N_("The account behind this card is closed or restricted. Use another card.")
_AUTHENTICATION = N_("Your bank could not confirm that it was you. Try again or use another card.")
_LATER = N_("Your bank could not answer. Try again in a moment, or use another card.")

UNSPOKEN = Decline(False, _CALL_BANK)
"""A code that is not in the table: retried, and told without a reason."""

NO_CARD = "no_card"

DECLINES: dict[str, Decline] = {
    NO_CARD: Decline(False, N_("There is no card to charge. Please enter one.")),
    "generic_decline": UNSPOKEN,
    "card_declined": UNSPOKEN,
    "do_not_honor": UNSPOKEN,
    "do_not_try_again": Decline(True, _CALL_BANK),
    "call_issuer": UNSPOKEN,
    "no_action_taken": UNSPOKEN,
    "not_permitted": UNSPOKEN,
    "service_not_allowed": UNSPOKEN,
    "transaction_not_allowed": UNSPOKEN,
    "security_violation": UNSPOKEN,
    "fraudulent": Decline(True, _CALL_BANK),
    "merchant_blacklist": Decline(True, _CALL_BANK),
    "insufficient_funds": Decline(
        False, N_("There is not enough money on this card's account. Try another card.")
    ),
    "card_velocity_exceeded": Decline(
        False, N_("This card has reached its limit. Try later or use another card.")
    ),
    "withdrawal_count_limit_exceeded": Decline(
        False, N_("This card has reached its limit. Try later or use another card.")
    ),
    "expired_card": Decline(False, N_("This card has expired. Use another card.")),
    "incorrect_number": Decline(True, _DETAILS),
    "invalid_number": Decline(True, _DETAILS),
    "incorrect_cvc": Decline(False, _DETAILS),
    "invalid_cvc": Decline(False, _DETAILS),
    "incorrect_zip": Decline(False, _DETAILS),
    "invalid_expiry_month": Decline(False, _DETAILS),
    "invalid_expiry_year": Decline(False, _DETAILS),
    "invalid_amount": UNSPOKEN,
    "stolen_card": Decline(True, _UNUSABLE),
    "lost_card": Decline(True, _UNUSABLE),
    "pickup_card": Decline(True, _UNUSABLE),
    "restricted_card": Decline(True, _UNUSABLE),
    "card_not_supported": Decline(True, _UNUSABLE),
    "currency_not_supported": Decline(True, _UNUSABLE),
    "testmode_decline": Decline(True, _UNUSABLE),
    "invalid_account": Decline(True, _ACCOUNT),
    "new_account_information_available": Decline(True, _ACCOUNT),
    "account_closed": Decline(True, _ACCOUNT),
    "revocation_of_authorization": Decline(True, _ACCOUNT),
    "revocation_of_all_authorizations": Decline(True, _ACCOUNT),
    "stop_payment_order": Decline(True, _ACCOUNT),
    "authentication_required": Decline(False, _AUTHENTICATION),
    "authentication_not_handled": Decline(False, _AUTHENTICATION),
    "payment_intent_authentication_failure": Decline(False, _AUTHENTICATION),
    "setup_intent_authentication_failure": Decline(False, _AUTHENTICATION),
    "approve_with_id": Decline(False, _LATER),
    "issuer_not_available": Decline(False, _LATER),
    "processing_error": Decline(False, _LATER),
    "reenter_transaction": Decline(False, _LATER),
    "try_again_later": Decline(False, _LATER),
}


def decline_of(code: str | None) -> Decline:
    """What a code means; an unknown one is soft and told without a reason."""
    return DECLINES.get(code or "", UNSPOKEN)
