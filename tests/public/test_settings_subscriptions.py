"""What clients do to their own purchases on their pages, and what nobody does to another's."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from models import clock
from models.accounts import Platform, User
from models.billing import Customer, CustomerStatus, InvoiceStatus
from models.billing.choose_provider import use_provider
from models.billing.end_periods import end_due_periods
from models.billing.in_process import InProcessProvider
from models.billing.resolve_unknown import look_into
from models.catalog import Plan
from models.session import staff_reading, unit_of_work
from models.settings import use_settings
from tests.checkouts import ASKS_BANK, buy
from tests.public.clients import ADA, EVE, buyer, client_of, put_product_on_sale
from tests.visitors import Visitor

pytestmark = pytest.mark.usefixtures("committed", "redis", "now")

DECLINED_LATER = "4000000000000341"
"""Taken at first, refused at every later charge."""
A_PLAN = "switch/0192f0c4-7c3e-7000-8000-000000000000"
PRESSED = ["cancel", "undo", "withdraw", "switch/undo", A_PLAN]
ASKED = ["cancel", "withdraw", "switch", A_PLAN]


@pytest.fixture
def twin():
    twin = InProcessProvider()
    use_provider(twin)
    yield twin
    use_provider(None)


@pytest.fixture
def key():
    return put_product_on_sale(
        "monthly",
        {"name": "Light", "price_amount": 1900},
        {"name": "Great", "price_amount": 9900},
        name="Basic",
    )


@pytest.fixture
def ada(app, twin, key):
    return buyer(app, twin, key)


def change(customer_id, **values):
    with unit_of_work() as session:
        session.execute(update(Customer).where(Customer.id == customer_id).values(**values))


def plan_named(name):
    with staff_reading() as session:
        return session.scalars(select(Plan).where(Plan.name == name)).one()


def asked_by_bank(app, twin, key):
    """A buyer whose bank wants each payment confirmed, and confirmed the first."""
    capture_id = buy(twin, key, EVE, ASKS_BANK)
    [waiting] = twin.payments.values()
    twin.answer_bank(waiting.payment_id, authorised=True)
    clock.advance(timedelta(seconds=3))
    look_into(capture_id, back_from_bank=True)
    return client_of(app, EVE)


class TestThePage:
    def test_shows_purchase_card_and_acts(self, ada):
        page = ada.page().text

        assert "Next charge: €49 on 10 April." in page
        assert "Visa •••• 4242" in page
        for verb in ("cancel", "switch", "withdraw"):
            assert ada.act(verb) in page

    def test_on_weokto_too(self, app, twin):
        client = client_of(app, ADA, Platform.WEOKTO)

        assert "You have not bought anything yet." in client.page().text

    def test_shows_nothing_of_anybody_else(self, app, ada):
        eve = client_of(app, EVE)

        page = eve.page().text

        assert str(ada.customer.id) not in page
        assert "No invoice yet" in page

    def test_is_for_those_signed_in(self, app, ada):
        stranger = Visitor(app, Platform.STAM)
        before = ada.customer.updated_at

        for verb in ASKED:
            answer = stranger.get(ada.act(verb))
            assert answer.location == f"/login?next={ada.act(verb)}"
        for verb in PRESSED:
            assert stranger.post(ada.act(verb), form="/login").location == "/login"
        assert ada.customer.updated_at == before


class TestSomebodyElses:
    def test_purchase_is_nothing(self, app, ada):
        eve = client_of(app, EVE)
        before = ada.customer

        for customer_id in (before.id, uuid4()):
            for verb in ASKED:
                assert eve.page(eve.act(verb, customer_id)).status_code == 404
            for verb in PRESSED:
                assert eve.press(eve.act(verb, customer_id)).status_code == 404
        assert ada.customer.updated_at == before.updated_at


class TestCancelling:
    def test_says_until_when_and_then_does_it(self, ada):
        page = ada.page(ada.act("cancel")).text
        assert "Your access stays open until 10 April." in page
        assert not ada.customer.cancel_at_period_end

        answer = ada.press(ada.act("cancel"))

        assert answer.location == "/settings"
        assert ada.customer.cancel_at_period_end
        assert ada.customer.next_charge_at is None
        page = ada.page().text
        assert "Access lasts until 10 April and nothing more is charged." in page
        assert ada.act("cancel") not in page

    def test_a_second_press_changes_nothing(self, ada, now):
        ada.press(ada.act("cancel"))
        clock.move_to(now + timedelta(minutes=1))

        answer = ada.press(ada.act("cancel"))

        assert answer.status_code == 303
        assert ada.customer.cancelled_at == now

    def test_asked_again_leads_back(self, ada):
        ada.press(ada.act("cancel"))

        assert ada.page(ada.act("cancel")).status_code == 303

    def test_of_what_has_ended_changes_nothing(self, ada):
        change(ada.customer.id, status=CustomerStatus.EXPIRED, next_charge_at=None)

        assert ada.press(ada.act("cancel")).status_code == 303
        assert ada.customer.status is CustomerStatus.EXPIRED

    def test_past_due_and_over_ends_at_once(self, ada, now):
        change(
            ada.customer.id,
            status=CustomerStatus.PAST_DUE,
            subscription_ends_at=now - timedelta(hours=1),
            first_failed_at=now,
            next_charge_at=now + timedelta(days=2),
        )
        assert "at once if that is over" in ada.page(ada.act("cancel")).text

        ada.press(ada.act("cancel"))

        assert ada.customer.status is CustomerStatus.CANCELLED


class TestUndoing:
    def test_lets_it_go_on(self, ada):
        charged_on = ada.customer.next_charge_at
        ada.press(ada.act("cancel"))

        answer = ada.press(ada.act("undo"))

        assert answer.status_code == 303
        assert not ada.customer.cancel_at_period_end
        assert ada.customer.next_charge_at == charged_on
        assert ada.press(ada.act("undo")).status_code == 303

    def test_is_refused_once_the_period_is_over(self, ada, now):
        ada.press(ada.act("cancel"))
        change(ada.customer.id, subscription_ends_at=now)

        assert ada.act("undo") not in ada.page().text
        assert ada.press(ada.act("undo")).status_code == 409


class TestSwitching:
    def test_lists_the_other_plans(self, ada):
        page = ada.page(ada.act("switch")).text

        assert page.index("Light") < page.index("Great")
        assert "€99 a month" in page
        assert ada.act(f"switch/{plan_named('Basic').id}") not in page

    def test_shows_to_the_cent_what_a_dearer_plan_costs_today(self, ada, now):
        clock.move_to(now + timedelta(days=10))

        page = ada.page(ada.act(f"switch/{plan_named('Great').id}")).text

        assert 'data-charge="3387"' in page  # 50 € × 21 of 31 days
        assert "€33.87" in page
        assert "today counted: 21 of 31." in page
        assert "Then €99 a month, next on 10 April." in page

    def test_a_cheaper_plan_waits_for_the_periods_end(self, ada):
        light = plan_named("Light")
        page = ada.page(ada.act(f"switch/{light.id}")).text
        assert "Nothing is charged today, and nothing changes until 10 April." in page

        answer = ada.press(ada.act(f"switch/{light.id}"), charge="0")

        assert answer.status_code == 303
        assert ada.customer.next_plan_id == light.id
        assert "From 10 April you go over to “Light”, €19 a month." in ada.page().text

        ada.press(ada.act("switch/undo"))
        assert ada.customer.next_plan_id is None

    def test_a_dearer_plan_opens_once_paid(self, ada, twin):
        great = plan_named("Great")

        answer = ada.press(ada.act(f"switch/{great.id}"), charge="5000")

        assert answer.status_code == 303
        assert ada.customer.current_plan_id == great.id
        assert [invoice.amount_including_tax for invoice in ada.invoices] == [4900, 5000]
        again = ada.press(ada.act(f"switch/{great.id}"), charge="5000")
        assert again.status_code == 303
        assert len(ada.invoices) == 2

    def test_asked_by_the_bank_it_waits_and_then_opens(self, app, twin, key, now):
        ada = asked_by_bank(app, twin, key)
        great = plan_named("Great")

        answer = ada.press(ada.act(f"switch/{great.id}"), charge="5000")

        waiting = answer.location
        assert waiting.startswith("https://bank.invalid/")
        page = ada.page().text
        assert "Your bank asks you to confirm a payment of €50." in page
        assert waiting in page
        assert ada.press(ada.act(f"switch/{great.id}"), charge="5000").status_code == 409

        twin.answer_bank(waiting.rpartition("/")[2], authorised=True)
        clock.advance(timedelta(seconds=3))
        page = ada.page().text

        assert "Your bank asks" not in page
        assert ada.customer.current_plan_id == great.id

    def test_refused_at_the_bank_everything_stays(self, app, twin, key, now):
        ada = asked_by_bank(app, twin, key)
        great = plan_named("Great")
        waiting = ada.press(ada.act(f"switch/{great.id}"), charge="5000").location

        twin.answer_bank(waiting.rpartition("/")[2], authorised=False)
        clock.advance(timedelta(seconds=3))
        ada.page()

        assert ada.customer.current_plan_id == plan_named("Basic").id
        assert [it.status for it in ada.invoices] == [InvoiceStatus.PAID, InvoiceStatus.VOID]

    def test_a_refused_card_is_told_and_everything_stays(self, app, twin, key):
        ada = buyer(app, twin, key, EVE, DECLINED_LATER)
        great = plan_named("Great")

        answer = ada.press(ada.act(f"switch/{great.id}"), charge="5000")

        assert answer.status_code == 402
        assert "Nothing was charged and your plan stays as it was." in answer.text
        assert ada.customer.current_plan_id == plan_named("Basic").id

    @pytest.mark.parametrize("shown", ["", "4999", "-5000", "x", "9" * 30])
    def test_is_shown_again_where_it_costs_something_else(self, ada, shown):
        answer = ada.press(ada.act(f"switch/{plan_named('Great').id}"), charge=shown)

        assert answer.status_code == 409
        assert 'data-charge="5000"' in answer.text
        assert ada.customer.current_plan_id == plan_named("Basic").id

    def test_to_a_plan_that_is_off_or_of_another_product_says_why(self, ada):
        put_product_on_sale("other", name="Other")
        other, great = plan_named("Other"), plan_named("Great")
        with unit_of_work() as session:
            session.execute(update(Plan).where(Plan.id == great.id).values(is_active=False))

        for plan in (other, great):
            assert ada.page(ada.act(f"switch/{plan.id}")).status_code == 409
            assert ada.press(ada.act(f"switch/{plan.id}"), charge="0").status_code == 409
        assert "Great" not in ada.page(ada.act("switch")).text


class TestWithdrawing:
    def test_files_the_refund_and_stops_the_charges(self, ada):
        page = ada.page(ada.act("withdraw")).text
        assert "You may withdraw until 24 March" in page
        assert "confirm withdrawal" in page

        answer = ada.press(ada.act("withdraw"))

        assert answer.location == "/settings"
        assert ada.customer.cancel_at_period_end
        page = ada.page().text
        assert "You withdrew from this contract on 10 March." in page
        assert "Refund of €49 asked on 10 March: we are looking at it." in page

    def test_a_second_press_changes_nothing(self, ada, now):
        ada.press(ada.act("withdraw"))
        clock.move_to(now + timedelta(hours=1))

        assert ada.press(ada.act("withdraw")).status_code == 303
        assert ada.customer.extra["renounced_at"] == now.isoformat()

    def test_of_a_free_trial_ends_it_at_once(self, app, twin):
        key = put_product_on_sale("trial", trial_days=30)
        client = buyer(app, twin, key)

        client.press(client.act("withdraw"))

        assert client.customer.status is CustomerStatus.CANCELLED
        assert client.invoices == []

    def test_of_a_paid_trial_that_has_ended_within_the_days(self, app, twin, now):
        key = put_product_on_sale("paid-trial", trial_days=7, trial_amount=1100)
        client = buyer(app, twin, key)
        client.press(client.act("cancel"))
        clock.move_to(now + timedelta(days=8))
        end_due_periods()
        assert client.customer.status is CustomerStatus.CANCELLED
        assert client.act("withdraw") in client.page("/renoncer").text
        asked = client.page(client.act("withdraw"))
        assert asked.status_code == 200
        assert "If you only want to stop the next charge" not in asked.text

        client.press(client.act("withdraw"))

        page = client.page().text
        assert "You withdrew from this contract on 18 March." in page
        assert "Refund of €11 asked on 18 March: we are looking at it." in page
        assert client.act("withdraw") not in page

    def test_lasts_to_the_end_of_the_fourteenth_local_day(self, ada, now):
        midnight = now.replace(day=24, hour=23, minute=0)  # in Paris, 25 March begins
        clock.move_to(midnight - timedelta(seconds=1))
        assert ada.page(ada.act("withdraw")).status_code == 200

        clock.move_to(midnight)
        assert ada.page(ada.act("withdraw")).status_code == 410
        assert ada.press(ada.act("withdraw")).status_code == 409
        assert not ada.customer.cancel_at_period_end

    def test_where_it_is_over_no_reason_is_given_in_either_language(self, ada, now):
        clock.move_to(now.replace(day=25))
        told = {
            "en": "can no longer be withdrawn from",
            "fr": "n’est plus possible de se rétracter",
        }

        for locale, words in told.items():
            with unit_of_work() as session:
                session.execute(update(User).values(locale=locale))
            page = ada.visitor.get(ada.act("withdraw")).text
            assert f'<html lang="{locale}"' in page
            assert words in page
            assert "délai" not in page

    def test_the_free_function_lists_what_can_be_withdrawn_from(self, ada, now):
        assert ada.act("withdraw") in ada.page("/renoncer").text

        ada.press(ada.act("withdraw"))
        assert ada.act("withdraw") not in ada.page("/renoncer").text

    def test_wants_somebody(self, app):
        answer = Visitor(app, Platform.STAM).get("/renoncer")

        assert answer.location == "/login?next=/renoncer"


class TestOwnersWords:
    def test_take_the_place_of_ours(self, ada, settings):
        use_settings(settings.model_copy(update={"withdraw_text_en": "I change my mind"}))

        assert "I change my mind" in ada.page().text
