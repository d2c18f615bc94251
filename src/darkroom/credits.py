"""Credits are whole micro-credits, from the price list to the last entry: no fraction is ever lost or made."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NewType

from darkroom.errors import InvalidInput

Credits = NewType("Credits", int)
"""An amount in micro-credits: 1 credit is 1,000,000."""

MICRO = 1_000_000
ZERO = Credits(0)
LARGEST = Credits(10**15)
"""A billion credits: the most that one grant may move, far inside a signed 64-bit integer."""


def credits(amount: int | str | Decimal) -> Credits:
    """Micro-credits from an exact number of credits; a float is refused by its type, as 0.1 has no exact float."""
    return Credits(int((Decimal(amount) * MICRO).to_integral_value(ROUND_HALF_UP)))


def parse_credits(text: str) -> Credits:
    """Micro-credits from what a person typed, such as `100` or `2.5`."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise InvalidInput.of("amount", f"'{text}' is not a number of credits") from None
    if not amount.is_finite() or amount <= 0 or amount * MICRO > LARGEST:
        raise InvalidInput.of("amount", "must be more than 0 and at most 1000000000 credits")
    if amount * MICRO != int(amount * MICRO):
        raise InvalidInput.of("amount", "a credit has at most six decimal places")
    return Credits(int(amount * MICRO))


def in_credits(amount: int) -> float | int:
    """A JSON number of credits: an integer where it is whole."""
    whole, rest = divmod(amount, MICRO)
    return whole if rest == 0 else amount / MICRO


def whole_units(amount: int, *, per_credit: int = 1) -> int:
    """An amount in a dialect's own unit, rounded up: what a caller sees is never less than what the books say."""
    return int((Decimal(amount) * per_credit / MICRO).to_integral_value(ROUND_CEILING))


def show(amount: int) -> str:
    """An amount for people: `26`, `2.5`."""
    return f"{Decimal(amount) / MICRO:f}".rstrip("0").rstrip(".") if amount % MICRO else str(amount // MICRO)
