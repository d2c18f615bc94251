"""Reads the `.sql` files: each query has a name and, where it is not plain, a line that says what for."""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import SimpleNamespace

_QUERY = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)

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


def migrations(folder: Traversable = STORE) -> list[tuple[int, str]]:
    """Every migration, by number."""
    found = folder.joinpath("migrations").iterdir()
    return sorted((int(item.name[:4]), item.read_text("utf-8")) for item in found if item.name[0].isdigit())
