"""A whole purchase, through the in-process twin: whose it is and what it earns, once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from models.affiliation import Attribution, Commission, program_of
from models.affiliation.click_id import click_id_of
from models.affiliation.prove_ledger import prove_ledger
from models.billing import Invoice
from models.billing.choose_provider import use_provider
from models.billing.in_process import InProcessProvider
from models.catalog import button_by_key
from models.ids import new_id
from models.ledger import LedgerTransfer
from models.session import send_with, unit_of_work
from tests.checkouts import buy, put_on_sale
from tests.factories import Make


@pytest.fixture
def twin(committed, now):
    """The payment side in this process, and data that is taken back after."""
    provider = InProcessProvider()
    use_provider(provider)
    send_with(None)
    yield provider
    use_provider(None)


@pytest.fixture
def alice(twin):
    with unit_of_work() as session:
        return Make(session).affiliate("alice")


def sell(key="offer", **plan):
    put_on_sale(key, **plan)
    with unit_of_work() as session:
        product = button_by_key(session, key).product
        if program_of(session, product.id) is None:
            Make(session).program(product)
    return key


def rows(kind):
    with unit_of_work() as session:
        return session.scalars(select(kind).order_by(kind.id)).all()


def proved():
    with unit_of_work() as session:
        report = prove_ledger(session)
    assert report.ok, report.difference
    return report


class TestAPurchase:
    def test_by_a_click_earns(self, twin, alice, now):
        buy(twin, sell(), click_id=click_id_of(new_id(), alice.user_id))

        (commission,) = rows(Commission)
        assert (commission.total_amount, commission.affiliate_id) == (1225, alice.user_id)
        assert rows(Invoice)[0].no_commission_reason is None
        assert rows(LedgerTransfer)[0].commission_id == commission.id
        assert proved().transfers == 1

    def test_without_a_click_says_why_nobody_earned(self, twin, alice):
        buy(twin, sell())

        assert rows(Commission) == []
        assert rows(Invoice)[0].no_commission_reason == "not_attributed"

    def test_a_free_trial_is_bound_before_anything_is_paid(self, twin, alice):
        buy(twin, sell(trial_days=14), click_id=click_id_of(new_id(), alice.user_id))

        (bound,) = rows(Attribution)
        assert (bound.affiliate_id, bound.self_referral) == (alice.user_id, False)
        assert rows(Commission) == []

    def test_ones_own_earns_nothing(self, twin, alice):
        buy(twin, sell(), alice.user.email, click_id=click_id_of(new_id(), alice.user_id))

        assert rows(Attribution)[0].self_referral_evidence == "same_email"
        assert rows(Invoice)[0].no_commission_reason == "self_referral"
        assert rows(Commission) == []

    def test_eight_first_ones_at_once_all_earn(self, twin, alice):
        sell()
        clicks = [click_id_of(new_id(), alice.user_id) for _ in range(8)]

        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda n: buy(twin, "offer", f"b{n}@example.org", click_id=clicks[n]), range(8)
                )
            )

        assert len(rows(Commission)) == 8
        assert proved().transfers == 8
