"""Every mistake in a caller's inputs, in words: which field, what was wrong, what is allowed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from darkroom.catalogue.price import key
from darkroom.errors import Problem

LIMIT = 100
"""A megabyte of JSON holds more mistakes than anybody reads, and we would have to send them all."""

MISSING = "is required"

EXPECTED = {
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}

FORMATS = {"uri": "must be a link that starts with https://, http:// or data:", "uuid": "must be a UUID"}


def explain(errors: Iterable[ValidationError], schema: Any) -> tuple[Problem, ...]:
    """One problem for each field, in the order found."""
    said: dict[str, list[str]] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for error in errors:
        if isinstance(error.kind, Kind.Enum):
            choices[_path(*error.instance_path)] = _choices(error.kind.options)
        for field, message in _told(error, schema):
            if len(said) < LIMIT or field in said:
                messages = said.setdefault(field, [])
                if message not in messages:
                    messages.append(message)
    return tuple(Problem(field, "; ".join(messages), choices.get(field, ())) for field, messages in said.items())


def _told(error: ValidationError, schema: Any) -> Iterator[tuple[str, str]]:
    path = error.instance_path
    match error.kind:
        case Kind.Required(property=name):
            yield _path(*path, name), MISSING
        case Kind.AdditionalProperties(unexpected=names):
            allowed = ", ".join(_within(schema, error.schema_path[:-1])["properties"])
            for name in names:
                yield _path(*path, name), f"is not known here; allowed are {allowed}"
        case _:
            yield _path(*path), _message(error, _within(schema, error.schema_path[:-1]))


def _message(error: ValidationError, schema: Any) -> str:
    match error.kind:
        case Kind.Type(types=types):
            return (
                f"must be {_either([EXPECTED[name] for name in types if name != 'null'])}, not {_what(error.instance)}"
            )
        case Kind.Enum(options=options):
            allowed = _choices(options)
            return f"must be {'one of ' if len(allowed) > 1 else ''}{', '.join(allowed)}"
        case Kind.Constant(expected_value=value):
            return f"must be {key(value)}"
        case Kind.Format(format=name):
            return FORMATS.get(name, f"must be a {name}")
        case Kind.Pattern(pattern=pattern):
            return f"must match {pattern}"
        case Kind.MultipleOf(multiple_of=step):
            return f"must be a multiple of {step}"
        case Kind.Minimum() | Kind.Maximum() | Kind.ExclusiveMinimum() | Kind.ExclusiveMaximum():
            return _bounds(schema)
        case Kind.MinLength() | Kind.MaxLength():
            return _size(schema, "Length", "characters", error.instance)
        case Kind.MinItems() | Kind.MaxItems():
            return _size(schema, "Items", "items", error.instance)
        case _:
            return "is not in a form that is allowed here"


def _choices(options: Iterable[Any]) -> tuple[str, ...]:
    return tuple(key(option) for option in options if option is not None)


def _bounds(schema: Any) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"must be from {key(schema['minimum'])} to {key(schema['maximum'])}"
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
    }
    return "must be " + " and ".join(f"{word} {key(schema[name])}" for name, word in words.items() if name in schema)


def _size(schema: Any, what: str, unit: str, instance: Any) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if not instance:
        return "must not be empty"
    limits = [f"at least {least}" if least else "", f"at most {most}" if most else ""]
    return f"must have {' and '.join(filter(None, limits))} {unit}; it has {len(instance)}"


def _what(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    names = {str: "a string", int: "an integer", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "that")


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)


def _path(*steps: str | int) -> str:
    """`keyframes.frame0.url`; a name that only its caller knows is shortened, as it can be as long as the body."""
    return ".".join(str(step) if len(str(step)) <= 80 else f"{str(step)[:77]}..." for step in steps)


def _within(schema: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        schema = schema[step]
    return schema
