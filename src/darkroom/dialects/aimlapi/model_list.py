"""AIMLAPI's list of models: identity alone, or with prices, modalities and capabilities, as the caller asks."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from darkroom.brief import Modality
from darkroom.catalogue import Model
from darkroom.catalogue.media import KEYFRAMES, ROLES
from darkroom.catalogue.price import key
from darkroom.dialects.aimlapi import money
from darkroom.dialects.aimlapi.request import NAME
from darkroom.verbs import ShowModels
from darkroom.wire import Reply, Route, WireRequest, WireResponse

TYPES = {
    Modality.VIDEO: "video",
    Modality.MUSIC: "audio",
    Modality.SOUND: "audio",
    Modality.SPEECH: "tts",
    Modality.IMAGE: "image",
}
OUTPUTS = {**TYPES, Modality.SPEECH: "audio"}
SECTIONS = ("pricing", "modalities", "capabilities")

UNITS = {"": ("generation", 1), "second": ("second", 1), "thousand characters": ("character", 1000)}
"""What a price is for, and how many of it."""


def parse(request: WireRequest) -> ShowModels:
    return ShowModels(catalogue=NAME)


def render(models: Sequence[Model], reply: Reply) -> WireResponse:
    shown = [show(model) for model in models]
    kept = [one for one in shown if _is_wanted(one, reply.request)]
    wanted = _sections(reply.request)
    for one in kept:
        for section in SECTIONS:
            if section not in wanted:
                del one[section]
    body = {"object": "list", "data": kept}
    tag = f'W/"{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]}"'
    if tag in [given.strip() for given in reply.request.headers.get("if-none-match", "").split(",")]:
        return WireResponse(status=304, headers={"etag": tag})
    return WireResponse(status=200, body=body, headers={"etag": tag})


def show(model: Model) -> dict[str, Any]:
    """With every section; the caller gets those that it asked for."""
    name, *aliases = model.names.get(NAME) or (model.slug,)
    kind = TYPES[model.modality]
    return {
        "id": name,
        "aliases": aliases,
        "type": kind,
        "info": {"name": model.name, "developer": model.maker, "description": model.description},
        "tags": [f"playground:{kind}"],
        "pricing": _pricing(model),
        "modalities": {"input": _inputs(model), "output": [OUTPUTS[model.modality]]},
        "capabilities": [str(task).replace("-", "_") for task in model.tasks],
    }


def _inputs(model: Model) -> list[str]:
    kinds = {"image" if role == KEYFRAMES else ROLES[role][1] for role in _media_roles(model)}
    return ["text", *sorted(kinds)]


def _media_roles(model: Model) -> list[str]:
    return [role for role in model.roles.values() if role in ROLES or role == KEYFRAMES]


def _pricing(model: Model) -> dict[str, Any]:
    """In dollars, by the inputs that the price depends on."""
    price = model.price
    unit, per = UNITS.get(price.per, ("generation", 1))
    if price.base:
        return {"kind": "variable"}
    rates = [
        {"when": _choices(model, choices), "price": _dollars(rate), "unit": unit, "per": per}
        for choices, rate in price.rates.items()
    ]
    if not price.by:
        return {"kind": "fixed", "units": [{"price": rate["price"], "unit": unit, "per": per} for rate in rates]}
    return {"kind": "variants", "dimensions": list(price.by), "variants": rates}


def _choices(model: Model, written: Sequence[str]) -> dict[str, Any]:
    """The inputs that a rate is for, as a caller would send them: the price table has them as texts."""
    properties = model.schema["properties"]
    assert isinstance(properties, Mapping)
    named = zip(model.price.by, written, strict=True)
    return {
        name: next((value for value in properties[name].get("enum", ()) if key(value) == text), text)
        for name, text in named
    }


def _dollars(amount: int) -> float:
    return money.dollars(money.units(amount))


def _sections(request: WireRequest) -> set[str]:
    """Unknown sections are left out without a word, as AIMLAPI documents."""
    asked = _values(request, "include")
    if "all" in asked or "true" in _values(request, "details"):
        return set(SECTIONS)
    return asked & set(SECTIONS)


def _is_wanted(shown: Mapping[str, Any], request: WireRequest) -> bool:
    """Several values of a filter: any of them. Several filters: all of them."""
    modalities = shown["modalities"]
    has = {
        "id": [shown["id"], *shown["aliases"]],
        "type": [shown["type"]],
        "tags": shown["tags"],
        "modalities": [*modalities["input"], *modalities["output"]],
        "input_modalities": modalities["input"],
        "output_modalities": modalities["output"],
        "capabilities": shown["capabilities"],
    }
    for name, values in has.items():
        wanted = _values(request, name)
        if wanted and wanted.isdisjoint(value.lower() for value in values):
            return False
    return True


def _values(request: WireRequest, name: str) -> set[str]:
    given = [value for key, value in request.query if key == name]
    return {part.strip().lower() for value in given for part in value.split(",") if part.strip()}


ROUTES = (Route("GET", "/v1/models", parse, render, is_open=True),)
