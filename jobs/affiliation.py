"""Jobs of affiliation: clicks that wait in Redis, commissions that time moves on, tidiness."""

from jobs.queue import job
from models import clock
from models.affiliation.attribution import end_joinings
from models.affiliation.mature import mature_due
from models.affiliation.nightly_risk import nightly_risk
from models.affiliation.raise_flags import raise_flags
from models.affiliation.redeem_boost import expire_boosts
from models.affiliation.store_clicks import AT_ONCE, forget_stored, store_waiting_clicks
from models.affiliation.tidy_clicks import hash_old_addresses, make_click_months
from models.session import unit_of_work


@job("affiliation-flush-clicks", queue="outbox", timeout=120)
def flush_clicks() -> dict[str, int]:
    """Insert the clicks that wait in Redis, a thousand at once, until none is left."""
    stored = 0
    while True:
        with unit_of_work() as session:
            entries = store_waiting_clicks(session)
        forget_stored(entries)
        stored += len(entries)
        if len(entries) < AT_ONCE:
            return {"stored": stored}


@job("affiliation-mature", queue="money", timeout=3600)
def mature(dry_run: bool = False) -> dict[str, int]:
    """Lock the commissions whose clients may no longer withdraw, release the parts due."""
    return mature_due(dry_run=dry_run)


@job("affiliation-risk", queue="default", timeout=1800)
def risk(dry_run: bool = False) -> dict[str, int]:
    """Bring refund rates up to date, move risk levels by them, and flag what looks odd."""
    counts = nightly_risk(dry_run=dry_run)
    if dry_run:
        return counts
    with unit_of_work() as session:
        return counts | {"flags": raise_flags(session, now=clock.now())}


@job("affiliation-tidy", queue="default", timeout=600)
def tidy() -> dict[str, int]:
    """Make the coming months' partitions of clicks, hash addresses past their time, and end
    the boosts and the joinings whose days have passed."""
    with unit_of_work() as session:
        made = make_click_months(session, now=clock.now())
    with unit_of_work() as session:
        hashed = hash_old_addresses(session, now=clock.now())
    with unit_of_work() as session:
        boosts = expire_boosts(session, now=clock.now())
    with unit_of_work() as session:
        joinings = end_joinings(session, now=clock.now())
    return {
        "months_made": made,
        "addresses_hashed": hashed,
        "boosts_expired": boosts,
        "joinings_ended": joinings,
    }
