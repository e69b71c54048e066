"""Why a paid invoice earned nobody anything: what the invoice keeps, and its words."""

import enum

from models.errors import N_


class NoCommission(enum.StrEnum):
    NOT_ATTRIBUTED = "not_attributed"
    SELF_REFERRAL = "self_referral"
    AFFILIATE_GONE = "affiliate_gone"
    ATTRIBUTION_EXPIRED = "attribution_expired"
    ZERO_BASE = "zero_base"
    PROGRAM_INACTIVE = "program_inactive"
    RENEWALS_EXCLUDED = "renewals_excluded"
    ROUNDS_TO_ZERO = "rounds_to_zero"


WORDS = {
    NoCommission.NOT_ATTRIBUTED: N_("No affiliate brought this customer."),
    NoCommission.SELF_REFERRAL: N_("The affiliate bought through their own link."),
    NoCommission.AFFILIATE_GONE: N_("The affiliate who brought this customer is gone."),
    NoCommission.ATTRIBUTION_EXPIRED: N_(
        "The client joined something free by an affiliate's link, and bought too late after."
    ),
    NoCommission.ZERO_BASE: N_("There is nothing to pay excluding tax."),
    NoCommission.PROGRAM_INACTIVE: N_("The product has no active affiliate program."),
    NoCommission.RENEWALS_EXCLUDED: N_("The program pays nothing on renewals."),
    NoCommission.ROUNDS_TO_ZERO: N_("The rate gives less than a cent."),
}
"""Each reason in words, for consoles to translate."""
