"""Reads plans: the shipped ones, then the operator's, which override by name."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import msgspec

from darkroom.account import Plan
from darkroom.errors import Misconfigured

DEFAULT = "open"


def load(own: Path | None = None) -> Mapping[str, Plan]:
    """Raises `Misconfigured` with the file, the plan and what is wrong."""
    plans = _read("plans.toml", files("darkroom").joinpath("plans.toml").read_text("utf-8"))
    if own is not None:
        try:
            plans |= _read(str(own), own.read_text("utf-8"))
        except OSError as error:
            raise Misconfigured(f"{own}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise Misconfigured(f"{own}: {error}") from None
    return plans


def _read(name: str, text: str) -> dict[str, Plan]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{name}: {error}") from None
    plans = {}
    for plan, values in tables.items():
        if not isinstance(values, dict):
            raise Misconfigured(f"{name}: '{plan}' stands outside of a plan; a plan begins with its name as [{plan}]")
        unknown = set(values) - {field.name for field in fields(Plan)}
        if unknown:
            raise Misconfigured(f"{name}: plan '{plan}': not known here: {', '.join(sorted(unknown))}")
        try:
            plans[plan] = msgspec.convert({"name": plan, **values}, Plan)
        except msgspec.ValidationError as error:
            raise Misconfigured(f"{name}: plan '{plan}': {error}") from None
    return plans
