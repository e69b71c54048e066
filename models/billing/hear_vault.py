"""Hearing the vault: its callback kept, then the card taken, then the charge under way."""

from models import clock
from models.billing.complete_checkout import complete_checkout
from models.billing.receive_card import Reception, note_card, read_vault_word, take_card
from models.session import unit_of_work, unsent


def hear_vault(raw: bytes, secret: str | None) -> Reception:
    """Act on one callback; the same word again, even at once, changes nothing.

    The charge is made by a job; where the queue cannot be reached it is made here, so that
    a purchase ends while Redis is away. Raises UnreadableCallback.
    """
    word = read_vault_word(raw)
    with unit_of_work() as session:
        noted = note_card(session, word, secret=secret, now=clock.now())
    if not noted.has_card:
        return noted
    with unit_of_work() as session:
        taken = take_card(session, word, now=clock.now())
    if taken.has_card and unsent(session):
        complete_checkout(word.capture_id)
    return taken
