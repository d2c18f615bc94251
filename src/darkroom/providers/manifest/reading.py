"""Reading manifests from files. A wrong one stops the start, with its file, its line and what is wanted there.

A file is a whole manifest, or says `use = "NAME"` and what is different from the shipped one of that name.
"""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from darkroom.catalogue.allowed import allowed
from darkroom.catalogue.fault import Fault, Place, line_of
from darkroom.errors import ManifestError
from darkroom.providers.manifest.compiled import Manifest, compile_form
from darkroom.providers.manifest.form import Form
from darkroom.providers.manifest.language import LANGUAGE
from darkroom.providers.manifest.own import language_with

SHIPPED = files("darkroom") / "providers" / "manifests"

Table = dict[str, Any]

WHERE = re.compile(r" - at (?P<key>`key` in )?`\$\.?(?P<path>[^`]*)`$")
QUOTED = re.compile(r"'(?P<name>[^']*)'$")
PATTERN = re.compile(r"expected `str` matching regex .*")
NAMED = re.compile(r"(?:unknown|required) field `(?P<name>[^`]+)`")
STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")

ADDED = ("errors",)
"""Arrays that are looked through before the shipped one's; others take its place."""


def shipped() -> tuple[str, ...]:
    """The names of the shipped manifests."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in SHIPPED.iterdir() if entry.name.endswith(".toml"))
    )


def read(file: Path | Traversable) -> Manifest:
    """Raises `ManifestError`."""
    text = _text(file)
    own = _table(file, text)
    table = own
    if "use" in own:
        if own["use"] not in shipped():
            raise ManifestError(
                str(file), line_of(text, ("use",)), f"no manifest '{own['use']}' is shipped; {', '.join(shipped())} are"
            )
        base = SHIPPED / f"{own['use']}.toml"
        table = merged(_table(base, _text(base)), {key: value for key, value in own.items() if key != "use"})
    table.setdefault("name", file.name.removesuffix(".toml"))
    try:
        form = _form(table)
        language = language_with(_beside(file, form.python)) if form.python else LANGUAGE
        return compile_form(form, language)
    except Fault as fault:
        raise ManifestError(str(file), line_of(text, fault.place), fault.reason) from None


def _beside(manifest: Path | Traversable, name: str) -> Path:
    if not isinstance(manifest, Path):
        raise Fault("only a file of one's own can have Python beside it", "python")
    file = manifest.with_name(name)
    if not file.is_file():
        raise Fault(f"there is no {name} beside this file", "python")
    return file


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> Table:
    """The base with what is its own on top: tables key by key, everything else as a whole."""
    table = dict(base)
    for key, value in own.items():
        before = table.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            table[key] = merged(before, value)
        elif key in ADDED and isinstance(before, list) and isinstance(value, list):
            table[key] = value + before
        else:
            table[key] = value
    return table


def _text(file: Path | Traversable) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(str(file), 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ManifestError(str(file), 1, "is not UTF-8") from None


def _table(file: Path | Traversable, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ManifestError(str(file), int(line[1]) if line else len(text.splitlines()), str(error)) from None


def _form(table: Table) -> Form:
    try:
        return msgspec.convert(table, Form)
    except msgspec.ValidationError as error:
        raise _fault(str(error)) from None


def _fault(message: str) -> Fault:
    """What msgspec says, as a reason and a place: it names the field in words and the path to it in brackets."""
    where = WHERE.search(message)
    place: Place = ()
    if where is not None:
        message = message[: where.start()]
        place = tuple(int(number) if number else name for number, name in STEP.findall(where["path"]) if name != "...")
    name = QUOTED.search(message) if where is not None and where["key"] else NAMED.search(message)
    if name is not None and "required" not in message:
        place = (*place, name["name"])
    message = message[:1].lower() + message[1:]
    wanted = allowed(Form, place)
    if not wanted:
        return Fault(message, *place)
    return Fault(wanted if PATTERN.match(message) else f"{message}; {wanted}", *place)
