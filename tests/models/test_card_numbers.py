"""What counts as a card number, and what must not."""

import time

import pytest

from models.card_numbers import has_card_number, is_card_number, without_card_numbers


class TestHasCardNumber:
    @pytest.mark.parametrize(
        "text",
        [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4242.4242.4242.4242",
            "4242\u00a04242\u00a04242\u00a04242",
            "my card is 4000000000009995, thanks",
            "5555 5555 5555 4444 12/30 123",
            "ref 12 5555 5555 5555 4444",
            "378282246310005",
            "4222222222222",
            "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
            "card:4242424242424242;",
            "4242_4242_4242_4242",
            "bob4242424242424242@example.org",
            "card4242 4242 4242 4242x",
            "4242424242424242fin",
            "a4242424242424242",
            "0192f0c4-7c3e-7000-8000-000000000000 4242424242424242",
            "4242  4242  4242  4242",
            "4242\r\n4242\r\n4242\r\n4242",
            "4242+4242+4242+4242",
            "https://shop.example/?c=4242%204242%204242%204242&x=1",
            "https://shop.example/?c=4242%2d4242%2D4242%2d4242",
            "4242%C2%A04242%C2%A04242%C2%A04242",
            "4242 - 4242 - 4242 - 4242",
            "4242\u20114242\u20114242\u20114242",
            "4242\u22124242\u22124242\u22124242",
            "4242\u200b4242\u200b4242\u200b4242",
            "\uff14\uff12\uff14\uff12\uff0d" * 3 + "\uff14\uff12\uff14\uff12",
        ],
    )
    def test_finds_one_however_it_is_written(self, text: str) -> None:
        assert has_card_number(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "06 12 34 56 78",
            "+33 6 12 34 56 78",
            "4242424242424241",
            "the year 2026, 30 days, 4900 cents",
            "FR76 3000 6000 0112 3456 7890 189",
            "0192f0c4-4242-7242-8242-424242424242",
            "/settings/sessions/0192f0c4-4242-7242-8242-424242424242/end",
            "sha256:4242424242424242a4242424242424242",
            "²²²²²²²²²²²²²²²²",
            "from 05/01/2026 - 04/02/2026",
            "15.00, 20.00, 30.00, 42.00",
        ],
    )
    def test_leaves_other_text_alone(self, text: str) -> None:
        assert not has_card_number(text)

    def test_takes_it_out_whole(self) -> None:
        address = "https://shop.example/?c=4242%204242%204242%204242&x=1"
        assert without_card_numbers(address) == "https://shop.example/?c=[card number]&x=1"

    def test_a_long_text_of_digits_takes_no_longer_than_others(self) -> None:
        began = time.process_time()
        for text in ("1 " * 25_000, "1%20" * 12_500, "1 - " * 12_500, "1   " * 12_500):
            has_card_number(text)
        assert time.process_time() - began < 2

    def test_an_iban_with_wrong_digits_gets_no_mercy(self) -> None:
        assert has_card_number("FR00 4242424242424242")


class TestIsCardNumber:
    @pytest.mark.parametrize(("digits", "expected"), [("42" * 8, True), ("42" * 6, False)])
    def test_goes_by_length_and_check_digit(self, digits: str, expected: bool) -> None:
        assert is_card_number(digits) is expected
