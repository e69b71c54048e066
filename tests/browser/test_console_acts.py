"""What staff do in the console with their hands: make something new to sell, act, edit, copy."""

import re
import uuid

from playwright.sync_api import expect

from tests.browser.people import NARROW, buy, sideways


def choose(page, field, words):
    """Type into a field that points at a record and take what is suggested for it."""
    page.get_by_label(f"{field} *").press_sequentially(words)
    expect(page.locator(".options li")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


def fill(page, **fields):
    """Fill in text fields that must be."""
    for name, words in fields.items():
        page.get_by_label(f"{name} *", exact=True).fill(words)


def save(page):
    page.get_by_role("button", name="Enregistrer").click()
    page.wait_for_url("**/details/**")


class TestSomethingNewToSell:
    def test_a_product_a_plan_and_a_button_are_sold_at_once(self, house, owner, page, email):
        key = f"atelier-{uuid.uuid4().hex[:6]}"
        console = owner.page
        console.goto(f"{house.console}/products/new/")
        choose(console, "Communauté", "Club Boutique")
        fill(console, Nom=f"Atelier {key}", Slug=key)
        console.get_by_label("Publié").check()
        save(console)
        console.goto(f"{house.console}/plans/new/")
        choose(console, "Produit", key)
        fill(console, Nom="Une fois", Slug=key, Prix="12,50")
        save(console)
        console.goto(f"{house.console}/buttons/new/")
        choose(console, "Plan", key)
        fill(console, **{"Clé du bouton": key, "Nom": f"Atelier {key}"})
        save(console)
        expect(console.locator("main")).to_contain_text("12,50")

        buy(page, f"{house.stam}/p/{key}", key, email)
        assert "12,50" in house.mail(email, "WS-")["text"]

    def test_the_snippet_is_copied_as_it_stands(self, house, somebody, owner_signed_in):
        person = somebody(
            storage_state=owner_signed_in, permissions=["clipboard-read", "clipboard-write"]
        )
        page = person.page
        page.goto(f"{house.console}/buttons/?search=club-boutique-monthly")
        page.locator("tbody a[href*='/buttons/details/']").first.click()
        snippet = page.locator(".snippet", has_text="embed.js")

        snippet.get_by_role("button").click()
        expect(snippet.get_by_role("button")).to_have_text("Copié")

        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == snippet.locator("code").inner_text()
        assert f'{house.stam}/embed.js" data-payment-button="club-boutique-monthly"' in copied


class TestActs:
    def test_a_risk_level_changes_after_its_consequences_were_shown(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/affiliates/?search=theo-crypto")
        page.locator("tbody a[href*='/affiliates/details/']").first.click()
        page.get_by_role("link", name="Changer le niveau de risque").click()
        page.get_by_label("Niveau de risque *").select_option("AT_RISK")
        page.get_by_label("Note *").fill("Chiffres en progrès")
        page.get_by_role("button", name="Voir ce qui va se passer").click()
        expect(page.locator(".effects")).to_contain_text("À risque")
        page.get_by_role("button", name="Confirmer").click()

        expect(page.locator("main")).to_contain_text("Chiffres en progrès")

    def test_a_job_is_run_by_hand(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/jobs/")
        row = page.locator("tr", has_text="ledger-verify")
        row.get_by_role("button", name="Exécuter").click()
        page.wait_for_url("**/jobs/?run=*")

        asked = page.locator("section[role=status]")  # the page looks again by itself
        expect(asked).to_contain_text("Terminée")
        expect(row).to_contain_text("Terminée")

    def test_a_text_is_changed_in_its_list(self, house, owner, somebody):
        page = owner.page
        page.goto(f"{house.console}/buttons/?search=atelier-automatisation-once")
        cell = page.locator(".edit[data-name='cta_text']").first
        cell.click()
        page.locator(".edit-field input").fill("Je construis")
        page.keyboard.press("Enter")
        expect(page.locator(".edit", has_text="Je construis")).to_be_visible()
        page.reload()

        expect(page.locator("tbody")).to_contain_text("Je construis")

    def test_a_text_of_two_lines_stays_one(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/buttons/?search=atelier-automatisation-once")
        cell = page.locator(".edit[data-name='display_name']").first
        name = cell.get_attribute("data-value")
        cell.evaluate("cell => cell.dataset.long = ''")
        cell.click()
        field = page.locator(".edit-field textarea")
        field.fill(name)
        field.press("End")
        field.press("Enter")
        field.press_sequentially("Atelier")
        field.press("Control+Enter")
        expect(field).to_have_count(0)
        page.reload()

        expect(cell).to_have_attribute("data-value", f"{name}\nAtelier")
        cell.click()
        expect(field).to_have_value(f"{name}\nAtelier")
        field.fill(name)
        field.press("Control+Enter")
        expect(field).to_have_count(0)


class TestLists:
    def test_what_was_only_typed_is_no_filter(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/invoices/")
        page.locator(".filters summary").click()
        affiliate = page.get_by_label("Affilié")
        affiliate.press_sequentially("karim")
        page.locator(".apply button").click()
        assert "suggestions" in affiliate.evaluate("field => field.validationMessage")

        expect(page.locator(".options li")).to_have_count(1)
        affiliate.press("ArrowDown")
        affiliate.press("Enter")
        page.locator(".apply button").click()
        page.wait_for_url(re.compile(r"flt_affiliate=[0-9a-f-]{36}"))

    def test_a_late_answer_takes_nothing_away(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/invoices/")
        page.locator(".filters summary").click()
        affiliate = page.get_by_label("Affilié")
        held = []
        page.route(re.compile("query=$"), lambda route: held.append(route))
        affiliate.focus()
        with page.expect_event("requestfailed", lambda request: request.url.endswith("query=")):
            affiliate.press_sequentially("karim")
        [late] = held
        late.continue_()

        expect(page.locator(".options li")).to_have_count(1)
        affiliate.press("ArrowUp")
        affiliate.press("Enter")
        expect(page.locator(".options li")).to_have_count(0)
        affiliate.press("ArrowDown")
        expect(page.get_by_role("option", name="karim")).to_be_visible()
        affiliate.press("Escape")
        page.locator(".apply button").click()
        page.wait_for_url(re.compile(r"flt_affiliate=[0-9a-f-]{36}"))

    def test_one_box_ticks_the_page(self, house, owner):
        page = owner.page
        page.goto(f"{house.console}/users/")
        rows = page.locator("[name=rowid]")
        page.locator("[data-tick-all]").check()
        assert all(row.is_checked() for row in rows.all())
        rows.first.uncheck()
        expect(page.locator("[data-tick-all]")).not_to_be_checked()

    def test_the_lock_grid_fits_a_narrow_screen(self, house, somebody, owner_signed_in):
        page = somebody(viewport=NARROW, storage_state=owner_signed_in).page
        page.goto(f"{house.console}/lock-rules/new-version/")
        assert sideways(page) <= 0
