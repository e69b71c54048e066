"""What each event of a scenario does: the call that a page, a console or a person would make."""

import json
from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.simulation.scenario import Buy, Click, SetLockRules, SetRisk, Suspend
from jobs.simulation.setting_up import OWNER
from models import clock
from models.accounts import Platform, user_by_email
from models.accounts.suspend_user import reactivate_user, suspend_user
from models.affiliation import affiliate_by_slug
from models.affiliation.change_risk import change_risk
from models.affiliation.edit_lock_rules import LockRow, edit_lock_rules
from models.affiliation.record_click import Visit, record_click
from models.billing.begin_checkout import begin_checkout
from models.billing.complete_checkout import record_charge
from models.billing.hear_psp import attempt_named
from models.billing.hear_vault import hear_vault
from models.billing.in_process import InProcessProvider, UnknownTestCard
from models.billing.start_checkout import CheckoutAsked
from models.errors import N_, BadInput, Missing
from models.oversight import NOBODY
from models.session import unit_of_work

CONSENT = "Simulated consent to immediate access."
EVERYONES_BROWSER = "Mozilla/5.0 (simulation)"


class NotATestCard(BadInput):
    code = "not_a_test_card"
    message = N_("Only the published test cards can be used here.")


class Acts:
    """The people of one simulation: their cookies, their cards, and the bank's page.

    ``work`` performs what an act deferred, which is when a charge is made.
    """

    def __init__(self, provider: InProcessProvider, *, work: Callable[[], None]) -> None:
        self._provider = provider
        self._work = work
        self._cookies: dict[str, str] = {}

    @singledispatchmethod
    def play(self, event: Any) -> None:
        """Do what an event says. Raises DomainError where the business refuses."""
        raise TypeError(f"no act for {type(event).__name__}")

    @play.register
    def _(self, event: Click) -> None:
        with unit_of_work() as session:
            click = record_click(
                session,
                Visit(
                    slug=event.ref,
                    platform=Platform.STAM,
                    visitor_key=event.visitor,
                    product_slug=event.product,
                    utm=event.utm,
                    user_agent=EVERYONES_BROWSER,
                ),
                now=clock.now(),
            )
        if click is not None:
            self._cookies[event.visitor] = click.click_id

    @play.register
    def _(self, event: Buy) -> None:
        begun = begin_checkout(
            CheckoutAsked(
                button_key=event.button,
                email=event.email,
                consent_text=CONSENT,
                click_id=self._cookies.get(event.visitor or ""),
            ),
            actor=NOBODY,
        )
        if begun.form is None:
            return
        self._type_card(begun.form.capture_id, event.card)
        self._work()
        self._pass_by_the_bank()

    def _type_card(self, form_id: str, number: str) -> None:
        """Type a card into the vault's form, and let the vault tell us as it does over HTTP."""
        request = self._provider.captures[form_id]
        try:
            card = self._provider.enter_card(number, reference=request.reference)
        except UnknownTestCard:
            raise NotATestCard from None
        shown = {
            "last_four": card.last4,
            "card_type": card.brand,
            "expiry": f"{card.exp_month:02}/{card.exp_year % 100:02}",
        }
        word = {
            "metadata": {"checkout_id": request.checkout_id, "try_no": str(request.try_no)},
            "token_info": {
                "token": card.token,
                "reference": card.reference,
                "safe_data": json.dumps(shown),
            },
        }
        hear_vault(json.dumps(word).encode(), request.webhook_secret)

    def _pass_by_the_bank(self) -> None:
        """Authorise at the bank's page whatever the bank asks about."""
        for asked in self._provider.at_the_bank():
            with unit_of_work() as session:
                attempt = attempt_named(session, asked)
            if attempt is not None:
                record_charge(
                    attempt.id,
                    self._provider.answer_bank(str(asked.payment_id), authorised=True),
                )

    @play.register
    def _(self, event: SetRisk) -> None:
        with unit_of_work() as session:
            change_risk(
                session,
                _affiliate(session, event.affiliate),
                to=event.level,
                note=event.note,
                actor=OWNER,
            )

    @play.register
    def _(self, event: Suspend) -> None:
        with unit_of_work() as session:
            for user_id in _people(session, event):
                if event.do == "suspend":
                    suspend_user(session, user_id, reason="scenario", actor=OWNER, now=clock.now())
                else:
                    reactivate_user(
                        session, user_id, reason="scenario", actor=OWNER, now=clock.now()
                    )

    @play.register
    def _(self, event: SetLockRules) -> None:
        """Rows that are not named stay as they are."""
        rows = [LockRow(**row.model_dump()) for row in event.rows]
        with unit_of_work() as session:
            edit_lock_rules(session, rows, actor=OWNER, now=clock.now(), note="scenario")


def _affiliate(session: Session, slug: str) -> UUID:
    profile = affiliate_by_slug(session, slug)
    if profile is None:
        raise Missing
    return profile.user_id


def _people(session: Session, event: Suspend) -> list[UUID]:
    """An affiliate by slug, or everyone with an address, on either platform."""
    if event.affiliate:
        return [_affiliate(session, event.affiliate)]
    found = (user_by_email(session, platform, event.email or "") for platform in Platform)
    keys = [user.id for user in found if user is not None]
    if not keys:
        raise Missing
    return keys
