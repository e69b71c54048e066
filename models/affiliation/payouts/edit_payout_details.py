"""Where an affiliate's money goes: a bank account in the SEPA zone, or a PayPal address."""

import re
from uuid import UUID

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from sqlalchemy.orm import Session
from text_unidecode import unidecode

from models.accounts.email import NotAnAddress, clean_email
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.profile import AffiliateProfile
from models.errors import N_, BadInput
from models.oversight import Actor, emit

LONGEST_NAME = 70
LONGEST_IBAN = 34
OUTSIDE_THE_BANKS = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]+")
"""What a SEPA file's texts may not hold."""


class BadIban(BadInput):
    code = "bad_iban"
    message = N_("This is not a valid IBAN. Copy it from your bank's statement, all of it.")


class NotInSepa(BadInput):
    code = "not_in_sepa"
    message = N_("This account is outside the SEPA zone. Give one inside it, or use PayPal.")


class BadHolder(BadInput):
    code = "bad_holder"
    message = N_("Give the account holder's name exactly as the bank knows it.")


class BadPayoutMethod(BadInput):
    code = "bad_payout_method"
    message = N_("Choose a bank transfer or PayPal.")


def edit_payout_details(
    session: Session,
    affiliate_id: UUID,
    *,
    method: PayoutMethod,
    holder: str = "",
    iban: str = "",
    paypal: str = "",
    actor: Actor,
) -> AffiliateProfile:
    """Set where later withdrawals are paid; those already asked keep their destination.

    An empty ``iban`` keeps the one there is, of which only the last four are ever shown.
    With what is there already, nothing changes. Raises BadIban, NotInSepa, BadHolder,
    BadPayoutMethod, and NotAnAddress for the PayPal address.
    """
    profile = AffiliateProfile.for_update(session, affiliate_id)
    if method is PayoutMethod.WIRE:
        account = checked_iban(iban) if iban.strip() else profile.payout_iban
        if account is None:
            raise BadIban(field="iban")
        wanted = {
            "payout_holder": checked_holder(holder),
            "payout_iban": account,
            "payout_iban_last4": account[-4:],
        }
    elif method is PayoutMethod.PAYPAL:
        wanted = {"payout_paypal": checked_paypal(paypal)}
    else:
        raise BadPayoutMethod(field="method")
    wanted["payout_method"] = method
    if all(getattr(profile, name) == value for name, value in wanted.items()):
        return profile
    for name, value in wanted.items():
        setattr(profile, name, value)
    emit(session, "affiliation.payout_details_edited", profile, actor=actor)
    return profile


def checked_iban(text: str) -> str:
    """An IBAN in its compact form. Raises BadIban, NotInSepa."""
    if len(text) > 2 * LONGEST_IBAN:
        raise BadIban(field="iban")
    try:
        iban = IBAN(re.sub(r"[\s.-]", "", text), validate_bban=True)
    except SchwiftyException:
        raise BadIban(field="iban") from None
    if not iban.in_sepa_zone:
        raise NotInSepa(field="iban")
    return str(iban.compact)


def checked_holder(text: str) -> str:
    """A holder's name that a bank's file can carry. Raises BadHolder."""
    name = " ".join(text.split())
    if not 2 <= len(name) <= LONGEST_NAME or sum(c.isalpha() for c in in_bank_letters(name)) < 2:
        raise BadHolder(field="holder")
    return name


def checked_paypal(text: str) -> str:
    """A PayPal address. Raises NotAnAddress."""
    try:
        return clean_email(text)
    except NotAnAddress as refusal:
        refusal.field = "paypal"
        raise


def in_bank_letters(text: str) -> str:
    """A text in the letters that SEPA files may hold, accents written without."""
    return " ".join(OUTSIDE_THE_BANKS.sub(" ", unidecode(text)).split())
