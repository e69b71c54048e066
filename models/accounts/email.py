"""Addresses: what counts as one."""

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from models.errors import N_, BadInput
from models.settings import current_settings

LONGEST = 254

# The library's list of names that no mail reaches; ours is judged below, by environment.
if "localhost" in SPECIAL_USE_DOMAIN_NAMES:
    SPECIAL_USE_DOMAIN_NAMES.remove("localhost")


class NotAnAddress(BadInput):
    code = "not_an_address"
    message = N_("“%(email)s” is not an e-mail address. It looks like name@example.com.")


def clean_email(text: str) -> str:
    """An address as mails are sent to it. Raises NotAnAddress.

    Names that only this machine knows (``owner@weokto.localhost``) pass outside production.
    """
    text = text.strip()
    local = not current_settings().is_production
    try:
        found = validate_email(
            text[: LONGEST + 1], check_deliverability=False, test_environment=local
        )
    except EmailNotValidError:
        raise NotAnAddress(field="email", email=text[:60]) from None
    if not local and found.ascii_domain.endswith("localhost"):
        raise NotAnAddress(field="email", email=text[:60])
    return found.normalized
