"""AIMLAPI's universal route, the older ones by vendor with each vendor's quirks, and the one for sound."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from darkroom import errors
from darkroom.asset import Asset
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import money
from darkroom.dialects.aimlapi.luma import failure_reason, headers_of
from darkroom.dialects.aimlapi.refusals import not_served
from darkroom.dialects.aimlapi.request import NAME, body_of, model_name, remembered, take_model
from darkroom.generation import Generation, Status
from darkroom.verbs import Fetch, Submit
from darkroom.wire import Reply, Route, WireRequest, WireResponse

STATUSES = {
    Status.QUEUED: "queued",
    Status.RUNNING: "generating",
    Status.COMPLETED: "completed",
    Status.FAILED: "error",
    Status.CANCELED: "error",
}

VENDORS = ("kling", "minimax", "runway", "alibaba", "google", "bytedance", "pixverse")

RENAMED: Mapping[str, Mapping[str, str]] = {
    "minimax": {"first_frame_image": "image_url", "prompt_optimizer": "enhance_prompt"},
    "runway": {"last_image_url": "tail_image_url"},
}
"""Inputs that a vendor's older route calls otherwise than the universal one."""

RUNWAY_MODELS = {"gen4_turbo": "runway/gen4_turbo", "gen4_aleph": "runway/gen4_aleph", "act_two": "runway/act_two"}
RUNWAY_TURBO = ("gen3a_turbo", "runway/gen4_turbo")
RUNWAY_RATIOS = {
    "1280:768": "16:9",
    "768:1280": "9:16",
    "1280:720": "16:9",
    "720:1280": "9:16",
    "1104:832": "4:3",
    "832:1104": "3:4",
    "960:960": "1:1",
    "1584:672": "21:9",
}
"""Runway writes a shape in pixels; the models here know it by name."""


def parse_submit(request: WireRequest, *, modality: str, vendor: str = "") -> Submit:
    body = body_of(request)
    given = take_model(body)
    model = given
    for old, new in RENAMED.get(vendor, {}).items():
        if old in body and new not in body:
            body[new] = body.pop(old)
    if vendor == "runway":
        model = RUNWAY_MODELS.get(given, given)
        _read_runway(model, body)
    return Submit(
        model=model,
        inputs=body,
        catalogue=NAME,
        modality=modality,
        # No mark is ever put on a result, so a wish about it changes nothing.
        may_drop=("watermark",) if vendor else (),
        wire={**remembered(request, given), "route": vendor or modality},
    )


def _read_runway(model: str, body: dict[str, Any]) -> None:
    if model not in RUNWAY_TURBO:
        if "ratio" in body and "frame_size" not in body:
            body["frame_size"] = body.pop("ratio")
        return
    body.setdefault("duration", 10)  # this route's default; the universal one's is 5
    ratio = body.get("ratio")
    if isinstance(ratio, str) and "aspect_ratio" not in body:
        body["aspect_ratio"] = RUNWAY_RATIOS.get(body.pop("ratio"), ratio)


def parse_fetch(request: WireRequest) -> Fetch:
    given = [value for name, value in request.query if name == "generation_id" and value]
    if not given:
        raise errors.InvalidInput.of("generation_id", "is required")
    if len(set(given)) > 1:
        raise errors.InvalidInput.of("generation_id", "must be one id")
    return Fetch(id=given[0].lower())


def show(generation: Generation, reply: Reply, *, key: str = "video") -> dict[str, Any]:
    """One shape for submit and poll. `key` holds the result: the route's own one is there from the start, as null."""
    asset = _result(generation)
    used = generation.spent_total if generation.is_terminal else generation.quote
    shown: dict[str, Any] = {
        "id": generation.id,
        "status": STATUSES[generation.status],
        key: None,
        "duration": wire.number(asset.duration_s) if asset else None,
        "error": _error(generation),
        "meta": money.usage(used),
        "model": model_name(generation, reply),
    }
    if asset is not None:
        shown[_key(asset)] = _show_asset(asset, reply)
    return shown


def _result(generation: Generation) -> Asset | None:
    is_done = generation.status is Status.COMPLETED
    return generation.outputs[0] if is_done and generation.outputs else None


KEYS = {"video": "video", "audio": "audio_file", "image": "image"}


def _key(asset: Asset) -> str:
    """What was made by another kind of model is named as what it is."""
    return KEYS.get(asset.media_type.partition("/")[0], "file")


def _show_asset(asset: Asset, reply: Reply) -> dict[str, Any]:
    return {
        "url": reply.link(asset),
        "duration": wire.number(asset.duration_s),
        "content_type": asset.media_type,
        "file_name": asset.file_name,
        "file_size": asset.size_bytes,
    }


def _error(generation: Generation) -> dict[str, str] | None:
    message = failure_reason(generation)
    if message is None:
        return None
    code = generation.cause.code if generation.cause else "canceled"
    return {"name": "".join(word.title() for word in code.split("_")), "message": message}


def show_by_vendor(generation: Generation, reply: Reply, *, vendor: str) -> dict[str, Any]:
    shown = show(generation, reply)
    if vendor in ("kling", "minimax"):
        shown["generation_id"] = generation.id  # their oldest clients read this and no `id`
    if vendor == "runway" and shown["video"] is not None:
        shown["video"] = [reply.link(asset) for asset in generation.outputs]
    return shown


def render(generation: Generation, reply: Reply, *, key: str) -> WireResponse:
    return WireResponse(status=200, body=show(generation, reply, key=key), headers=headers_of(generation))


def render_by_vendor(generation: Generation, reply: Reply, *, vendor: str) -> WireResponse:
    body = show_by_vendor(generation, reply, vendor=vendor)
    return WireResponse(status=200, body=body, headers=headers_of(generation))


def _vendor_routes(vendor: str) -> Sequence[Route]:
    path = f"/v2/generate/video/{vendor}/generation"
    shape = partial(render_by_vendor, vendor=vendor)
    return (
        Route("POST", path, partial(parse_submit, modality="video", vendor=vendor), shape),
        Route("GET", path, parse_fetch, shape, is_status=True),
    )


AUDIO = "/v2/generate/audio"
UPLOADS = "voices are not uploaded here; call POST /v2/generate/audio with a model that takes a reference_audio_url"
HEX = "the sound is never sent as hex in the answer; call POST /v2/generate/audio with the same body, then GET it"
DEAD = "Suno's clips ended at AIMLAPI itself; call POST /v2/generate/audio with another music model"

ROUTES = (
    Route("POST", "/v2/video/generations", partial(parse_submit, modality="video"), partial(render, key="video")),
    Route("GET", "/v2/video/generations", parse_fetch, partial(render, key="video"), is_status=True),
    *(route for vendor in VENDORS for route in _vendor_routes(vendor)),
    Route("POST", AUDIO, partial(parse_submit, modality="music"), partial(render, key="audio_file")),
    Route("GET", AUDIO, parse_fetch, partial(render, key="audio_file"), is_status=True),
    not_served("POST", f"{AUDIO}/minimax/upload", UPLOADS),
    not_served("POST", f"{AUDIO}/minimax/generate", HEX),
    not_served("POST", f"{AUDIO}/suno-ai/clip", DEAD),
    not_served("GET", f"{AUDIO}/suno-ai/clip", DEAD),
)
