"""Beginning to give a purchase another card: the checkout's row, then the vault's form.

A composition like ``begin_checkout``, with the same form, callback, 3-D Secure and status.
"""

from uuid import UUID

from models import clock
from models.billing.begin_checkout import BegunCheckout, open_form
from models.billing.start_card_update import start_card_update
from models.oversight import Actor
from models.session import unit_of_work


def begin_card_update(
    customer_id: UUID,
    *,
    locale: str,
    actor: Actor,
    ip: str | None = None,
    user_agent: str = "",
) -> BegunCheckout:
    """Open a card form for a running purchase; nothing is charged by it.

    Once its card is set up it is the purchase's default one; where a payment is due it is
    charged for that at once, without using up a retry. Raises Missing, NotRunning, Suspended,
    Complimentary, NeverRenews, or ProviderUnavailable, after which the checkout is ended.
    """
    with unit_of_work() as session:
        capture = start_card_update(
            session,
            customer_id,
            locale=locale,
            ip=ip,
            user_agent=user_agent,
            actor=actor,
            now=clock.now(),
        )
    return open_form(capture, actor=actor)
