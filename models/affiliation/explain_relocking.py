"""Which dates a commission had before a risk level lengthened them, as facts for people."""

from datetime import datetime

from models.affiliation.commission import Commission
from models.affiliation.fact import Fact, Value, Word
from models.affiliation.profile import RiskLevel
from models.errors import N_

LEVEL_WORDS = {
    RiskLevel.NORMAL: N_("Normal"),
    RiskLevel.AT_RISK: N_("At risk"),
    RiskLevel.HIGH_RISK: N_("High risk"),
    RiskLevel.EXTREME_RISK: N_("Extreme risk"),
}
RELOCKED = {
    ("main", "extended"): N_(
        "On %(at)s both parts were locked for longer, under the risk level “%(level)s”: until then "
        "the main part was to unlock on %(main)s, the extended part on %(extended)s."
    ),
    ("main",): N_(
        "On %(at)s the main part was locked for longer, under the risk level “%(level)s”: until "
        "then it was to unlock on %(main)s."
    ),
    ("extended",): N_(
        "On %(at)s the extended part was locked for longer, under the risk level “%(level)s”: "
        "until then it was to unlock on %(extended)s."
    ),
}
"""What a locking anew did, by the parts whose dates it changed."""


def explain_relocking(commission: Commission) -> list[Fact]:
    """Each locking anew: when, under which level, and from which dates. What it led to is what
    the next one began from, or where the commission stands."""
    kept = (commission.explanation or {}).get("relocked") or ()
    former = [
        {
            "main": datetime.fromisoformat(each["locked_until"]),
            "extended": datetime.fromisoformat(each["extended_locked_until"]),
        }
        for each in kept
    ]
    now = {"main": commission.locked_until, "extended": commission.extended_locked_until}
    facts = []
    for each, before, after in zip(kept, former, [*former, now][1:], strict=True):
        changed = {part: day for part, day in before.items() if day != after[part]}
        if not changed:
            continue
        values: dict[str, Value] = {
            "at": datetime.fromisoformat(each["at"]),
            "level": Word(LEVEL_WORDS[RiskLevel(each["risk_level"])]),
        }
        facts.append(Fact("relocked", RELOCKED[tuple(changed)], values | changed))
    return facts
