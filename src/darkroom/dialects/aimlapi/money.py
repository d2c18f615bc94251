"""AIMLAPI's money: credits of its own, 2,000,000 to the dollar. One of our credits is 20,000 of them: a US cent."""

from typing import Any

from darkroom.credits import MICRO, whole_units

PER_CREDIT = 20_000
PER_DOLLAR = 2_000_000


def units(amount: int) -> int:
    """What something costs, rounded up."""
    return whole_units(amount, per_credit=PER_CREDIT)


def balance(amount: int) -> int:
    """What can be spent, rounded down: a balance must never promise more than there is."""
    return amount * PER_CREDIT // MICRO


def dollars(units: int) -> float:
    return units / PER_DOLLAR


def dollars_text(units: int) -> str:
    """For a header: one of their credits is the seventh decimal place."""
    return f"{dollars(units):.7f}".rstrip("0").rstrip(".")


def usage(amount: int) -> dict[str, Any]:
    """The `meta` of a generation that has cost `amount` micro-credits."""
    used = units(amount)
    return {"usage": {"credits_used": used, "usd_spent": dollars(used)}}
