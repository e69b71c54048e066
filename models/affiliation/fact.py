"""Facts to tell people: English sentences of the catalogues with typed values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Cents:
    """An amount for a reader."""

    amount: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the catalogues, to be translated before it stands in a sentence."""

    text: str


Value = Cents | Word | datetime | Decimal | int | str


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence; ``kind`` is stable, for programs."""

    kind: str
    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
