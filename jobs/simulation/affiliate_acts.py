"""What befalls affiliates: levels of risk, lock tables, suspensions."""

from jobs.simulation.events import SetLockRules, SetRisk, Suspend
from jobs.simulation.people import OWNER, People, act, affiliate_of, everyone_at
from models import clock
from models.accounts.suspend_user import reactivate_user, suspend_user
from models.affiliation.change_risk import change_risk
from models.affiliation.edit_lock_rules import LockRow, edit_lock_rules
from models.session import unit_of_work


@act.register
def _(event: SetRisk, _people: People) -> None:
    with unit_of_work() as session:
        change_risk(
            session,
            affiliate_of(session, event.affiliate).user_id,
            to=event.level,
            note=event.note,
            actor=OWNER,
            now=clock.now(),
            relock=event.relock,
        )


@act.register
def _(event: Suspend, _people: People) -> None:
    change = suspend_user if event.do == "suspend" else reactivate_user
    with unit_of_work() as session:
        if event.affiliate is not None:
            keys = [affiliate_of(session, event.affiliate).user_id]
        else:
            keys = [user.id for user in everyone_at(session, event.email or "")]
        for user_id in keys:
            change(session, user_id, reason="scenario", actor=OWNER, now=clock.now())


@act.register
def _(event: SetLockRules, _people: People) -> None:
    """Rows that are not named stay as they are."""
    rows = [LockRow(**row.model_dump()) for row in event.rows]
    with unit_of_work() as session:
        edit_lock_rules(session, rows, actor=OWNER, now=clock.now(), note="scenario")
