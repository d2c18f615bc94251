"""The format of a model file: what one entry may say. `docs/catalogue.md` explains it with an example."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from darkroom.brief import Modality, Task
from darkroom.catalogue.allowed import allowed
from darkroom.catalogue.fault import Fault
from darkroom.catalogue.model import Route

Table = dict[str, Any]

ADDED = ("needs", "takes")
"""Lists that grow from the folder's `shared.toml` to the file's top to the entry."""

MERGED = ("names", "inputs", "assumes", "extra")
"""Tables that are filled in from the same three levels. Everything else is replaced."""

WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")


class PriceEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`credits` is a number, or a table of tables keyed by the values of the fields `by`."""

    credits: Decimal | dict[str, Any]
    by: tuple[str, ...] = ()
    per: Literal["", "second", "thousand characters", "point"] = ""
    base: Decimal = Decimal(0)


class Entry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    slug: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9][\w./:@+-]*$", description="letters, digits and . / : @ + - _, without a space"
        ),
    ]
    name: str
    maker: str
    modality: Modality
    tasks: Annotated[tuple[Task, ...], msgspec.Meta(min_length=1)]
    expected_wait_s: tuple[int, int]
    price: PriceEntry
    description: str = ""
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    inputs: dict[str, Table] = {}
    forms: dict[str, tuple[str, ...]] = {}
    assumes: Table = {}
    dialect: str = ""
    names: dict[str, tuple[str, ...]] = {}
    provider: str = "sketch"
    routes: tuple[Route, ...] = ()
    plan: str = "free"
    answers_at_once: bool | None = None
    extra: Table = {}


def cascade(*levels: Mapping[str, Any]) -> Table:
    """One entry's table from the outermost level to the innermost."""
    merged: Table = {}
    for level in levels:
        for key, value in level.items():
            before = merged.get(key)
            if key in ADDED and isinstance(before, list) and isinstance(value, list):
                merged[key] = before + value
            elif key in MERGED and isinstance(before, dict) and isinstance(value, dict):
                merged[key] = {**before, **value}
            else:
                merged[key] = value
    return merged


def entry_of(table: Table) -> Entry:
    try:
        return msgspec.convert(table, Entry)
    except msgspec.ValidationError as error:
        raise _fault(str(error)) from None


def _fault(message: str) -> Fault:
    """`Expected 'int', got 'str' - at '$.expected_wait_s[0]'`, as a reason and a place."""
    where = WHERE.search(message)
    place: list[str] = (
        [part for part in re.split(r"[.\[\]]+", where["path"]) if part and not part.isdigit()] if where else []
    )
    if unknown := UNKNOWN.search(message):
        place.append(unknown["name"])
    wanted = allowed(Entry, place)
    reason = WHERE.sub("", message).replace("Object ", "the model ", 1) + (f"; {wanted}" if wanted else "")
    return Fault(f"{'.'.join(place)}: {reason}" if where else reason, *place)
