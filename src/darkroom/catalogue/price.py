"""What a generation costs: a rate, looked up by the values of some fields, times what it is charged for."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from darkroom.catalogue.words import Words, seconds
from darkroom.credits import ZERO, Credits

Kind = Literal["fixed", "matrix", "per_second", "per_unit"]

AMOUNTS: Mapping[str, Callable[[Words], float]] = {
    "": lambda words: 1,
    "second": lambda words: seconds(words) or 0,
    "thousand characters": lambda words: max(1, math.ceil(len(words.get("prompt", "")) / 1000)),
    # MidJourney counts in points, and its table already says how many each choice takes.
    "point": lambda words: 1,
}
"""What the rate can be charged for, and how many of it the words ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`rates` by the values of the fields `by`, written as `key` writes them. `base` is added once for each result."""

    per: str = ""
    by: tuple[str, ...] = ()
    rates: Mapping[tuple[str, ...], Credits]
    base: Credits = ZERO

    @property
    def kind(self) -> Kind:
        if self.per:
            return "per_second" if self.per == "second" else "per_unit"
        return "matrix" if self.by else "fixed"

    def quote(self, inputs: Mapping[str, object], words: Words) -> Credits:
        """The price of accepted inputs, of all results together."""
        rate = self.rates[tuple(key(inputs[name]) for name in self.by)]
        return Credits(self._one(rate, AMOUNTS[self.per](words)) * words.get("count", 1))

    def band(self, amounts: Iterable[float]) -> tuple[Credits, Credits]:
        """The least and the most that one result can cost, if `amounts` holds the least and the most to charge for."""
        prices = [self._one(rate, amount) for rate, amount in product(self.rates.values(), amounts)]
        return Credits(min(prices)), Credits(max(prices))

    def _one(self, rate: Credits, amount: float) -> int:
        return self.base + round(rate * amount)


def key(value: Any) -> str:
    """How a price table writes a field's value: `true`, `5`, `1080p`."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
