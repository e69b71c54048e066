"""Buying, as people do it: with a good card, after a bad one, through the bank, without scripts."""

from playwright.sync_api import expect

from tests.browser.people import (
    ASKS_BANK,
    DECLINED,
    NARROW,
    begin,
    buy,
    look_again,
    open_modal,
    see_the_result,
    sideways,
    type_card,
)

MONTHLY = "tbcb-inner-circle-monthly"
WITH_TRIAL = "cercle-createurs-monthly"


def _took_the_card(answer):
    return "/capture/iframe/" in answer.url and answer.request.method == "POST"


class TestThroughTheModal:
    def test_on_weokto(self, house, page, email):
        buy(page, house.weokto, MONTHLY, email)

        assert "148,00" in house.mail(email, "WS-")["text"]

    def test_on_stam(self, house, page, email):
        panel = open_modal(page, f"{house.stam}/p/cercle-createurs", WITH_TRIAL)
        expect(panel.locator(".bill-today")).to_contain_text("1 €")
        begin(panel, email)
        type_card(panel)
        page.wait_for_url("**/welcome*")

        assert "1,00" in house.mail(email, "WS-")["text"]

    def test_on_a_phone(self, house, somebody, email):
        page = somebody(viewport=NARROW, is_mobile=True, has_touch=True).page
        page.goto(f"{house.stam}/p/atelier-automatisation")
        page.locator("a[data-payment-button]").first.tap()
        panel = page.locator("dialog [data-checkout]")
        begin(panel, email)
        type_card(panel)
        page.wait_for_url("**/welcome*")

        assert sideways(page) <= 0
        assert "250,00" in house.mail(email, "WS-")["text"]

    def test_what_is_missing_is_said_and_nothing_is_sent(self, house, page):
        panel = open_modal(page, house.weokto, MONTHLY)

        panel.locator("[data-start] button").click()

        expect(panel.locator('[data-error="email"]')).to_be_visible()
        expect(panel.locator('[data-error="consent"]')).to_be_visible()
        expect(panel).to_have_attribute("data-state", "start")

    def test_escape_goes_back_to_the_page(self, house, page):
        panel = open_modal(page, house.weokto, MONTHLY)

        page.keyboard.press("Escape")

        expect(panel).to_have_count(0)
        expect(page.locator(f'a[data-payment-button="{MONTHLY}"]').first).to_be_focused()


class TestTheCard:
    def test_a_good_one_after_a_declined_one(self, house, page, email):
        before = len(house.charges())
        panel = open_modal(page, house.weokto, MONTHLY)
        begin(panel, email)
        type_card(panel, DECLINED)
        declined = panel.locator('[data-when="declined"]')
        expect(declined).to_be_visible()
        expect(declined).to_contain_text("carte")

        declined.locator("[data-again] button").click()
        type_card(panel)
        page.wait_for_url("**/welcome*")

        assert len(house.charges()) == before + 1

    def test_the_bank_is_asked_and_sends_back(self, house, page, email):
        before = len(house.charges())
        panel = open_modal(page, house.weokto, MONTHLY)
        begin(panel, email)
        type_card(panel, ASKS_BANK)
        page.wait_for_url("**/bank/3ds/**")

        page.locator("button[value=authorise]").click()
        page.wait_for_url("**/welcome*")

        assert len(house.charges()) == before + 1
        assert house.mail(email, "WS-")

    def test_refused_at_the_bank_another_card_is_asked(self, house, page, email):
        before = len(house.charges())
        panel = open_modal(page, house.weokto, MONTHLY)
        begin(panel, email)
        type_card(panel, ASKS_BANK)
        page.wait_for_url("**/bank/3ds/**")

        page.locator("button[value=refuse]").click()
        page.locator('[data-when="declined"] [data-again] button').click()
        type_card(page.locator("[data-checkout]"))
        page.wait_for_url("**/welcome*")

        assert len(house.charges()) == before + 1

    def test_a_typing_error_is_said_in_the_form(self, house, somebody, email):
        person = somebody()
        person.expects(422)
        panel = open_modal(person.page, house.weokto, MONTHLY)
        begin(panel, email)

        type_card(panel, "4242 4242 4242 4241")

        form = panel.frame_locator("[data-vault]")
        expect(form.locator("#problem")).to_be_visible()
        type_card(panel)
        person.page.wait_for_url("**/welcome*")


class TestWithoutScripts:
    def test_from_the_sales_page_to_the_receipt(self, house, somebody, email):
        person = somebody(java_script_enabled=False)
        page = person.page
        page.goto(f"{house.stam}/p/club-boutique")
        page.locator('a[data-payment-button="club-boutique-monthly"]').first.click()
        panel = page.locator("[data-checkout]")
        begin(panel, email)
        type_card(panel)
        expect(panel.frame_locator("[data-vault]").locator("[data-token]")).to_be_visible()

        see_the_result(page)
        done = page.locator('[data-when="done"]:not([hidden])')
        expect(done.or_(page.locator("h1", has_text="Bienvenue"))).to_be_visible(timeout=20_000)
        page.wait_for_url("**/welcome*")

        assert "45,00" in house.mail(email, "WS-")["text"]

    def test_what_is_missing_is_said_beside_its_field(self, house, somebody, email):
        person = somebody(java_script_enabled=False)
        person.expects(422)
        person.page.goto(f"{house.weokto}/checkout/{MONTHLY}")

        person.page.locator("[name=email]").fill(email)
        person.page.locator("[data-start] button").click()

        expect(person.page.locator('[data-error="consent"]')).to_be_visible()
        expect(person.page.locator("[name=email]")).to_have_value(email)


class TestChargedOnce:
    def test_after_a_double_click(self, house, page, email):
        before = len(house.charges())
        panel = open_modal(page, house.weokto, MONTHLY)
        panel.locator("[name=email]").fill(email)
        panel.locator("[name=consent]").check()
        panel.locator("[data-start] button").dblclick()
        form = panel.frame_locator("[data-vault]")
        form.locator("#card_number").fill("4242 4242 4242 4242")
        form.locator("#expiry").fill("12/40")
        form.locator("#cvv").fill("737")
        form.locator("form button.wide").dblclick()
        page.wait_for_url("**/welcome*")

        assert house.mail(email, "WS-")
        assert len(house.charges()) == before + 1

    def test_after_going_back_and_forth(self, house, somebody, email):
        person = somebody()
        page = person.page
        before = len(house.charges())
        page.goto(f"{house.weokto}/checkout/{MONTHLY}")
        begin(page.locator("[data-checkout]"), email)
        type_card(page.locator("[data-checkout]"))
        page.wait_for_url("**/welcome*")

        page.go_back()
        person.expects(409)
        begin(page.locator("[data-checkout]"), email)
        expect(page.locator("[data-manage]")).to_be_visible()
        page.go_forward()

        assert house.mail(email, "WS-")
        assert len(house.charges()) == before + 1

    def test_after_reloads_on_the_way(self, house, somebody, email):
        """Without scripts each step has its address, and any of them may be reloaded."""
        page = somebody(java_script_enabled=False).page
        before = len(house.charges())
        page.goto(f"{house.weokto}/checkout/{MONTHLY}")
        panel = page.locator("[data-checkout]")
        begin(panel, email)
        form = panel.frame_locator("[data-vault]")
        expect(form.locator("#card_number")).to_be_visible()  # the step that is reloaded has come
        page.reload()
        type_card(panel)
        expect(form.locator("[data-token]")).to_be_visible()
        page.reload()
        look_again(page)
        page.wait_for_url("**/welcome*")

        assert house.mail(email, "WS-")
        assert len(house.charges()) == before + 1

    def test_when_the_browser_is_closed_right_after_paying(self, house, somebody, email):
        person = somebody()
        before = len(house.charges())
        panel = open_modal(person.page, house.weokto, MONTHLY)
        begin(panel, email)
        with person.page.expect_response(_took_the_card):
            type_card(panel)
        person.context.close()

        assert house.mail(email, "WS-")
        assert len(house.charges()) == before + 1
