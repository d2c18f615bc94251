"""Reading folders of model files into a catalogue. A wrong file stops the start, with its name, line and reason."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from darkroom.catalogue.build import build
from darkroom.catalogue.entry import Table, cascade, entry_of
from darkroom.catalogue.fault import Fault, Place, line_of
from darkroom.catalogue.index import Catalogue, Unavailable
from darkroom.catalogue.model import Model
from darkroom.catalogue.schema import extended, field_schema
from darkroom.errors import CatalogueError

SHIPPED = files("darkroom") / "models"

SHARED = "shared.toml"
"""What all files of its folder have in common: an entry's keys, and a vocabulary of `[fields]`."""

NOT_OF_AN_ENTRY = ("fields", "models", "unavailable")


@dataclass(frozen=True, slots=True)
class Page:
    """One file, read. `tables` is its TOML, with decimals for its fractions."""

    file: Path
    text: str
    tables: Table

    @property
    def top(self) -> Table:
        return {key: value for key, value in self.tables.items() if key not in NOT_OF_AN_ENTRY}

    def error(self, reason: str, place: Place = ()) -> CatalogueError:
        return CatalogueError(str(self.file), line_of(self.text, place), reason)


def load(*folders: Path | Traversable, shipped: bool = True) -> Catalogue:
    """The shipped models and those of `folders`; of two with one slug, the later folder's. Raises `CatalogueError`."""
    models: dict[str, Model] = {}
    unavailable: dict[str, Unavailable] = {}
    for folder in (SHIPPED, *folders) if shipped else folders:
        pages = list(_pages(folder))
        models |= _models(pages)
        unavailable |= {absent.name: absent for page, _ in pages for absent in _unavailable(page)}
    return Catalogue(models, unavailable)


def load_models(file: Path, *, provider: str) -> list[Model]:
    """The `[[models]]` of a provider's own file; each says in `upstream` what the provider calls it, or goes there by
    its slug. Raises `CatalogueError`."""
    page = _page(file)
    tables = []
    for table in page.tables.get("models", []):
        own = dict(table)
        upstream = own.pop("upstream", own.get("slug", ""))
        tables.append({**own, "routes": [{"provider": provider, "upstream": upstream}]})
    return list(_models([(Page(page.file, page.text, {"models": tables}), None)]).values())


def _pages(folder: Path | Traversable) -> Iterator[tuple[Page, Page | None]]:
    """Every file of a folder and the folders in it, each with the `shared.toml` that stands beside it."""
    if not folder.is_dir():
        raise CatalogueError(str(folder), 1, "there is no such folder")
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    files = [entry for entry in entries if entry.is_file() and entry.name.endswith(".toml")]
    shared = next((_page(file) for file in files if file.name == SHARED), None)
    if shared is not None:
        _check_vocabulary(shared)
    for file in files:
        if file.name != SHARED:
            yield _page(file), shared
    for entry in entries:
        if entry.is_dir():
            yield from _pages(entry)


def _page(file: Path | Traversable) -> Page:
    path = Path(str(file))
    try:
        text = file.read_text(encoding="utf-8")
        # A price must not pass through a float on its way into the books.
        return Page(path, text, tomllib.loads(text, parse_float=Decimal))
    except OSError as error:
        raise CatalogueError(str(path), 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CatalogueError(str(path), 1, "is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise CatalogueError(str(path), int(line[1]) if line else len(text.splitlines()), str(error)) from None


def _models(pages: list[tuple[Page, Page | None]]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    taken: dict[tuple[str, str], str] = {}
    for page, shared in pages:
        _check_vocabulary(page)
        vocabulary = _vocabulary(shared, page)
        for place, table in _entries(page):
            try:
                model = build(entry_of(cascade(shared.top if shared else {}, page.top, table)), vocabulary, page.file)
                _check_names(model, models, taken)
            except Fault as fault:
                raise page.error(fault.reason, (*place, *fault.place)) from None
            models[model.slug] = model
    return models


def _entries(page: Page) -> list[tuple[Place, Table]]:
    """A file of many models has `[[models]]`; a file of one is that model itself."""
    models = page.tables.get("models")
    if models is None:
        return [((), {})] if "unavailable" not in page.tables else []
    if not isinstance(models, list) or not all(isinstance(table, dict) for table in models):
        raise page.error("models must be written as [[models]]", ("models",))
    return [((number,), table) for number, table in enumerate(models)]


def _vocabulary(shared: Page | None, page: Page) -> Mapping[str, Table]:
    """The folder's fields, with the file's words on top of them."""
    fields = dict(shared.tables.get("fields", {})) if shared else {}
    for name, field in page.tables.get("fields", {}).items():
        fields[name] = extended(fields.get(name, {}), field)
    return fields


def _check_vocabulary(page: Page) -> None:
    fields: Any = page.tables.get("fields", {})
    if not isinstance(fields, dict):
        raise page.error("fields must be written as [fields.NAME]", ("fields",))
    for name, field in fields.items():
        if not isinstance(field, dict):
            raise page.error(f"the field '{name}' must be a table", ("fields", name))
        try:
            # The type may come from the folder's field of that name.
            field_schema({"type": "string", **field})
        except Fault as fault:
            raise page.error(fault.reason, ("fields", name, *fault.place)) from None


def _check_names(model: Model, models: Mapping[str, Model], taken: dict[tuple[str, str], str]) -> None:
    if model.slug in models:
        raise Fault(f"the slug '{model.slug}' is already that of a model in {models[model.slug].source.name}", "slug")
    for dialect, names in model.names.items():
        for name in names:
            if (dialect, name) in taken:
                raise Fault(f"in {dialect}, '{name}' is already the name of '{taken[dialect, name]}'", "names", dialect)
            taken[dialect, name] = model.slug


def _unavailable(page: Page) -> Iterator[Unavailable]:
    listed = page.tables.get("unavailable", [])
    for entry in listed if isinstance(listed, list) else [listed]:
        if not isinstance(entry, dict) or not isinstance(entry.get("names"), list) or "reason" not in entry:
            raise page.error("each [[unavailable]] has a list of names and a reason", ("unavailable",))
        for name in entry["names"]:
            yield Unavailable(str(name), str(page.tables.get("dialect", "")), str(entry["reason"]))
