"""Texts that the law asks for: ours from the catalogues, or the owner's from the settings."""

from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _

from models.settings import current_settings


def install(app: Flask) -> None:
    """Give templates the labels that the law asks for, and the days of the withdrawal."""
    app.jinja_env.globals.update(
        withdraw_words=withdraw_words,
        confirm_withdrawal_words=confirm_withdrawal_words,
        cancel_words=cancel_words,
        price_note=price_note,
        withdrawal_days=lambda: current_settings().withdrawal_right_days,
    )


def own_words(name: str, ours: str) -> str:
    """The owner's text under a setting's name in the language of the answer, else ours."""
    language = "en" if str(get_locale() or "fr").startswith("en") else "fr"
    return str(getattr(current_settings(), f"{name}_{language}")) or ours


def price_note() -> str:
    """What stands under prices: whether they hold VAT, and the days of the withdrawal."""
    settings = current_settings()
    days = settings.withdrawal_right_days
    if settings.vat_rate:
        return _("Prices include VAT. You have %(days)s days to change your mind.", days=days)
    return _("No VAT is charged. You have %(days)s days to change your mind.", days=days)


def vat_mention() -> str:
    """The company's VAT number, or that it charges none; empty where neither is known."""
    settings = current_settings()
    if not settings.vat_rate:
        return _("VAT not applicable, article 293 B of the French tax code")
    number = settings.company_vat_number
    return _("VAT number: %(number)s", number=number) if number else ""


def withdraw_words() -> str:
    """The label of the function that withdraws from a contract."""
    return own_words("withdraw_text", _("withdraw from the contract here"))


def confirm_withdrawal_words() -> str:
    """The label of the button that sends the withdrawal."""
    return own_words("confirm_withdrawal_text", _("confirm withdrawal"))


def cancel_words() -> str:
    """The label of the function that ends a contract without signing in."""
    return own_words("cancel_text", _("Cancel your contract"))
