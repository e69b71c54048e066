"""What other areas add to the end of an account or a change of role, without accounts knowing them.

Receivers take part in the transaction. The first two signals are sent with ``session, user_id,
now``; ``account_closing`` with ``actor`` and ``pseudonym`` as well.
"""

from blinker import Signal

account_held = Signal("May this account be deleted? A receiver that says no raises its refusal.")
account_closing = Signal(
    "An account is being deleted: each area ends what runs and empties what it keeps of the"
    " person. ``pseudonym`` is unique and may stand where a name has to."
)
role_changing = Signal(
    "May this person get this role? A receiver that says no raises its refusal. Sent with"
    " ``session, user, user_type``, before anything changes."
)
