"""Which mailer delivers: what the settings name, or the one a simulation put in its place."""

from models.oversight.mailer import Mailer
from models.oversight.resend_mailer import ResendMailer
from models.oversight.smtp_mailer import SmtpMailer
from models.settings import Settings

SANDBOX_KEY = "re_sandbox"

_in_process: Mailer | None = None


def use_mailer(mailer: Mailer | None) -> None:
    """Send through this one instead of the settings': simulations and tests; None puts back."""
    global _in_process
    _in_process = mailer


def mailer_of(settings: Settings) -> Mailer:
    """Whoever delivers under these settings: SMTP where it is named, else Resend.

    Without a key of Resend's that is the sandbox's outbox, which production refuses.
    """
    if _in_process is not None:
        return _in_process
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url)
    return ResendMailer(settings.mailer_url, settings.resend_api_key or SANDBOX_KEY)
