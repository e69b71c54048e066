"""Acts: shown before they are done, done as shown, refused in words, one row at a time."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from admin_views import bulk
from models import clock
from models.accounts import Platform, SecondFactor, User, UserSession, UserType
from models.accounts.open_session import open_session
from models.affiliation import (
    AffiliateProfile,
    LockProfile,
    LockRuleVersion,
    RiskLevel,
    RiskLevelChange,
    rules_in_force,
)
from models.catalog import Plan, Product
from models.oversight import SYSTEM, AuditEvent, JobRun, MailStatus, OutgoingMail
from models.oversight.run_job import end_run
from models.session import unit_of_work
from tests.admin_views.conftest import purchase
from tests.factories import Make

FINGERPRINT = re.compile(r'name="fingerprint" value="([^"]+)"')


def open_for(make, user):
    open_session(make.session, user, user_agent="", remember=True, actor=SYSTEM, now=clock.now())
    return user


def factor_of(user_id):
    return SecondFactor(user_id=user_id, secret="A" * 32, confirmed_at=clock.now())


class TestPreview:
    def test_lists_the_effects_and_takes_them_back(self, owner, console, keep, read):
        user = keep(lambda make: open_for(make, make.user()))
        address = f"{console}/users/act/suspend/?id={user.id}"
        page = owner.post(address, {"reason": "spam"})
        assert FINGERPRINT.search(page.text)
        assert page.text.count("<tr>") >= 3
        assert not read(lambda s: s.get(User, user.id).is_suspended)
        assert not read(
            lambda s: s.scalar(select(AuditEvent).where(AuditEvent.subject_id == str(user.id)))
        )

    def test_confirming_does_what_was_shown(self, owner, console, keep, read):
        user = keep(lambda make: open_for(make, make.user()))
        address = f"{console}/users/act/suspend/?id={user.id}"
        mark = FINGERPRINT.search(owner.post(address, {"reason": "spam"}).text).group(1)
        answer = owner.post(address, {"reason": "spam", "fingerprint": mark})
        assert answer.status_code == 302
        assert read(lambda s: s.get(User, user.id).is_suspended)
        assert read(
            lambda s: s.scalar(select(UserSession.revoked_at).where(UserSession.user_id == user.id))
        )

    def test_is_shown_again_when_the_world_moved(self, owner, console, keep, read):
        user = keep(lambda make: make.user())
        address = f"{console}/users/act/suspend/?id={user.id}"
        mark = FINGERPRINT.search(owner.post(address, {"reason": "spam"}).text).group(1)
        keep(lambda make: open_for(make, make.session.get(User, user.id)))
        answer = owner.post(address, {"reason": "spam", "fingerprint": mark})
        assert answer.status_code == 409
        assert not read(lambda s: s.get(User, user.id).is_suspended)
        fresh = FINGERPRINT.search(answer.text).group(1)
        assert fresh != mark
        answer = owner.post(address, {"reason": "spam", "fingerprint": fresh})
        assert answer.status_code == 302

    def test_stopping_a_plan_says_how_many_subscriptions_run(self, owner, console, keep, read):
        plan = keep(lambda make: [p := make.plan(), purchase(make, plan=p)][0])
        address = f"{console}/plans/act/deactivate/?id={plan.id}"
        page = owner.get(address)
        assert re.search(r'class="note">1\b', page.text)
        mark = FINGERPRINT.search(page.text).group(1)
        assert owner.post(address, {"fingerprint": mark}).status_code == 302
        assert read(lambda s: s.get(Plan, plan.id).is_active) is False

    @pytest.mark.parametrize("kind", ["products", "communities"])
    def test_stopping_a_product_or_community_says_the_same(self, owner, console, keep, read, kind):
        def build(make):
            plan = make.plan()
            purchase(make, plan=plan)
            purchase(make, plan=make.plan(product=plan.product))
            purchase(make)
            return {"products": plan.product, "communities": plan.product.community}[kind]

        row = keep(build)
        for act, is_on in (("deactivate", False), ("activate", True)):
            assert f"/act/{act}/" in owner.get(f"{console}/{kind}/details/?id={row.id}").text
            address = f"{console}/{kind}/act/{act}/?id={row.id}"
            page = owner.get(address).text
            assert is_on or re.search(r'class="note">2\b', page)
            mark = FINGERPRINT.search(page).group(1)
            assert owner.post(address, {"fingerprint": mark}).status_code == 302
            assert read(lambda s: s.get(type(row), row.id).is_active) is is_on

    @pytest.mark.parametrize("kind", ["plans", "products", "communities"])
    def test_a_form_does_not_stop_sales_in_silence(self, owner, console, kind):
        assert 'name="is_active"' not in owner.get(f"{console}/{kind}/new/").text


class TestRefusals:
    def test_without_a_reason_nothing_is_done(self, owner, console, keep, read):
        user = keep(lambda make: make.user())
        answer = owner.post(f"{console}/users/act/suspend/?id={user.id}", {"reason": ""})
        assert answer.status_code == 422
        assert not read(lambda s: s.get(User, user.id).is_suspended)

    def test_without_the_token_nothing_is_done(self, owner, console, keep, read):
        user = keep(lambda make: make.user())
        answer = owner.browser.post(
            f"{console}/users/act/suspend/?id={user.id}",
            data={"reason": "spam", "fingerprint": "x"},
            base_url="http://weokto.localhost",
        )
        assert answer.status_code == 400
        assert not read(lambda s: s.get(User, user.id).is_suspended)

    def test_nobody_suspends_themselves(self, owner, console):
        address = f"{console}/users/act/suspend/?id={owner.user_id}"
        answer = owner.post(address, {"reason": "tired"})
        assert "fingerprint" not in answer.text
        assert 'role="alert"' in answer.text

    def test_an_admin_cannot_reach_an_owner(self, staff, owner, read):
        admin = staff(UserType.ADMIN)
        for act in ("suspend", "end-sessions"):
            answer = admin.post(
                f"/admin/users/act/{act}/?id={owner.user_id}",
                {"reason": "mutiny", "fingerprint": "x"},
            )
            assert answer.status_code == 404
        assert not read(lambda s: s.get(User, owner.user_id).is_suspended)

    def test_a_role_without_its_profile_is_told(self, owner, console, keep, read):
        user = keep(lambda make: make.user(platform=Platform.WEOKTO))
        page = owner.post(
            f"{console}/users/act/change-role/?id={user.id}",
            {"user_type": "AFFILIATE", "reason": "asked"},
        )
        assert "fingerprint" not in page.text
        assert "n’a pas de profil d’affilié" in page.text
        assert read(lambda s: s.get(User, user.id).user_type) is UserType.CLIENT

    def test_a_role_changes_only_after_a_fresh_second_factor(self, owner, console, keep, read):
        user = keep(lambda make: make.staff(UserType.ADMIN))
        address = f"{console}/users/act/change-role/?id={user.id}"
        fields = {"user_type": "PRODUCT_MANAGER", "reason": "moves on"}
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)
        clock.move_to(clock.now() + timedelta(minutes=11))
        answer = owner.post(address, {**fields, "fingerprint": mark})
        assert answer.location.startswith("/second-factor")
        assert read(lambda s: s.get(User, user.id).user_type) is UserType.ADMIN


def shown_rows(page):
    """What the page of a bulk act sends back: its rows and their fingerprints."""
    keys = re.findall(r'name="rowid" value="([^"]+)"', page)
    return {"rowid": keys, "fingerprint": FINGERPRINT.findall(page)}


class TestBulk:
    def test_one_refusal_does_not_undo_the_others(self, owner, console, keep, read):
        users = keep(lambda make: [make.user(), make.user()])
        keys = [str(user.id) for user in users] + [str(owner.user_id)]
        asked = owner.post(f"{console}/users/action/", {"action": "suspend", "rowid": keys})
        assert asked.text.count('name="rowid"') == 3
        fields = {"action": "suspend", "confirmed": "1", "reason": "spam"}
        shown = owner.post(f"{console}/users/action/", {**fields, "rowid": keys}).text
        assert shown.count('name="rowid"') == 2
        assert shown.count('role="alert"') == 1
        keep(lambda make: open_for(make, make.session.get(User, users[0].id)))
        answer = owner.post(f"{console}/users/action/", {**fields, **shown_rows(shown)})
        assert answer.status_code == 302
        assert read(lambda s: s.scalars(select(User.id).where(User.is_suspended)).all()) == [
            users[1].id
        ]
        page = owner.get(f"{console}/users/").text
        assert "flash success" in page
        assert "flash error" in page

    def test_all_rows_of_the_filter(self, owner, console, keep, read):
        keep(lambda make: [make.user(f"spam-{n}@example.org") for n in range(60)])
        fields = {"action": "suspend", "confirmed": "1", "reason": "spam"}
        address = f"{console}/users/action/?search=spam-"
        shown = owner.post(address, {**fields, "all": "1"}).text
        assert read(lambda s: s.scalar(select(func.count()).where(User.is_suspended))) == 0
        owner.post(address, {**fields, **shown_rows(shown)})
        assert read(lambda s: s.scalar(select(func.count()).where(User.is_suspended))) == 60

    def test_a_filter_of_too_many_rows_says_where_it_stops(self, owner, console, keep, monkeypatch):
        monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
        keep(lambda make: [make.user(display_name="Same Name") for _ in range(3)])
        address = f"{console}/users/action/?search=Same+Name"
        page = owner.post(address, {"action": "suspend", "all": "1"}).text
        assert page.count('name="rowid"') == 2
        assert "first 2" in page or "2 premières" in page

    def test_nothing_ticked_is_told(self, owner, console):
        answer = owner.post(f"{console}/users/action/", {"action": "suspend"})
        assert answer.status_code == 302


class TestRisk:
    def test_needs_a_note_and_keeps_it(self, owner, console, keep, read):
        affiliate = keep(lambda make: make.affiliate())
        address = f"{console}/affiliates/act/change-risk/?id={affiliate.user_id}"
        assert "120" in owner.get(address).text  # what HIGH_RISK would mean
        fields = {"to": "HIGH_RISK", "pin": "pin", "note": "refunds"}
        assert owner.post(address, {**fields, "note": ""}).status_code == 422
        mark = FINGERPRINT.search(owner.post(address, fields).text).group(1)
        assert owner.post(address, {**fields, "fingerprint": mark}).status_code == 302
        profile = read(lambda s: s.get(AffiliateProfile, affiliate.user_id))
        assert (profile.risk_level, profile.risk_pinned) == (RiskLevel.HIGH_RISK, True)
        assert read(lambda s: s.scalar(select(RiskLevelChange.note))) == "refunds"


class TestLockRules:
    def grid(self, page):
        cells = re.findall(r'<input name="([A-Z_]+-[a-z_]+)" value="([^"]*)"', page)
        return dict([*cells, *re.findall(r'name="(opened)" value="(\d+)"', page)])

    def test_an_edit_is_a_new_version(self, owner, console, read):
        address = f"{console}/lock-rules/new-version/"
        grid = self.grid(owner.get(address).text)
        assert len(grid) == 28 + 1
        assert grid["opened"] == "1"
        grid |= {"NEW-main_percent": "82,5", "NEW-extended_percent": "17,5", "note": "kinder"}
        assert owner.post(address, grid).status_code == 302
        assert read(lambda s: s.scalar(select(func.max(LockRuleVersion.version)))) == 2

    def test_parts_that_do_not_add_up_are_refused(self, owner, console, read):
        address = f"{console}/lock-rules/new-version/"
        grid = self.grid(owner.get(address).text)
        for wrong in ({"NEW-main_percent": "99"}, {"NEW-main_days": "x"}, {"NEW-main_days": ""}):
            assert owner.post(address, grid | wrong).status_code == 422
        assert read(lambda s: s.scalar(select(func.max(LockRuleVersion.version)))) == 1

    def test_an_edit_over_somebody_elses_is_told_and_done_only_when_put_again(
        self, owner, console, read
    ):
        def in_force():
            rules = read(lambda s: rules_in_force(s, clock.now()))
            return {rule.profile: (rule.main_days, rule.extended_days) for rule in rules}

        address = f"{console}/lock-rules/new-version/"
        opened = self.grid(owner.get(address).text)
        before = in_force()
        assert owner.post(address, {**opened, "NEW-extended_days": "400"}).status_code == 302

        mine = {**opened, "TRUSTED-extended_days": "300"}
        told = owner.post(address, mine)
        drafted = owner.post(address, {**mine, "imagine": "1"}).text

        assert told.status_code == 422
        assert "400 jours" in told.text
        assert "la version 2 est en vigueur" in told.text
        assert self.grid(drafted)["opened"] == "1"
        assert self.grid(told.text) == {**mine, "opened": "2"}
        assert in_force()[LockProfile.TRUSTED] == before[LockProfile.TRUSTED]
        for known in ({}, {"opened": "x"}):
            unsaid = {name: value for name, value in mine.items() if name != "opened"}
            assert owner.post(address, {**unsaid, **known}).status_code == 422

        assert owner.post(address, self.grid(told.text)).status_code == 302
        assert in_force()[LockProfile.TRUSTED][1] == 300
        assert in_force()[LockProfile.NEW] == before[LockProfile.NEW]

    def test_the_same_edit_twice_is_one_version(self, owner, console, read):
        address = f"{console}/lock-rules/new-version/"
        grid = {**self.grid(owner.get(address).text), "NEW-extended_days": "400"}

        assert [owner.post(address, grid).status_code for _ in range(2)] == [302, 302]
        assert read(lambda s: s.scalar(select(func.max(LockRuleVersion.version)))) == 2


class TestOthers:
    def test_a_mail_is_sent_again(self, owner, console, keep, read):
        mail = keep(
            lambda make: make.add(
                OutgoingMail(
                    idempotency_key="m",
                    kind="receipt",
                    platform="STAM",
                    to_email="a@b.fr",
                    status=MailStatus.FAILED,
                )
            )
        )
        address = f"{console}/mails/act/resend/?id={mail.id}"
        page = owner.get(address)
        assert read(lambda s: s.get(OutgoingMail, mail.id).status) is MailStatus.FAILED
        shown = {"fingerprint": FINGERPRINT.search(page.text).group(1)}
        assert owner.post(address, shown).status_code == 302
        assert read(lambda s: s.get(OutgoingMail, mail.id).status) is MailStatus.QUEUED

    def test_a_job_is_asked_for(self, owner, console, read):
        answer = owner.post(f"{console}/jobs/run/", {"name": "oversight-sweep"})
        assert answer.status_code == 302
        run = read(lambda s: s.scalar(select(JobRun)))
        assert (run.name, run.trigger) == ("oversight-sweep", "manual")

    def test_a_run_asked_for_shows_its_outcome(self, owner, console, read):
        answer = owner.post(f"{console}/jobs/run/", {"name": "affiliation-mature", "dry_run": "1"})
        page = owner.get(answer.headers["Location"]).text
        assert "data-again" in page
        run_id = read(lambda s: s.scalar(select(JobRun.id)))
        with unit_of_work() as session:
            end_run(session, run_id, actor=SYSTEM, now=clock.now(), counts={"locked": 7})
        page = owner.get(answer.headers["Location"]).text
        assert "data-again" not in page
        assert "<b>7</b>" in page

    def test_an_administrator_sees_what_a_run_counted_but_no_amount(self, owner, console, staff):
        clients = [{"customer_id": "01900000-0000-7000-8000-000000000001", "amount": 2900}]
        with unit_of_work() as session:
            counts = {"due": 1, "amount": 2900, "would_charge": clients}
            run = Make(session).add(
                JobRun(name="billing-renew-due", due_at=clock.now(), dry_run=True, counts=counts)
            )
        admin = staff(UserType.ADMIN)
        for path in ("jobs/", f"runs/details/?id={run.id}"):
            assert "29,00" in owner.get(f"{console}/{path}").text
            page = admin.get(f"/admin/{path}").text
            assert "29,00" not in page
            assert "2900" not in page

    def test_an_unknown_job_is_refused_in_words(self, owner, console, read):
        owner.post(f"{console}/jobs/run/", {"name": "none"})
        assert "flash error" in owner.get(f"{console}/jobs/").text
        assert read(lambda s: s.scalar(select(JobRun))) is None

    def test_a_button_page_has_its_snippets_and_flags(self, owner, console, keep):
        from models.catalog import ButtonSighting

        def build(make):
            button = make.button("my-button")
            make.add(
                ButtonSighting(
                    button_id=button.id,
                    page_url="https://elsewhere.example/",
                    price_shown=100,
                    loses_ref=True,
                    last_seen_on=clock.today() - timedelta(days=31),
                )
            )
            return button

        button = keep(build)
        page = owner.get(f"{console}/buttons/details/?id={button.id}").text
        assert "payment_button(&#34;my-button&#34;)" in page
        assert "data-payment-button=&#34;my-button&#34;" in page
        assert page.count('badge bad"') == 3

    def test_a_button_page_lists_first_what_is_wrong(self, owner, console, keep):
        from models.catalog import ButtonSighting

        def build(make):
            button = make.button("my-button", plan=make.plan(price_amount=4900))
            today, told = clock.today(), {"button_id": button.id, "price_shown": 100}
            for number in range(60):
                page = f"https://fine.example/{number}"
                make.add(ButtonSighting(**told, page_url=page, price_follows=True))
            late = {"last_seen_on": today - timedelta(days=31)}
            make.add(ButtonSighting(**told, page_url="https://late.example/", **late))
            return button

        button = keep(build)
        page = owner.get(f"{console}/buttons/details/?id={button.id}").text
        assert page.index("https://late.example/") < page.index("https://fine.example/")
        assert page.count("https://fine.example/") == 60
        assert page.count('badge bad"') == 2, "too long ago, and another price written there"

    def test_a_button_page_shows_what_visitors_see(self, owner, console, keep):
        plan = {"price_amount": 4900, "trial_days": 7}
        button = keep(lambda make: make.button("my-button", plan=make.plan(**plan)))
        page = owner.get(f"{console}/buttons/details/?id={button.id}").text
        shown = page.partition("Tel que le voient les visiteurs")[2].partition("</section>")[0]
        assert "S’inscrire" in shown
        assert "49\xa0€ par mois" in shown
        assert "Gratuit pendant 7\xa0jours" in shown

    @pytest.mark.parametrize(
        ("build", "why"),
        [
            (lambda make: make.button(is_active=False), "Le bouton est désactivé."),
            (
                lambda make: make.button(plan=make.plan(is_active=False)),
                "Le plan n’est plus en vente.",
            ),
            (
                lambda make: make.button(plan=make.plan(product=make.product(is_active=False))),
                "Le produit n’est plus en vente.",
            ),
            (
                lambda make: make.button(plan=make.plan(product=make.product(is_published=False))),
                "Le produit n’est pas publié.",
            ),
            (
                lambda make: make.button(
                    plan=make.plan(product=make.product(community=make.community(is_active=False)))
                ),
                "La communauté est fermée.",
            ),
        ],
    )
    def test_a_button_page_names_what_is_off(self, owner, console, keep, build, why):
        button = keep(build)
        page = owner.get(f"{console}/buttons/details/?id={button.id}").text
        assert "Les visiteurs ne voient rien" in page
        assert why in page
        assert 'class="pay"' not in page

    def test_a_history_names_the_records_it_points_at(self, owner, console, keep, read):
        community = keep(lambda make: make.community(name="Home"))
        fields = {"community": str(community.id), "name": "Premium", "slug": "premium"}
        owner.post(f"{console}/products/new/", fields)
        product = read(lambda s: s.scalar(select(Product)))
        page = owner.get(f"{console}/products/details/?id={product.id}").text
        history = page.partition('id="history"')[2]
        assert f'communities/details/?id={community.id}">Home</a>' in history
        assert "→" not in history
        assert "–" not in history

    def test_a_commission_explains_itself(self, owner, console, keep, read):
        from models.affiliation import Commission

        keep(lambda make: purchase(make, affiliate=make.affiliate()))
        key = read(lambda s: s.scalar(select(Commission.id)))
        page = owner.get(f"{console}/commissions/details/?id={key}").text
        for figure in ("40,83", "30", "12,25", "9,80", "2,45"):
            assert figure in page
        for under_extreme_risk in ("7,35", "4,90"):
            assert under_extreme_risk in page


class TestSecondFactor:
    """The owner resets another's; nobody else may, and nobody their own."""

    @staticmethod
    def enrolled(make, user_type=UserType.ADMIN):
        user = open_for(make, make.staff(user_type))
        make.add(factor_of(user.id))
        return user

    def test_is_reset_as_shown(self, owner, console, keep, read):
        admin = keep(self.enrolled)
        address = f"{console}/users/act/reset-second-factor/?id={admin.id}"
        shown = owner.post(address, {"reason": "lost phone"}).text

        mark = FINGERPRINT.search(shown).group(1)
        answer = owner.post(address, {"reason": "lost phone", "fingerprint": mark})

        assert answer.status_code == 302
        assert "Double authentification réinitialisée" in shown
        assert read(lambda s: s.get(SecondFactor, admin.id)) is None
        assert read(
            lambda s: s.scalar(
                select(UserSession.revoked_at).where(UserSession.user_id == admin.id)
            )
        )

    def test_wants_a_fresh_second_factor(self, owner, console, keep):
        admin = keep(self.enrolled)
        clock.move_to(clock.now() + timedelta(minutes=11))

        answer = owner.get(f"{console}/users/act/reset-second-factor/?id={admin.id}")

        assert answer.location.startswith("/second-factor?")

    def test_is_offered_for_those_who_have_one(self, owner, console, keep):
        admin, other = keep(lambda make: (self.enrolled(make), make.staff(UserType.ADMIN)))

        pages = [
            owner.get(f"{console}/users/details/?id={each.id}").text for each in (admin, other)
        ]

        assert ["act/reset-second-factor/" in page for page in pages] == [True, False]

    def test_of_oneself_is_refused(self, owner, console, keep, read):
        keep(
            lambda make: make.add(
                SecondFactor(user_id=owner.user_id, secret="A" * 32, confirmed_at=clock.now())
            )
        )

        page = owner.post(
            f"{console}/users/act/reset-second-factor/?id={owner.user_id}", {"reason": "lost"}
        )

        assert 'role="alert"' in page.text
        assert read(lambda s: s.get(SecondFactor, owner.user_id)) is not None

    def test_is_not_an_administrators(self, staff, keep, read):
        admin, other = staff(UserType.ADMIN), keep(self.enrolled)

        details = admin.get(f"/admin/users/details/?id={other.id}").text
        answer = admin.post(
            f"/admin/users/act/reset-second-factor/?id={other.id}",
            {"reason": "mutiny", "fingerprint": "x"},
        )

        assert answer.status_code == 403
        assert "second-factor" not in details
        assert read(lambda s: s.get(SecondFactor, other.id)) is not None
