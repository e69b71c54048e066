"""An affiliate's kept figures: dropped by the outbox once something touched their money."""

from datetime import timedelta

import pytest

from jobs.oversight import dispatch
from models import clock, quick_redis
from models.affiliation.mature import mature_due
from models.affiliation.own_figures import kept_figures, read_figures
from models.affiliation.payout_method import PayoutMethod
from models.affiliation.payouts.ask_withdrawal import ask_withdrawal
from models.affiliation.payouts.edit_payout_details import edit_payout_details
from models.oversight.actor import SYSTEM
from models.session import member_session, unit_of_work
from tests.selling import an_affiliate, sell, twin_at_work


@pytest.fixture
def ann(committed, redis, now, monkeypatch):
    monkeypatch.setattr(quick_redis, "_left_alone_until", 0.0)
    ann = an_affiliate("ann")
    with twin_at_work() as twin:
        yield ann, lambda buyer: sell(twin, ann, [buyer], price=49000)


def figures_of(affiliate):
    def read():
        with member_session(affiliate.id) as session:
            return read_figures(session, affiliate.id, now=clock.now())

    return kept_figures(affiliate.id, read)


def test_a_commission_its_release_and_a_withdrawal_each_show_at_once(ann, now):
    affiliate, sells = ann
    sells("carl@example.org")
    dispatch()
    assert figures_of(affiliate).locked == 12250

    clock.move_to(now + timedelta(days=91))
    mature_due()
    assert figures_of(affiliate).available == 0  # kept, until the release is told
    dispatch()
    assert figures_of(affiliate).available == 12250

    with unit_of_work() as session:
        edit_payout_details(
            session,
            affiliate.id,
            method=PayoutMethod.PAYPAL,
            paypal="ann@example.org",
            actor=SYSTEM,
        )
        ask_withdrawal(session, affiliate.id, 5000, actor=SYSTEM, now=clock.now())
    dispatch()
    assert figures_of(affiliate).reserved == 5000

    sells("dora@example.org")
    dispatch()
    assert figures_of(affiliate).locked == 12250


def test_figures_are_kept_while_nothing_happens(ann):
    affiliate, sells = ann
    sells("carl@example.org")
    dispatch()

    assert figures_of(affiliate).as_of == figures_of(affiliate).as_of
