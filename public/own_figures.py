"""The figures of the affiliate who asks, for every page that shows some of them."""

from flask_login import current_user

from models import clock
from models.affiliation.own_figures import Figures, kept_figures, read_figures
from public.identity import member_reading


def own_figures() -> Figures:
    """The reader's figures, at most five minutes old."""

    def read() -> Figures:
        with member_reading() as session:
            return read_figures(session, current_user.id, now=clock.now())

    return kept_figures(current_user.id, read)
