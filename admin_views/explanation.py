"""A commission in words: the inputs its computation kept, told as sentences."""

from flask_babel import gettext

from admin_views.formats import euros, moment
from admin_views.words import status_words
from models.affiliation import Commission, LockProfile, RateType
from models.money import rate_text


def explained(commission: Commission) -> list[str]:
    """Base, rate, parts and dates, a sentence each, then whatever else was noted."""
    notes = dict(commission.explanation or {})
    lines = [_base(commission), _rate(commission), *_parts(commission, notes)]
    if notes.pop("from_free_product", False):
        lines.append(gettext("The client came to a free product first, by this affiliate's link."))
    if commission.clawed_back_amount:
        lines.append(gettext("Taken back so far: %(a)s.", a=euros(commission.clawed_back_amount)))
    known = {"base", "base_amount", "rate", "rate_type", "profile", "lock_profile", "age_days"}
    rest = {k: v for k, v in notes.items() if k not in known and not isinstance(v, dict | list)}
    if rest:
        told = ", ".join(f"{key} = {value}" for key, value in rest.items())
        lines.append(gettext("Noted at the time: %(told)s.", told=told))
    return lines


def _base(commission: Commission) -> str:
    return gettext(
        "The invoice comes to %(base)s without tax: that is the base.",
        base=euros(commission.base_amount),
    )


def _rate(commission: Commission) -> str:
    if commission.rate_type is RateType.FIXED:
        return gettext(
            "The program pays a fixed amount, so the commission is %(total)s.",
            total=euros(commission.total_amount),
        )
    return gettext(
        "The rate is %(rate)s %%, rounded half-up to the cent: %(total)s.",
        rate=rate_text(commission.rate_applied),
        total=euros(commission.total_amount),
    )


def _parts(commission: Commission, notes: dict[str, object]) -> list[str]:
    profile = notes.get("profile") or notes.get("lock_profile")
    lines = []
    if profile:
        words = status_words(LockProfile, profile)[0]
        lines.append(gettext("The affiliate was counted as “%(profile)s”.", profile=words))
    lines.append(
        gettext(
            "The main part, %(amount)s, waits %(days)s days and unlocks on %(at)s.",
            amount=euros(commission.main_amount),
            days=commission.main_lock_days,
            at=moment(commission.locked_until),
        )
    )
    lines.append(
        gettext(
            "The extended part, %(amount)s, waits %(days)s days and unlocks on %(at)s.",
            amount=euros(commission.extended_amount),
            days=commission.extended_lock_days,
            at=moment(commission.extended_locked_until),
        )
    )
    return lines
