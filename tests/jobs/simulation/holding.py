"""Whether a result contains what is expected of it."""

from typing import Any


def missing(expected: Any, result: Any, place: str = "result") -> str | None:
    """Where a result does not contain what is expected, in words; None where it does.

    An object's keys are all there with these values, a list is a subsequence, in order and
    item by item contained; an empty one means empty.
    """
    if isinstance(expected, dict) and isinstance(result, dict):
        for key, value in expected.items():
            if key not in result:
                return f"{place} has no {key}"
            if told := missing(value, result[key], f"{place}.{key}"):
                return told
        return None
    if isinstance(expected, list) and isinstance(result, list):
        return _missing_item(expected, result, place)
    return None if expected == result else f"{place} is {result!r}, not {expected!r}"


def _missing_item(expected: list[Any], result: list[Any], place: str) -> str | None:
    if not expected:
        return f"{place} is not empty: {result!r}" if result else None
    left = iter(result)
    for number, item in enumerate(expected):
        if all(missing(item, each) for each in left):
            return f"{place} has no further item like number {number}, {item!r}, in {result!r}"
    return None
