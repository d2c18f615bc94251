"""What AIMLAPI's routes share in reading a request, and in naming the model of a generation."""

import re
from collections.abc import Sequence
from typing import Any

from darkroom import errors
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import refusals
from darkroom.generation import Generation
from darkroom.wire import Reply, WireRequest

NAME = "aimlapi"
LUMA = "aimlapi-luma"
"""Whose names the catalogue keeps apart: Luma's own route calls its models otherwise than the universal one."""

MOST_IDS = 100
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def body_of(request: WireRequest) -> dict[str, Any]:
    """A copy of the JSON object that came; raises `InvalidInput`."""
    if request.is_form:
        raise errors.InvalidInput.of("", "a form came; send a JSON object, with 'content-type: application/json'")
    return dict(wire.body_of(request))


def take_model(body: dict[str, Any]) -> str:
    """Takes the model's name out of the body; raises `InvalidInput`."""
    model = wire.text(body, "model", limit=200)
    del body["model"]
    return model


def choose(field: str, value: object, allowed: Sequence[str]) -> str:
    """Raises `InvalidInput` for anything that is not among the allowed."""
    if not isinstance(value, str) or value not in allowed:
        raise errors.InvalidInput(errors.Problem(field, f"must be one of {', '.join(allowed)}", tuple(allowed)))
    return value


def ids_in_query(request: WireRequest, names: Sequence[str]) -> list[str]:
    """The ids under any of the names, however a client writes a list: `x`, `x[]`, `x[0]`, commas; each only once."""
    wanted = re.compile(rf"(?:{'|'.join(names)})(?:\[\d{{0,9}}\])?")
    given = [value for name, value in request.query if wanted.fullmatch(name)]
    ids = dict.fromkeys(part.strip() for value in given for part in value.split(","))
    ids.pop("", None)
    if not ids:
        raise errors.InvalidInput.of(names[0], "is required")
    if len(ids) > MOST_IDS:
        raise errors.InvalidInput.of(names[0], f"must be at most {MOST_IDS} ids; these are {len(ids)}")
    for id in ids:
        if not UUID.fullmatch(id):
            raise errors.InvalidInput.of(names[0], f"Invalid uuid '{id[: refusals.SHOWN_LENGTH]}'")
    return [id.lower() for id in ids]


def remembered(request: WireRequest, model: str) -> dict[str, Any]:
    """What is kept with a generation to be told again later."""
    kept = {"model": model}
    client_id = refusals.client_id(request)
    if client_id is not None:
        kept["client_request_id"] = client_id
    return kept


def model_name(generation: Generation, reply: Reply) -> str:
    """The model as the caller named it, or as AIMLAPI's callers would where it was asked for otherwise."""
    given = generation.wire.get("model")
    if generation.dialect == NAME and isinstance(given, str):
        return given
    try:
        names = reply.catalogue.find(generation.model).names
    except errors.Rejected:
        return generation.model  # the operator took the model out since
    return next(iter((*names.get(NAME, ()), *names.get(LUMA, ()))), generation.model)
