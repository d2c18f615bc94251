"""Checking a caller's inputs, and filling in what they left out."""

import copy
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from jsonschema_rs import Draft202012Validator

from darkroom.catalogue.problems import MISSING, explain
from darkroom.errors import InvalidInput

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:\S|asset_\S", re.IGNORECASE)
NUMBER = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True, slots=True)
class Filler:
    """Readies one object for its check: defaults filled in, numbers as numbers, and a null that means "not given" taken
    out. `inner` are the fillers of the objects inside it, or inside its lists."""

    defaults: Mapping[str, Any]
    nullable: Set[str]
    whole: Set[str]
    lenient: Set[str]
    inner: Mapping[str, "Filler"]

    @classmethod
    def of(cls, schema: Mapping[str, Any], lenient: Set[str] = frozenset()) -> "Filler":
        properties: Mapping[str, Any] = schema.get("properties", {})
        return cls(
            defaults={name: field["default"] for name, field in properties.items() if "default" in field},
            nullable={name for name, field in properties.items() if "null" in field["type"]},
            whole={name for name, field in properties.items() if "integer" in field["type"]},
            lenient=lenient,
            inner={
                name: cls.of(inside)
                for name, field in properties.items()
                if (inside := field.get("items", field)).get("properties")
            },
        )

    def fill(self, given: Mapping[str, Any]) -> dict[str, Any]:
        filled = {
            name: self._tidy(name, value)
            for name, value in given.items()
            if not (value is None and name in self.nullable)
        }
        for name, default in self.defaults.items():
            if name not in filled:
                filled[name] = copy.copy(default) if type(default) in (list, dict) else default
        return filled

    def _tidy(self, name: str, value: Any) -> Any:
        # JSON writes 5.0 as 5; we accept that, and go on with 5.
        if isinstance(value, float) and name in self.whole and value.is_integer():
            return int(value)
        if isinstance(value, str) and name in self.lenient and NUMBER.fullmatch(value):
            return int(value)
        if inner := self.inner.get(name):
            if isinstance(value, dict):
                return inner.fill(value)
            if isinstance(value, list):
                return [inner.fill(item) if isinstance(item, dict) else item for item in value]
        return value


class Checker:
    """A model's input schema, compiled once."""

    def __init__(self, schema: dict[str, Any], *, lenient: Set[str] = frozenset()) -> None:
        self._schema = schema
        self._filler = Filler.of(schema, lenient)
        # Python counts True as 1; our callers do not, and neither does this library.
        self._validator = Draft202012Validator(schema, validate_formats=True, formats={"uri": is_link})

    def accept(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs with every default filled in; raises `InvalidInput` with every problem."""
        filled = self._filler.fill(given)
        try:
            if self._validator.is_valid(filled):
                return filled
            raise InvalidInput(*explain(self._validator.iter_errors(filled), self._schema))
        except UnicodeEncodeError:
            raise InvalidInput.of("", "holds a character that UTF-8 cannot write") from None
        except ValueError:
            # The validator goes 255 deep, which also keeps what is stored from being deeper than we can walk.
            raise InvalidInput.of("", "is nested too deeply") from None

    def draft(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As `accept`, of inputs that are not all there yet: nothing at the top is required."""
        try:
            return self.accept(given)
        except InvalidInput as error:
            if problems := [each for each in error.problems if each.message != MISSING or "." in each.field]:
                raise InvalidInput(*problems) from None
        return self._filler.fill(given)


def is_link(text: str) -> bool:
    """Whether `text` begins like a URL, or like the id of an asset of ours. Which schemes and hosts are
    fetched is for those to say who fetch."""
    return SCHEME.match(text) is not None
