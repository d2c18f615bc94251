"""From one entry of a model file to the model, with everything checked that can be checked before the first request."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs

from darkroom.brief import Modality
from darkroom.catalogue import media, words
from darkroom.catalogue.accept import Checker
from darkroom.catalogue.entry import Entry, PriceEntry, Table
from darkroom.catalogue.fault import Fault
from darkroom.catalogue.model import Model, Route
from darkroom.catalogue.price import AMOUNTS, Price, key
from darkroom.catalogue.schema import extended, plain, schema_of
from darkroom.credits import Credits, credits
from darkroom.errors import InvalidInput

QUICK = (Modality.IMAGE, Modality.SPEECH, Modality.SOUND)
"""What is done soon enough to be told in the answer to the submit, unless the model's file says otherwise."""

KNOWN_ROLES = {*words.READERS, *media.ROLES, media.KEYFRAMES, "none"}

MEASURES = {"second": ("duration", "milliseconds", "frames", "fps"), "thousand characters": ("prompt",)}
"""What a price is charged for to the roles that say how much of it is asked for."""


def build(entry: Entry, vocabulary: Mapping[str, Table], source: Path) -> Model:
    """The model; raises `Fault`. `vocabulary` are the fields that the entry may take by their name alone."""
    fields = _fields(entry, vocabulary)
    roles = _roles(fields)
    schema = _schema(entry, fields, roles)
    checker = _checker(fields, schema)
    assumes = _assumed(entry.assumes)
    price = _price(entry.price, schema)
    return Model(
        slug=entry.slug,
        name=entry.name,
        maker=entry.maker,
        modality=entry.modality,
        tasks=entry.tasks,
        description=entry.description,
        schema=schema,
        price=price,
        price_band=price.band(_amounts(price, schema, roles, assumes)),
        expected_wait_s=entry.expected_wait_s,
        routes=entry.routes or (Route(entry.provider, entry.slug),),
        names=_names(entry),
        plan=entry.plan,
        answers_at_once=entry.modality in QUICK if entry.answers_at_once is None else entry.answers_at_once,
        source=source,
        extra=plain(entry.extra),
        roles=roles,
        media=media.among(roles),
        assumes=assumes,
        checker=checker,
    )


def _fields(entry: Entry, vocabulary: Mapping[str, Table]) -> dict[str, Table]:
    """Name to field: what the entry needs, then what it takes, then what it describes itself."""
    for listed, place in ((entry.needs, "needs"), (entry.takes, "takes")):
        for name in listed:
            if name not in vocabulary and name not in entry.inputs:
                raise Fault(f"there is no field '{name}' to take by its name alone", place, name)
    fields = {
        name: _field(name, entry.inputs.get(name, {}), vocabulary)
        for name in dict.fromkeys((*entry.needs, *entry.takes, *entry.inputs))
    }
    for name in entry.needs:
        fields[name]["required"] = True
    return fields


def _field(name: str, own: Table, vocabulary: Mapping[str, Table]) -> Table:
    like = own.get("like", name)
    if "like" in own and like not in vocabulary:
        raise Fault(f"there is no field '{like}' to be like", "inputs", name, "like")
    return extended(vocabulary.get(like, {}), own)


def _roles(fields: Mapping[str, Table]) -> dict[str, str]:
    roles = {}
    for name, field in fields.items():
        role = field.get("role", words.USUAL.get(name, "none"))
        if role not in KNOWN_ROLES:
            raise Fault(
                f"there is no role '{role}'; allowed are {', '.join(sorted(KNOWN_ROLES))}", "inputs", name, "role"
            )
        if role != "none":
            roles[name] = role
    return roles


def _schema(entry: Entry, fields: Mapping[str, Table], roles: Mapping[str, str]) -> Table:
    discriminator = next((name for name, role in roles.items() if role == "form"), None)
    try:
        schema = schema_of(fields, entry.forms, discriminator)
    except Fault as fault:
        raise fault if fault.place[:1] == ("forms",) else fault.within("inputs") from None
    for name, role in roles.items():
        if role in media.ROLES and not _has_link(schema["properties"][name]):
            raise Fault(f"a field of the role '{role}' holds a link: give its text the format 'uri'", "inputs", name)
    return schema


def _has_link(schema: Mapping[str, Any]) -> bool:
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return schema.get("format") == media.LINK or any(_has_link(part) for part in inner)


def _checker(fields: Mapping[str, Table], schema: Table) -> Checker:
    try:
        jsonschema_rs.meta.validate(schema)
    except jsonschema_rs.ValidationError as error:
        place = [step for step in error.instance_path if isinstance(step, str) and step != "properties"]
        raise Fault(error.message, "inputs", *place) from None
    checker = Checker(schema, lenient={name for name, field in fields.items() if field.get("lenient")})
    _check_defaults(checker, schema)
    return checker


def _check_defaults(checker: Checker, schema: Table) -> None:
    try:
        checker.accept({})
    except InvalidInput as error:
        for problem in error.problems:
            name = problem.field.split(".")[0]
            if "default" in schema["properties"][name]:
                raise Fault(f"the default of '{problem.field}' {problem.message}", "inputs", name, "default") from None


def _assumed(table: Mapping[str, Any]) -> words.Words:
    for role in table:
        if role not in words.READERS:
            raise Fault(f"there is no role '{role}'; allowed are {', '.join(sorted(words.READERS))}", "assumes", role)
    try:
        return words.read({role: role for role in table}, plain(dict(table)))
    except (TypeError, ValueError) as error:
        raise Fault(f"cannot be assumed: {error}", "assumes") from None


def _names(entry: Entry) -> dict[str, tuple[str, ...]]:
    """The names given. In the entry's own dialect it is the slug, less the prefix that keeps dialects' slugs apart."""
    if not entry.dialect:
        return entry.names
    return {entry.dialect: (entry.slug.removeprefix(f"{entry.dialect}/"),), **entry.names}


def _price(entry: PriceEntry, schema: Table) -> Price:
    expected = {tuple(values) for values in product(*(_choices(schema, name) for name in entry.by))}
    rates = dict(_rates(entry.credits, len(entry.by)))
    for values in sorted(expected ^ rates.keys()):
        what = "has no price" if values in expected else "has a price and cannot be chosen"
        raise Fault(f"{' and '.join(values) or 'the model'} {what}; it goes by {', '.join(entry.by)}", "price", *values)
    return Price(per=entry.per, by=entry.by, rates=rates, base=_credits(entry.base, "base"))


def _choices(schema: Table, name: str) -> list[str]:
    """Every value that a field in a price's `by` can have, as the price table writes it."""
    field = schema["properties"].get(name)
    if field is None:
        raise Fault(f"the price goes by '{name}', and there is no such field", "price", "by")
    if "default" not in field:
        raise Fault(f"the price goes by '{name}', which has no default", "price", "by")
    choices = [True, False] if field["type"] == "boolean" else field.get("enum")
    if choices is None:
        raise Fault(f"the price goes by '{name}', which has no list of values (enum)", "price", "by")
    return [key(choice) for choice in choices if choice is not None]


def _rates(table: Any, depth: int) -> Iterator[tuple[tuple[str, ...], Credits]]:
    if depth == 0:
        yield (), _credits(table, "credits")
        return
    if not isinstance(table, dict):
        raise Fault("credits must be a table of tables, one for each field in 'by'", "price", "credits")
    for value, inner in table.items():
        yield from (((value, *rest), rate) for rest, rate in _rates(inner, depth - 1))


def _credits(amount: Any, place: str) -> Credits:
    is_number = isinstance(amount, int | Decimal) and not isinstance(amount, bool)
    if not is_number or not Decimal(amount).is_finite() or amount < 0:
        raise Fault(f"{place} must be a number from 0, or tables as deep as 'by' is long", "price", place)
    return credits(amount)


def _amounts(price: Price, schema: Table, roles: Mapping[str, str], assumes: words.Words) -> list[float]:
    """What the price can be charged for, at every edge of what the schema allows."""
    measures = MEASURES.get(price.per, ())
    names = [name for name, role in roles.items() if role in measures]
    defaults = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    if price.per == "second" and words.seconds({**assumes, **words.read(roles, defaults)}) is None:
        raise Fault("the price is per second, and no default and no 'assumes' says how many", "price", "per")
    edges = product(*(_edges(name, schema) for name in names))
    told = [{**assumes, **words.read(roles, dict(zip(names, values, strict=True)))} for values in edges]
    return [AMOUNTS[price.per](each) for each in told]


def _edges(name: str, schema: Table) -> list[Any]:
    field = schema["properties"][name]
    if "enum" in field:
        return [value for value in field["enum"] if value is not None]
    if field["type"] == "string" and "maxLength" in field:
        return ["x" * field.get("minLength", 0), "x" * field["maxLength"]]
    if "minimum" in field and "maximum" in field:
        return [field["minimum"], field["maximum"]]
    raise Fault(f"the price goes by '{name}', which has neither a list of values nor both limits", "inputs", name)
