"""Which mailer delivers: what the settings name, or the one a simulation put in its place."""

from models.oversight.mailer import Mailer
from models.oversight.resend_mailer import ResendMailer
from models.oversight.smtp_mailer import SmtpMailer
from models.settings import Settings

_in_process: Mailer | None = None


def use_mailer(mailer: Mailer | None) -> None:
    """Send through this one instead of the settings': simulations and tests; None puts back."""
    global _in_process
    _in_process = mailer


def mailer_of(settings: Settings) -> Mailer | None:
    """Whoever delivers under these settings; None where nobody does, and mails wait.

    A development machine's stand-in for Resend (any address but the real one) needs no key.
    """
    if _in_process is not None:
        return _in_process
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url)
    real = settings.resend_base_url == type(settings).model_fields["resend_base_url"].default
    if settings.resend_api_key or not real:
        return ResendMailer(settings.resend_base_url, settings.resend_api_key or "re_sandbox")
    return None
