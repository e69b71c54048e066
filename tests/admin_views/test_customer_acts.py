"""Acts on customers: who may, shown before they are done, done as shown, refused in words."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from models import clock
from models.accounts import UserType
from models.billing import Customer, CustomerStatus, Invoice, InvoiceStatus, customer_of
from models.billing.order import RENOUNCED
from models.catalog import Plan
from models.session import engine_of
from tests.checkouts import DECLINED_LATER, buy
from tests.models.billing.subscribers import END, START, on_trial, past_due, subscribe

FINGERPRINT = re.compile(r'name="fingerprint" value="([^"]+)"')
MIDDLE = START + timedelta(days=10)
ENDED = "E-mail «\u00a0Abonnement terminé\u00a0»"


@pytest.fixture
def middle():
    clock.move_to(MIDDLE)


@pytest.fixture
def owner(middle, staff):
    return staff(UserType.OWNER)


@pytest.fixture
def act(owner, console):
    """Do an act as shown; gives the confirming answer."""

    def run(customer_id, name, view="customers", **fields):
        address = f"{console}/{view}/act/{name}/?id={customer_id}"
        shown = owner.post(address, fields)
        mark = FINGERPRINT.search(shown.text)
        assert mark, shown.text[-1500:]
        return owner.post(address, {**fields, "fingerprint": mark.group(1)})

    return run


class TestEnding:
    def test_cancel_and_taking_it_back(self, act, keep, read):
        customer = keep(subscribe)
        assert act(customer.id, "cancel").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).cancel_at_period_end)
        assert act(customer.id, "undo-cancel").status_code == 302
        assert not read(lambda s: s.get(Customer, customer.id).cancel_at_period_end)

    def test_cancelling_shows_the_mail_that_confirms_it(self, owner, console, keep):
        customer = keep(subscribe)
        page = owner.get(f"{console}/customers/act/cancel/?id={customer.id}").text
        assert "E-mail «\u00a0Résiliation confirmée\u00a0»" in page

    def test_a_trial_is_cancelled_too(self, act, keep, read):
        customer = keep(on_trial)
        assert act(customer.id, "cancel").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).next_charge_at) is None

    def test_end_now_says_why(self, act, keep, read):
        customer, invoice = keep(past_due)
        assert act(customer.id, "cancel-now", reason="abuse").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).status) is CustomerStatus.CANCELLED
        assert read(lambda s: s.get(Invoice, invoice.id).status) is InvoiceStatus.VOID

    def test_end_now_shows_the_mail_that_tells_of_it(self, owner, console, keep):
        customer = keep(subscribe)
        address = f"{console}/customers/act/cancel-now/?id={customer.id}"
        assert ENDED in owner.post(address, {"reason": "abuse"}).text

    def test_what_a_withdrawal_cancelled_ends_without_another_mail(self, owner, console, keep):
        def renounced(make):
            at = clock.now() - timedelta(days=1)
            values = {"cancelled_at": at, "cancel_at_period_end": True, "next_charge_at": None}
            return subscribe(make, extra={RENOUNCED: at.isoformat()}, **values)

        customer = keep(renounced)
        page = owner.post(
            f"{console}/customers/act/cancel-now/?id={customer.id}", {"reason": "settled"}
        ).text
        assert FINGERPRINT.search(page)
        assert ENDED not in page

    def test_end_now_wants_a_reason(self, owner, console, keep):
        customer = keep(subscribe)
        address = f"{console}/customers/act/cancel-now/?id={customer.id}"
        assert owner.post(address, {"reason": ""}).status_code == 422

    def test_support_cancels_and_does_no_more(self, middle, staff, keep, read):
        customer, admin = keep(subscribe), staff(UserType.ADMIN)
        address = "/admin/customers/act/{}/?id=" + str(customer.id)
        mark = FINGERPRINT.search(admin.get(address.format("cancel")).text).group(1)
        answer = admin.post(address.format("cancel"), {"fingerprint": mark})
        assert answer.status_code == 302
        for name in ("cancel-now", "extend", "switch", "grant"):
            assert admin.get(address.format(name)).status_code == 403
        assert read(lambda s: s.get(Customer, customer.id).cancel_at_period_end)

    def test_support_sees_no_price(self, middle, staff, keep):
        customer, admin = keep(subscribe), staff(UserType.ADMIN)
        page = admin.get(f"/admin/customers/details/?id={customer.id}").text
        assert "49,00" not in page


class TestGiving:
    def test_extending_keeps_the_hour(self, act, keep, read):
        customer = keep(subscribe)
        answer = act(customer.id, "extend", until="2026-04-20", reason="goodwill")
        assert answer.status_code == 302
        after = read(lambda s: s.get(Customer, customer.id))
        assert clock.paris(after.subscription_ends_at).isoformat() == "2026-04-20T12:00:00+02:00"

    def test_extending_to_an_earlier_day_is_refused_in_words(self, owner, console, keep):
        customer = keep(subscribe)
        address = f"{console}/customers/act/extend/?id={customer.id}"
        page = owner.post(address, {"until": "2026-03-20", "reason": "x"}).text
        assert 'role="alert"' in page
        assert not FINGERPRINT.search(page)

    def test_somebody_is_given_a_product(self, act, keep, read):
        plan, user = keep(lambda make: (make.plan(), make.user()))
        fields = {"product": str(plan.product_id), "until": "2026-06-30", "reason": "friend"}
        assert act(user.id, "grant-access", view="users", **fields).status_code == 302
        customer = read(lambda s: customer_of(s, user.id, plan.product_id))
        assert customer.is_complimentary
        ends = clock.paris(customer.subscription_ends_at)
        assert ends.isoformat() == "2026-07-01T00:00:00+02:00"

    def test_one_who_left_is_given_it_again(self, act, keep, read):
        customer = keep(
            lambda make: subscribe(make, status=CustomerStatus.EXPIRED, next_charge_at=None)
        )
        assert act(customer.id, "grant", until="2026-06-30", reason="x").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).status) is CustomerStatus.ACTIVE

    def test_money_asks_for_a_fresh_second_factor(self, owner, console, keep):
        customer = keep(subscribe)
        clock.move_to(MIDDLE + timedelta(minutes=11))
        for name in ("cancel-now", "extend", "switch"):
            answer = owner.get(f"{console}/customers/act/{name}/?id={customer.id}")
            assert answer.location.startswith("/second-factor")


class TestSwitch:
    @pytest.fixture
    def bought(self, owner, twin, keep, read):
        """A purchase with a card of the twin's, and a dearer and a cheaper plan beside it."""

        def buy_with(card="4242424242424242"):
            basic, dearer, cheaper, button = keep(
                lambda make: [
                    basic := make.plan(),
                    make.plan(product=basic.product, price_amount=9900, name="Dearer"),
                    make.plan(product=basic.product, price_amount=1900, name="Cheaper"),
                    make.button(plan=basic),
                ]
            )
            buy(twin, button.button_key, card=card)
            return read(lambda s: s.scalars(select(Customer)).one()), basic, dearer, cheaper

        return buy_with

    def test_is_shown_to_the_cent_and_charged_as_shown(self, act, bought, twin, read):
        customer, _, dearer, _ = bought()
        answer = act(customer.id, "switch", plan=str(dearer.id))
        assert answer.status_code == 302
        assert [payment.amount for payment in twin.paid] == [4900, 5000]
        assert read(lambda s: s.get(Customer, customer.id).current_plan_id) == dearer.id

    def test_looking_charges_nothing(self, owner, console, bought, twin):
        customer, _, dearer, _ = bought()
        address = f"{console}/customers/act/switch/?id={customer.id}"
        page = owner.post(address, {"plan": str(dearer.id)}).text
        assert "50,00" in page
        assert 'name="reason"' not in page, "a reason that would be kept nowhere"
        assert len(twin.paid) == 1

    def test_another_price_by_now_is_shown_again(self, owner, console, bought, twin, keep):
        customer, _, dearer, _ = bought()
        address = f"{console}/customers/act/switch/?id={customer.id}"
        fields = {"plan": str(dearer.id)}
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)
        keep(lambda make: setattr(make.session.get(Plan, dearer.id), "price_amount", 12900))
        answer = owner.post(address, {**fields, "fingerprint": mark})
        assert answer.status_code == 409
        assert "Les conséquences ont changé depuis votre lecture" in answer.text
        assert "80,00" in answer.text
        assert len(twin.paid) == 1

    @pytest.fixture
    def dearer_at_last(self):
        """Have a plan cost more from the moment that its change is begun: ``…(plan, cents)``."""
        begun = []

        def when_begun(plan, cents):
            def note(_connection, _cursor, statement, *_rest):
                if begun or "FROM customers" not in statement or "FOR UPDATE" not in statement:
                    return
                begun.append(statement)
                with Session(engine_of("staff")) as session:
                    session.get(Plan, plan.id).price_amount = cents
                    session.commit()

            event.listen(Engine, "before_cursor_execute", note)
            noting.append(note)

        noting = []
        yield when_begun
        for note in noting:
            event.remove(Engine, "before_cursor_execute", note)
        assert begun

    def test_a_price_that_changes_while_it_is_confirmed_is_not_charged(
        self, act, bought, twin, read, dearer_at_last
    ):
        customer, basic, dearer, _ = bought()
        dearer_at_last(dearer, 12900)
        answer = act(customer.id, "switch", plan=str(dearer.id))
        assert answer.status_code == 409
        assert "n’est plus ce qui était affiché" in answer.text
        assert "80,00" in answer.text, "what it costs by now"
        assert [payment.amount for payment in twin.paid] == [4900]
        assert read(lambda s: s.get(Customer, customer.id).current_plan_id) == basic.id

    def test_a_refused_card_is_told_and_changes_nothing(
        self, owner, console, act, bought, twin, read
    ):
        customer, basic, dearer, _ = bought(DECLINED_LATER)
        answer = act(customer.id, "switch", plan=str(dearer.id), reason="asked")
        assert answer.status_code == 409
        assert "generic_decline" in answer.text
        assert read(lambda s: s.get(Customer, customer.id).current_plan_id) == basic.id

    def test_a_cheaper_one_waits_and_is_taken_back(self, act, bought, read):
        customer, _, _, cheaper = bought()
        assert act(customer.id, "switch", plan=str(cheaper.id), reason="x").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).next_plan_id) == cheaper.id
        assert act(customer.id, "undo-switch").status_code == 302
        assert read(lambda s: s.get(Customer, customer.id).next_plan_id) is None

    def test_a_plan_that_is_no_choice_is_refused(self, owner, console, bought, keep):
        customer, *_ = bought()
        other = keep(lambda make: make.plan())
        address = f"{console}/customers/act/switch/?id={customer.id}"
        answer = owner.post(address, {"plan": str(other.id), "reason": "x"})
        assert answer.status_code == 422


class TestStory:
    def test_what_was_done_stands_in_the_timeline(self, owner, console, act, keep):
        customer = keep(subscribe)
        act(customer.id, "extend", until="2026-04-20", reason="a flood in the cellar")
        page = owner.get(f"{console}/customers/details/?id={customer.id}").text
        timeline = page.partition('id="history"')[0]
        assert "a flood in the cellar" in timeline

    def test_a_missed_annual_notice_shows(self, owner, console, keep):
        from models.catalog import BillingInterval

        def build(make):
            plan = make.plan(billing_interval=BillingInterval.ANNUALLY)
            return subscribe(make, plan), subscribe(make)

        late, other = keep(build)
        page = owner.get(f"{console}/customers/?flt_notice=missed").text
        assert str(late.id) in page
        assert str(other.id) not in page
        assert "badge bad" in owner.get(f"{console}/customers/details/?id={late.id}").text
        assert clock.now() < END
