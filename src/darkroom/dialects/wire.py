"""What the dialects share: reading a request, writing instants, showing what we keep."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from darkroom.asset import ASSET, Arrival
from darkroom.errors import DarkroomError, InvalidInput, NotFound, Problem, Rejected
from darkroom.generation import Generation
from darkroom.wire import Reply, WireRequest

Found = TypeVar("Found")


def body_of(request: WireRequest) -> dict[str, Any]:
    """The request's JSON object; raises `InvalidInput`."""
    if request.body is None:
        raise InvalidInput.of("", "the body is empty; send a JSON object")
    if not isinstance(request.body, dict):
        raise InvalidInput.of("", f"the body must be a JSON object, not {kind(request.body)}")
    return request.body


def kind(value: object) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        str: "a string",
        int: "a number",
        float: "a number",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "something else")


def text(values: Mapping[str, Any], name: str, *, limit: int = 4096) -> str:
    """A required, non-empty string; raises `InvalidInput`."""
    value = values.get(name)
    if value is None or value == "":
        raise InvalidInput.of(name, "is required")
    if not isinstance(value, str):
        raise InvalidInput.of(name, f"must be a string, not {kind(value)}")
    if len(value) > limit:
        raise InvalidInput.of(name, f"must be at most {limit} characters")
    return value


def only(values: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse names that are not known; raises `InvalidInput` with each."""
    allowed = tuple(allowed)
    unknown = [name for name in values if name not in allowed]
    if unknown:
        listed = ", ".join(allowed)
        raise InvalidInput(*(Problem(name, f"is not known here; allowed are {listed}") for name in unknown))


def first(request: WireRequest, name: str) -> str | None:
    """A query parameter's first value."""
    return next((value for key, value in request.query if key == name), None)


def whole_number(request: WireRequest, name: str, *, default: int, least: int = 1, most: int) -> int:
    """A query parameter that is a number; raises `InvalidInput`."""
    given = first(request, name)
    if given is None or given == "":
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= 18) or not least <= int(given) <= most:
        raise InvalidInput.of(name, f"must be a whole number from {least} to {most}")
    return int(given)


def number_in_path(request: WireRequest, name: str, *, what: str) -> int:
    """A path segment that is a number; anything else names nothing that exists."""
    given = request.path[name]
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise NotFound(f"{what} {given[:64]}")
    return int(given)


def instant(request: WireRequest, name: str) -> datetime | None:
    """A query parameter that is an ISO 8601 instant; raises `InvalidInput`."""
    given = first(request, name)
    if not given:
        return None
    try:
        # A plus sign that was not escaped arrives as a blank.
        read = datetime.fromisoformat(given.replace(" ", "+"))
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput.of(name, "must be an instant such as 2026-03-08T12:05:00Z") from None


def seconds_z(at: datetime | None) -> str | None:
    """`2026-03-08T12:05:00Z`."""
    return None if at is None else f"{at.isoformat(timespec='seconds')[:19]}Z"


def millis_z(at: datetime | None) -> str | None:
    """`2026-03-08T12:05:00.123Z`."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def millis_between(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else max(round((end - start).total_seconds() * 1000), 0)


def number(value: float | None) -> int | float | None:
    """A number as JSON readers like it: `5`, not `5.0`."""
    if value is None:
        return None
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def is_file(value: object) -> bool:
    return isinstance(value, Arrival)


def look_up(table: Mapping[type[DarkroomError], Found], error: DarkroomError) -> Found:
    """The row for an error's class, or for the nearest class that it descends from."""
    return next(table[cls] for cls in type(error).__mro__ if cls in table)


def model_name(generation: Generation, dialect: str, reply: Reply) -> str:
    """The name that a dialect's callers know a generation's model by; its slug where they have none for it."""
    try:
        names = reply.catalogue.find(generation.model).names.get(dialect, ())
    except Rejected:
        names = ()  # the operator took the model out since
    return next(iter(names), generation.model)


def shown(value: Any, reply: Reply) -> Any:
    """Inputs as they may be shown: a medium that we keep is its URL."""
    if isinstance(value, str):
        return reply.link(value.removeprefix(ASSET)) if value.startswith(ASSET) else value
    if isinstance(value, Mapping):
        return {name: shown(item, reply) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item, reply) for item in value]
    return value
