"""Luma's older route at AIMLAPI, kept for callers that still use it: `user_prompt`, `image_url`, extend."""

from collections.abc import Sequence
from typing import Any

from darkroom import errors
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import luma
from darkroom.dialects.aimlapi.refusals import not_served
from darkroom.dialects.aimlapi.request import NAME, UUID, body_of, choose, ids_in_query
from darkroom.generation import Generation
from darkroom.verbs import FetchMany, List, Page, Submit
from darkroom.wire import Reply, Route, WireRequest, WireResponse

FIELDS = ("user_prompt", "aspect_ratio", "expand_prompt", "image_url", "image_end_url", "model")
USUAL_MODEL = "ray-1-6"
LIST_LENGTH = 100
"""How many a list shows; its documents know no pages."""


def parse_create(request: WireRequest) -> Submit:
    body = body_of(request)
    return _submit(request, body, begin=_picture(body, "image_url"))


def parse_extend(request: WireRequest) -> Submit:
    """The given generation is continued; a picture to begin with has no place in that."""
    body = body_of(request)
    earlier = request.path["id"]
    if not UUID.fullmatch(earlier):
        raise errors.NotFound(f"generation {earlier[:64]}")
    if body.get("image_url") is not None:
        raise errors.InvalidInput.of("image_url", "has no place here: the extension begins where the generation ends")
    return _submit(request, body, begin={"type": "generation", "id": earlier.lower()})


def _submit(request: WireRequest, body: dict[str, Any], *, begin: dict[str, str] | None) -> Submit:
    wire.only(body, FIELDS)
    inputs: dict[str, object] = {"prompt": wire.text(body, "user_prompt")}
    # Whether the prompt may be reworded first; nobody rewords it here.
    if not isinstance(body.get("expand_prompt", False), bool):
        raise errors.InvalidInput.of("expand_prompt", "must be true or false")
    if body.get("aspect_ratio") is not None:
        inputs["aspect_ratio"] = body["aspect_ratio"]
    ends = {"frame0": begin, "frame1": _picture(body, "image_end_url")}
    keyframes = {name: end for name, end in ends.items() if end is not None}
    if keyframes:
        inputs["keyframes"] = keyframes
    model = USUAL_MODEL if body.get("model") is None else choose("model", body["model"], tuple(luma.MODELS))
    return luma.submit(request, model, inputs)


def _picture(body: dict[str, Any], name: str) -> dict[str, str] | None:
    url = body.get(name)
    if url is None:
        return None
    if not isinstance(url, str):
        raise errors.InvalidInput.of(name, f"must be a link, not {wire.kind(url)}")
    return {"type": "image", "url": url}


def parse_fetch(request: WireRequest) -> FetchMany:
    return FetchMany(ids=ids_in_query(request, ("ids",)))


def parse_list(request: WireRequest) -> List:
    return List(dialect=NAME, modality=("video",), limit=LIST_LENGTH)


def show(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "id": generation.id,
        "created_at": wire.millis_z(generation.created_at),
        "prompt": generation.inputs.get("prompt"),
        "state": luma.STATES[generation.status],
        "estimate_wait_seconds": None if generation.is_terminal else _expected_wait_s(generation, reply),
        "liked": generation.is_favorite or None,
        "video": luma.show_video(generation, reply),
        "failure_reason": luma.failure_reason(generation),
    }


def _expected_wait_s(generation: Generation, reply: Reply) -> int | None:
    try:
        return reply.catalogue.find(generation.model).expected_wait_s[1]
    except errors.Rejected:
        return None  # the operator took the model out since


def render_created(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=201, body=show(generation, reply), headers=luma.headers_of(generation))


def render_many(generations: Sequence[Generation], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=[show(generation, reply) for generation in generations])


def render_list(page: Page[Generation], reply: Reply) -> WireResponse:
    body = [
        {"luma_generation_id": generation.id, "prompt": generation.inputs.get("prompt")}
        for generation in page.items
        if generation.wire.get("route") == "luma"
    ]
    return WireResponse(status=200, body=body)


def _routes(base: str) -> tuple[Route, ...]:
    upload = not_served(
        "POST",
        f"{base}/luma-ai/generations/file-upload",
        "give the picture's URL as image_url or image_end_url; it is fetched from there",
    )
    return (
        Route("POST", f"{base}/luma-ai/generations", parse_create, render_created),
        Route("GET", f"{base}/luma-ai/generations", parse_list, render_list),
        Route("GET", f"{base}/luma-ai/generation", parse_fetch, render_many, is_status=True),
        Route("POST", f"{base}/luma-ai/generations/{{id}}/extend", parse_extend, render_created),
        upload,
    )


ROUTES = (*_routes(""), *_routes("/v1"))
