"""Refusals: one small family of exceptions that every edge turns into its own kind of answer.

A rule raises a subclass that stands beside it. ``message`` is an English template marked
with ``N_`` so that the catalogues hold its translation; edges translate it and fill in
``params``. A refusal is an answer, not a crash: it is not logged as an error, not retried.
"""

from typing import Any, ClassVar


def N_(text: str) -> str:
    """Mark a text for the catalogues without translating it here."""
    return text


class DomainError(Exception):
    """The business says no. ``code`` is stable and goes to JSON; ``status`` is HTTP's.

    ``recorded`` keeps the transaction that the refusal ends: a wrong code must count.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "refused"
    recorded: ClassVar[bool] = False
    message: ClassVar[str] = N_("This cannot be done.")

    def __init__(self, message: str | None = None, **params: Any) -> None:
        self.template = message or self.message
        self.params = params
        super().__init__(self.text())

    def text(self) -> str:
        """The refusal in English, for logs and the command line."""
        return self.template % self.params if self.params else self.template


class NotAllowed(DomainError):
    status = 403
    code = "not_allowed"
    message = N_("You are not allowed to do this.")


class Missing(DomainError):
    status = 404
    code = "not_found"
    message = N_("There is nothing here under this name.")


class Gone(DomainError):
    status = 410
    code = "gone"
    message = N_("This has expired.")


class BadInput(DomainError):
    """Something typed in is wrong; ``field`` names it where a form can point at it."""

    status = 422
    code = "bad_input"
    message = N_("What was entered is not valid.")

    def __init__(
        self, message: str | None = None, *, field: str | None = None, **params: Any
    ) -> None:
        self.field = field
        super().__init__(message, **params)


class TooMany(DomainError):
    status = 429
    code = "too_many"
    message = N_("Too many attempts. Try again in %(minutes)s minutes.")


class IllegalTransition(DomainError):
    code = "illegal_transition"
    message = N_("%(subject)s is %(current)s and cannot become %(wanted)s.")

    def __init__(self, subject: object, current: str, wanted: str) -> None:
        self.subject = subject
        super().__init__(subject=type(subject).__name__, current=current, wanted=wanted)
