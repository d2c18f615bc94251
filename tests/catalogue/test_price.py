"""The four kinds of price, their bands, and what a result costs."""

from collections.abc import Callable
from typing import Any

import pytest

from darkroom.catalogue import Model
from darkroom.credits import credits, show

Make = Callable[..., Model]

CHOICES = """
[inputs.quality]
type = "string"
enum = ["low", "high"]
default = "low"

[inputs.audio]
type = "boolean"
default = false

[inputs.duration]
type = "integer"
minimum = 2
maximum = 10
default = 5

[inputs.n]
type = "integer"
minimum = 1
maximum = 4
default = 1
"""


BY_TWO = """{ by = ["quality", "audio"], credits = {
  low = { false = 1, true = 2 }, high = { false = 3, true = 5 } } }""".replace("\n", "")


@pytest.mark.parametrize(
    ("price", "kind", "band", "given", "cost"),
    [
        ("{ credits = 3 }", "fixed", ("3", "3"), {}, "3"),
        ("{ credits = 0.1 }", "fixed", ("0.1", "0.1"), {"n": 3}, "0.3"),
        (
            '{ by = ["quality"], credits = { low = 4, high = 21.1 } }',
            "matrix",
            ("4", "21.1"),
            {"quality": "high"},
            "21.1",
        ),
        (
            BY_TWO,
            "matrix",
            ("1", "5"),
            {"quality": "high", "audio": True, "n": 2},
            "10",
        ),
        ('{ per = "second", credits = 2.5 }', "per_second", ("5", "25"), {}, "12.5"),
        (
            '{ per = "second", base = 24, by = ["audio"], credits = { false = 8, true = 12 } }',
            "per_second",
            ("40", "144"),
            {"duration": 10, "audio": True},
            "144",
        ),
        ('{ per = "point", by = ["quality"], credits = { low = 2, high = 35 } }', "per_unit", ("2", "35"), {}, "2"),
    ],
)
def test_a_price_and_its_band(
    fern: Make, price: str, kind: str, band: tuple[str, str], given: dict[str, Any], cost: str
) -> None:
    model = fern(CHOICES, price=price)
    assert model.price.kind == kind
    assert tuple(show(amount) for amount in model.price_band) == band
    assert show(model.quote(model.accept({"prompt": "a fern", **given}))) == cost


@pytest.mark.parametrize(("length", "cost"), [(1, 10), (1000, 10), (1001, 20), (2500, 30)])
def test_every_started_thousand_of_characters_is_charged(fern: Make, length: int, cost: int) -> None:
    price = '{ per = "thousand characters", credits = 10 }'
    model = fern("maxLength = 3000\n", price=price, modality='"speech"', tasks='["speech"]')
    assert model.quote(model.accept({"prompt": "x" * length})) == credits(cost)
    assert model.price_band == (credits(10), credits(30))


def test_frames_are_charged_as_the_seconds_they_last(fern: Make) -> None:
    fields = """
[inputs.num_frames]
type = "integer"
minimum = 16
maximum = 160
default = 80

[inputs.frames_per_second]
type = "integer"
enum = [8, 16]
default = 16
"""
    model = fern(fields, price='{ per = "second", credits = 4 }')
    assert model.quote(model.accept({"prompt": "a fern"})) == credits(20)
    assert model.price_band == (credits(4), credits(80))


def test_what_a_model_assumes_is_charged(fern: Make) -> None:
    model = fern("[assumes]\nduration = 6\n", price='{ per = "second", credits = 2 }')
    assert model.quote(model.accept({"prompt": "a fern"})) == credits(12)
