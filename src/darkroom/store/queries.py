"""Reads the `.sql` files: each query has a name and, where it is not plain, a line that says what for."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from types import SimpleNamespace
from typing import Any

import apsw

MOST_ROWS = 64

_QUERY = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_VALUES = re.compile(r"(?<=VALUES )\(.*\)")

STORE = files("darkroom.store")
POSTGRES = STORE.joinpath("postgres")


def load(name: str) -> SimpleNamespace:
    """The queries of one file as attributes."""
    return SimpleNamespace(**dict(read(STORE, name)))


def read(folder: Traversable, name: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the queries of one file; none where there is no such file."""
    file = folder.joinpath("queries", f"{name}.sql")
    if file.is_file():
        for match in _QUERY.finditer(file.read_text("utf-8")):
            yield match[1], match[2].strip().rstrip(";")


def insert(connection: apsw.Connection, query: str, values: Sequence[Sequence[Any]]) -> None:
    """Insert a row for each, by a query whose VALUES are one row. Their numbers follow one another, and the last is
    the connection's `last_insert_rowid`.

    In few statements: between two of them every thread of the process wants to be the next to run.
    """
    done = 0
    while done < len(values):
        # Of few lengths: each is a statement of its own that has to be kept.
        count = min(MOST_ROWS, 1 << (len(values) - done).bit_length() - 1)
        connection.execute(_of_rows(query, count), tuple(chain.from_iterable(values[done : done + count])))
        done += count


@cache
def _of_rows(query: str, count: int) -> str:
    return _VALUES.sub(lambda row: ", ".join([row[0]] * count), query)


def migrations(folder: Traversable = STORE) -> list[tuple[int, str]]:
    """Every migration, by number."""
    found = folder.joinpath("migrations").iterdir()
    return sorted((int(item.name[:4]), item.read_text("utf-8")) for item in found if item.name[0].isdigit())
