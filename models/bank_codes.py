"""What bank an account is at: the BIC behind an IBAN, and whether the two can belong together."""

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

SHARED_IBANS = {
    "FR": frozenset({"BL", "GF", "GP", "MC", "MF", "MQ", "NC", "PF", "PM", "RE", "TF", "WF", "YT"}),
    "GB": frozenset({"GG", "IM", "JE"}),
    "FI": frozenset({"AX"}),
}
"""Countries whose accounts are also those of banks with a country code of their own."""


def bic_behind(iban: str) -> str:
    """The BIC of an account's bank; empty where it is not known, or could be of several."""
    if len({bic.bank_code for bic in _known(iban)}) != 1:
        return ""
    found = IBAN(iban).bic
    return found.compact if found else ""


def contradicts(bic: str, iban: str) -> bool:
    """Whether a BIC is of another country or of another bank than an account, as far as is known.

    Of another bank is one that is known to have accounts, and not this one, whose bank is
    known too. Both are well formed.
    """
    said, country = BIC(bic), IBAN(iban).country_code
    if said.country_code not in {country} | SHARED_IBANS.get(country, frozenset()):
        return True
    banks = {each.bank_code for each in _known(iban)}
    return bool(banks and said.domestic_bank_codes) and said.bank_code not in banks


def _known(iban: str) -> list[BIC]:
    account = IBAN(iban)
    try:
        return BIC.candidates_from_bank_code(account.country_code, account.bank_code)
    except SchwiftyException:
        return []
