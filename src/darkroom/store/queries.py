"""Reads the `.sql` files: each query has a name and, where it is not plain, a line that says what for."""

import re
from importlib.resources import files
from types import SimpleNamespace

_QUERY = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def load(name: str) -> SimpleNamespace:
    """The queries of one file as attributes."""
    text = files("darkroom.store").joinpath("queries", f"{name}.sql").read_text("utf-8")
    queries = {match[1]: match[2].strip().rstrip(";") for match in _QUERY.finditer(text)}
    return SimpleNamespace(**queries)


def migrations() -> list[tuple[int, str]]:
    """Every migration, by number."""
    folder = files("darkroom.store").joinpath("migrations")
    return sorted((int(item.name[:4]), item.read_text("utf-8")) for item in folder.iterdir() if item.name[0].isdigit())
