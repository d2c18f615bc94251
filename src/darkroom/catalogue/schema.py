"""From the fields of a model's file to the JSON Schema of its inputs."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from darkroom.catalogue.fault import Fault

Table = dict[str, Any]

KEYWORDS = frozenset(
    {
        *("type", "enum", "const", "default", "title", "description", "examples", "deprecated"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "format"),
        *("items", "minItems", "maxItems", "uniqueItems", "properties", "additionalProperties"),
        *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    }
)
"""What a field may say in the words of JSON Schema."""

OURS = frozenset({"required", "nullable", "role", "lenient", "like"})
"""What a field may say in ours; none of it is in the schema that callers see."""


TYPED = (
    (("required", "nullable", "lenient"), bool, "true or false"),
    (("role", "like"), str, "a name"),
    (("properties",), dict, "a table"),
    (("enum",), list, "a list"),
)
"""What is looked into here; JSON Schema's own schema checks the rest."""


def schema_of(fields: Mapping[str, Table], forms: Mapping[str, Sequence[str]], discriminator: str | None) -> Table:
    """The schema of all inputs. A form's fields are required once the discriminator names it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(fields)}
    if forms:
        schema["allOf"] = [_demand(name, needs, fields, discriminator) for name, needs in forms.items()]
    return schema


def _object(fields: Mapping[str, Table]) -> Table:
    properties = {}
    for name, field in fields.items():
        try:
            properties[name] = field_schema(field)
        except Fault as fault:
            raise fault.within(name) from None
    required = [name for name, field in fields.items() if field.get("required") is True]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def extended(field: Table, change: Table) -> Table:
    """`field` with `change` on top of it; a change that gives a type is a whole field of its own."""
    return dict(change) if "type" in change else {**field, **change}


def field_schema(field: Any) -> Table:
    if not isinstance(field, dict):
        raise Fault("a field is a table of what it takes")
    for words, kind, expected in TYPED:
        for word in words:
            if word in field and not isinstance(field[word], kind):
                raise Fault(f"'{word}' must be {expected}", word)
    for keyword in field:
        if keyword not in KEYWORDS | OURS:
            raise Fault(
                f"'{keyword}' is not a word of a field; allowed are {', '.join(sorted(KEYWORDS | OURS))}", keyword
            )
    if "type" not in field:
        raise Fault("a field needs a type")
    schema = {keyword: plain(value) for keyword, value in field.items() if keyword in KEYWORDS}
    if "properties" in field:
        inner = _object(field["properties"])
        schema = {**inner, **schema, "properties": inner["properties"]}
    if "items" in field:
        schema["items"] = field_schema(field["items"])
    return _nullable(schema) if field.get("nullable") else schema


def _nullable(schema: Table) -> Table:
    types = schema["type"]
    schema["type"] = [*(types if isinstance(types, list) else [types]), "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _demand(form: str, needs: Sequence[str], fields: Mapping[str, Table], discriminator: str | None) -> Table:
    if discriminator is None:
        raise Fault("forms need a field whose role is 'form'", "forms")
    if form not in fields[discriminator].get("enum", ()):
        raise Fault(f"'{form}' is not a value of '{discriminator}'", "forms", form)
    if unknown := [name for name in needs if name not in fields]:
        raise Fault(f"there is no field '{unknown[0]}'", "forms", form)
    is_asked = {"properties": {discriminator: {"const": form}}, "required": [discriminator]}
    return {"if": is_asked, "then": {"required": list(needs)}}


def plain(value: Any) -> Any:
    """JSON's values from TOML's, where fractions are read as decimals for the sake of prices."""
    if isinstance(value, date | time):
        raise Fault("JSON has no dates; write a text")
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value
