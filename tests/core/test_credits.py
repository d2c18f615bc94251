"""Micro-credits: read exactly, shown exactly, rounded in the one direction that is right."""

from decimal import Decimal

import pytest

from darkroom.credits import credits, in_credits, parse_credits, show, whole_units
from darkroom.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "micro"),
    [("100", 100_000_000), ("2.5", 2_500_000), ("0.000001", 1), ("1e3", 1_000_000_000), ("1000000000", 10**15)],
)
def test_what_a_person_types(text: str, micro: int) -> None:
    assert parse_credits(text) == micro


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten",
        "0",
        "-1",
        "nan",
        "snan",
        "inf",
        "-inf",
        "0.0000001",
        "1.0000005",
        "1000000000.000001",
        "1e400",
        "1e-400",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_credits(text)
    assert refused.value.problems[0].field == "amount"


@pytest.mark.parametrize(
    ("amount", "micro"),
    [
        (3, 3_000_000),
        ("0.1", 100_000),
        (Decimal("0.0000005"), 1),
        (Decimal("0.0000004"), 0),
        ("12.3456785", 12_345_679),
    ],
)
def test_a_price_is_rounded_to_the_nearest_micro_credit(amount: int | str | Decimal, micro: int) -> None:
    assert credits(amount) == micro


@pytest.mark.parametrize(
    ("micro", "number", "text"),
    [
        (0, 0, "0"),
        (26_000_000, 26, "26"),
        (10_000_000, 10, "10"),
        (2_500_000, 2.5, "2.5"),
        (1, 0.000001, "0.000001"),
        (100_000_000_000_000_001, 100_000_000_000.000001, "100000000000.000001"),
        (-1_500_000, -1.5, "-1.5"),
    ],
)
def test_showing(micro: int, number: float, text: str) -> None:
    assert in_credits(micro) == number
    assert isinstance(in_credits(micro), int) == (micro % 1_000_000 == 0)
    assert show(micro) == text


@pytest.mark.parametrize(
    ("micro", "per_credit", "units"),
    [(0, 1, 0), (1, 1, 1), (1_000_000, 1, 1), (1_000_001, 1, 2), (2_500_000, 10, 25), (2_500_001, 10, 26), (1, 100, 1)],
)
def test_a_dialect_s_units_are_rounded_up(micro: int, per_credit: int, units: int) -> None:
    assert whole_units(micro, per_credit=per_credit) == units
