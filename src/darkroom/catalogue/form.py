"""A form's fields, which are all texts and files, as the values that a model's schema asks for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?", re.ASCII)
TRUTHS = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}
"""What forms write for yes and no."""


def read_form(fields: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Each field is a list of texts and files, in the order they came; `properties` are the schema's."""
    inputs = {}
    for field, given in fields.items():
        # Many clients write a list as `image_urls[]`.
        name = field.removesuffix("[]") if field not in properties else field
        # A form sends what was left empty as an empty text.
        values = [value for value in given if value != ""]
        if values:
            inputs[name] = _value(values, properties.get(name, {}))
    return inputs


def _value(values: Sequence[Any], schema: Mapping[str, Any]) -> Any:
    if "array" in _types(schema):
        return _list(values, schema.get("items", {}))
    return _single(values[0], schema) if len(values) == 1 else list(values)


def _list(values: Sequence[Any], items: Mapping[str, Any]) -> list[Any]:
    if len(values) == 1:
        whole = _json(values[0], list)
        if isinstance(whole, list):
            return whole
    return [_single(value, items) for value in values]


def _single(value: Any, schema: Mapping[str, Any]) -> Any:
    """A text as the type that is asked for; as it is where it does not look like one."""
    types = _types(schema)
    if not isinstance(value, str) or "string" in types:
        return value
    if "boolean" in types and value.lower() in TRUTHS:
        return TRUTHS[value.lower()]
    if "integer" in types and WHOLE.fullmatch(value):
        return int(value)
    if "number" in types and NUMBER.fullmatch(value):
        return float(value)
    return _json(value, dict) if "object" in types else value


def _json(value: Any, kind: type) -> Any:
    """The list or the object that a text is in JSON, or the text itself."""
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, kind) else value


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    told = schema.get("type", ())
    return (told,) if isinstance(told, str) else told
