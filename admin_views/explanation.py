"""A commission in words: the inputs its computation kept, told as sentences."""

from flask_babel import gettext

from admin_views.formats import euros, moment
from admin_views.words import status_words
from models.affiliation import Commission, LockProfile, RateType
from models.money import rate_text


def explained(commission: Commission) -> list[str]:
    """Base, rate, parts and dates, a sentence each."""
    notes = dict(commission.explanation or {})
    lines = [_base(commission), _rate(commission), *_parts(commission, notes)]
    if notes.get("capped"):
        lines.append(gettext("It was capped: a commission never exceeds its base."))
    if notes.get("from_free_product"):
        lines.append(gettext("The client came to a free product first, by this affiliate's link."))
    if commission.clawed_back_amount:
        lines.append(gettext("Taken back so far: %(a)s.", a=euros(commission.clawed_back_amount)))
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
    source = {
        "plan": gettext("The plan's own rate"),
        "program": gettext("The program's rate"),
    }.get(str((commission.explanation or {}).get("rate_source")), gettext("The rate"))
    return gettext(
        "%(source)s is %(rate)s %%, rounded half-up to the cent: %(total)s.",
        source=source,
        rate=rate_text(commission.rate_applied),
        total=euros(commission.total_amount),
    )


def _parts(commission: Commission, notes: dict[str, object]) -> list[str]:
    profile = notes.get("lock_profile")
    lines = []
    if profile:
        lines.append(
            gettext(
                "The affiliate counted as “%(profile)s” (%(age)s days since their first "
                "commission), by version %(version)s of the lock rules.",
                profile=status_words(LockProfile, profile)[0],
                age=notes.get("age_days"),
                version=notes.get("lock_rule_version"),
            )
        )
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
