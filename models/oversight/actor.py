"""Who acts: the person or process that a rule names in the audit trail."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (``user_id`` set) or a process (``role`` says which) and where they act from."""

    role: str
    user_id: UUID | None = None
    ip: str | None = None
    session_id: UUID | None = None
    request_id: str | None = None


SYSTEM = Actor(role="system")
"""Jobs, sweeps and consequences that nobody asked for by hand."""

NOBODY = Actor(role="nobody")
"""A visitor who is not signed in."""
