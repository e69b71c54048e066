"""Money leaving: asked for by affiliates, decided on and paid by the owner, put right by hand."""

from jobs.simulation.events import Adjust, DecideWithdrawal, Pay, Reject, Withdraw
from jobs.simulation.people import OWNER, People, act, affiliate_of, as_person
from models import clock
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.adjust_balance import adjust_balance
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.decide_withdrawal import (
    approve_withdrawal,
    cancel_withdrawal,
    reject_withdrawal,
)
from models.affiliation.payouts.pay_withdrawal import pay_withdrawal
from models.affiliation.payouts.withdrawal import Withdrawal
from models.session import unit_of_work


@act.register
def _(event: Withdraw, people: People) -> None:
    """A name given before is given anew, as with a second request after a refused one."""
    with unit_of_work() as session:
        affiliate_id = affiliate_of(session, event.affiliate).user_id
        withdrawal = ask_withdrawal(
            session,
            affiliate_id,
            event.amount,
            actor=as_person(affiliate_id, "AFFILIATE"),
            now=clock.now(),
        )
    people.withdrawals[withdrawal.id] = event.name


@act.register
def _(event: DecideWithdrawal, people: People) -> None:
    withdrawal_id = people.withdrawal(event.withdrawal)
    with unit_of_work() as session:
        if event.do == "approve":
            approve_withdrawal(session, withdrawal_id, actor=OWNER, now=clock.now())
            return
        owner_of_it = Withdrawal.get(session, withdrawal_id).affiliate_id
        cancel_withdrawal(
            session, withdrawal_id, actor=as_person(owner_of_it, "AFFILIATE"), now=clock.now()
        )


@act.register
def _(event: Reject, people: People) -> None:
    with unit_of_work() as session:
        reject_withdrawal(
            session,
            people.withdrawal(event.withdrawal),
            reason=event.reason,
            actor=OWNER,
            now=clock.now(),
        )


@act.register
def _(event: Pay, people: People) -> None:
    with unit_of_work() as session:
        pay_withdrawal(
            session,
            people.withdrawal(event.withdrawal),
            method=PayoutMethod(event.method),
            reference=event.reference,
            waive_fee=event.waive_fee,
            actor=OWNER,
            now=clock.now(),
        )


@act.register
def _(event: Adjust, _people: People) -> None:
    with unit_of_work() as session:
        adjust_balance(
            session,
            affiliate_of(session, event.affiliate).user_id,
            event.amount,
            reason=event.reason,
            actor=OWNER,
            now=clock.now(),
        )
