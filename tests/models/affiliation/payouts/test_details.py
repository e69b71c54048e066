"""Where money goes: what counts as an account, and what is kept of it."""

import pytest
from sqlalchemy import text

from models.accounts.email import NotAnAddress
from models.affiliation import PayoutMethod
from models.affiliation.payouts.edit_payout_details import (
    BadHolder,
    BadIban,
    BadPayoutMethod,
    NotInSepa,
    edit_payout_details,
    in_bank_letters,
)
from models.oversight import SYSTEM, history_of

WIRE = PayoutMethod.WIRE
IBAN = "FR7630006000011234567890189"


@pytest.fixture
def edit(session, make, now):
    affiliate = make.affiliate()

    def edited(**values):
        given = {"method": WIRE, "holder": "Zoé Ampère", "iban": IBAN, **values}
        return edit_payout_details(session, affiliate.user_id, **given, actor=SYSTEM)

    return edited


class TestIban:
    @pytest.mark.parametrize(
        "typed",
        [
            IBAN,
            "fr76 3000 6000 0112 3456 7890 189",
            "FR76-3000-6000-0112-3456-7890-189",
            " FR76\t30006000011234567890189\n",
        ],
    )
    def test_is_kept_compact(self, edit, typed):
        assert edit(iban=typed).payout_iban == IBAN

    @pytest.mark.parametrize("typed", ["FR1420041010050500013M02606", "DE89370400440532013000"])
    def test_anywhere_in_the_zone(self, edit, typed):
        assert edit(iban=typed).payout_iban_last4 == typed[-4:]

    @pytest.mark.parametrize(
        ("typed", "refusal"),
        [
            ("", BadIban),
            ("FR7630006000011234567890188", BadIban),
            ("FR76300060000112345678901", BadIban),
            ("FR76é", BadIban),
            ("'; DROP TABLE users; --", BadIban),
            ("9" * 100_000, BadIban),
            ("\x00", BadIban),
            ("BR1800360305000010009795493C1", NotInSepa),
        ],
        ids=["none", "digit", "short", "accent", "sql", "long", "nul", "brazil"],
    )
    def test_not_anything_else(self, edit, typed, refusal):
        with pytest.raises(refusal):
            edit(iban=typed)

    def test_is_encrypted_and_only_its_end_is_told(self, session, edit):
        profile = edit()

        kept = session.execute(
            text(
                "SELECT payout_iban, payout_iban_last4 FROM affiliate_profiles WHERE user_id = :id"
            ),
            {"id": profile.user_id},
        ).one()
        assert IBAN not in kept.payout_iban
        assert kept.payout_iban_last4 == "0189"
        told = [e.after for e in history_of(session, "affiliate_profiles", str(profile.user_id))]
        assert IBAN not in str(told)

    def test_an_empty_one_keeps_what_is_there(self, edit):
        edit()

        profile = edit(iban="", holder="Zoé Ampère-Watt")

        assert (profile.payout_iban, profile.payout_holder) == (IBAN, "Zoé Ampère-Watt")

    def test_the_same_again_changes_nothing(self, session, edit):
        edit()
        profile = edit()

        told = history_of(session, "affiliate_profiles", str(profile.user_id))
        assert len([e for e in told if e.action.endswith("details_edited")]) == 1


class TestHolder:
    @pytest.mark.parametrize("name", ["", " ", "é", "!!!!", "🎉🎉🎉", "x" * 71, "12"])
    def test_is_a_name_that_a_bank_can_read(self, edit, name):
        with pytest.raises(BadHolder):
            edit(holder=name)

    def test_loses_its_spaces_around(self, edit):
        assert edit(holder="  Zoé   Ampère ").payout_holder == "Zoé Ampère"

    @pytest.mark.parametrize(
        ("typed", "written"),
        [
            ("Zoé Ampère", "Zoe Ampere"),
            ("Łukasz Żółć", "Lukasz Zolc"),
            ("O'Neil & Söhne", "O'Neil Sohne"),
            ("<script>alert(1)</script>", "script alert(1) /script"),
            ("Иван Петров", "Ivan Petrov"),
        ],
    )
    def test_is_written_in_the_banks_letters(self, typed, written):
        assert in_bank_letters(typed) == written


class TestOtherWays:
    def test_paypal_takes_an_address(self, edit):
        profile = edit(method=PayoutMethod.PAYPAL, paypal=" zoe@example.org ")

        assert (profile.payout_method, profile.payout_paypal) == ("paypal", "zoe@example.org")

    def test_paypal_takes_nothing_else(self, edit):
        with pytest.raises(NotAnAddress):
            edit(method=PayoutMethod.PAYPAL, paypal="zoe")

    @pytest.mark.parametrize("method", [PayoutMethod.STRIPE, PayoutMethod.MANUAL])
    def test_the_owners_ways_are_not_the_affiliates(self, edit, method):
        with pytest.raises(BadPayoutMethod):
            edit(method=method)
