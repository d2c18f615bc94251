"""What an upstream tells in figures and names, as far as it can be believed: nothing endless, nothing immense."""

import math
from typing import Any

LONGEST_WISH_S = 3600.0
"""However long an upstream wants to be left alone, it is asked again after this."""

LONGEST_ID = 1024

DEAREST_USD = 1_000_000.0
"""No single generation costs as much: what says so is another figure in the place of the cost."""


def seconds_of(value: Any) -> float | None:
    """A wish to be asked again later; None for what is no such wish."""
    number = _number(value)
    return None if number is None or number < 0 else min(number, LONGEST_WISH_S)


def part_of(value: Any) -> float | None:
    """Progress from 0 to 1."""
    number = _number(value)
    return None if number is None else min(max(number, 0.0), 1.0)


def micro_usd_of(value: Any) -> int | None:
    """US dollars, also where they are written as a text, in millionths."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    number = _number(value)
    return round(number * 1_000_000) if number is not None and 0 <= number <= DEAREST_USD else None


def id_of(value: Any) -> str | None:
    """An upstream's own id, a text or a whole number; None for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
