"""Luma's route at AIMLAPI: Luma's own words, states that can be waited for, one Generation object everywhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from darkroom import errors
from darkroom.asset import Asset
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import money
from darkroom.dialects.aimlapi.request import (
    LUMA,
    body_of,
    choose,
    ids_in_query,
    model_name,
    remembered,
)
from darkroom.generation import Generation, Notice, Status
from darkroom.ports import Delivery
from darkroom.verbs import Fetch, FetchMany, Submit, Tell
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

STATES = {
    Status.QUEUED: "queued",
    Status.RUNNING: "dreaming",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "failed",
}
WAITED_FOR = {"queued": Status.QUEUED, "dreaming": Status.RUNNING, "completed": Status.COMPLETED}
"""What can be waited for. A failure cannot: it ends every wait."""

LONGEST_WAIT_S = 29.5
"""AIMLAPI answers within 30 seconds, and clients give up at 30."""

MODELS = {"ray-1-6": "v1.6", "ray-2": "v2", "ray-flash-2": "v2"}
"""The models that this route names, and the `version` that older clients read."""

USUAL_MODEL = "ray-2"
IDS = ("generation_id", "generation_ids")
STATE_NAMES = ("state", "status")
"""The documents' samples mix these up, so both names are taken on both routes."""

HINTS = {
    "failed": "a failed generation cannot be waited for: it ends every wait",
    "streaming": "'streaming' is a state of Suno's clips; wait for 'dreaming' or 'completed'",
}

REQUEST_FIELDS = ("prompt", "aspect_ratio", "loop", "resolution", "duration", "concepts")

CAMERA_MOTIONS = (
    *("Static", "Move Left", "Move Right", "Move Up", "Move Down", "Push In", "Pull Out", "Zoom In", "Zoom Out"),
    *("Pan Left", "Pan Right", "Orbit Left", "Orbit Right", "Crane Up", "Crane Down"),
)
"""Luma's motions, to be written into a prompt as words."""


def parse_create(request: WireRequest) -> Submit:
    body = body_of(request)
    model = body.pop("model", None)
    model = USUAL_MODEL if model is None else choose("model", model, tuple(MODELS))
    callback_url = body.pop("callback_url", None)
    if callback_url is not None:
        callback_url = wire.text({"callback_url": callback_url}, "callback_url")
    return submit(request, model, body, callback_url=callback_url)


def submit(
    request: WireRequest, model: str, inputs: Mapping[str, object], *, callback_url: str | None = None
) -> Submit:
    return Submit(
        model=model,
        inputs=inputs,
        catalogue=LUMA,
        modality="video",
        callback_url=callback_url,
        wire={**remembered(request, model), "route": "luma"},
    )


def parse_fetch(request: WireRequest) -> Fetch:
    ids = ids_in_query(request, IDS)
    if len(ids) > 1:
        raise errors.InvalidInput.of("generation_id", "must be one id; ask /generations for several")
    until = _until(request)
    return Fetch(id=ids[0], until=until, wait_s=_wait_s(until))


def parse_fetch_many(request: WireRequest) -> FetchMany:
    ids = ids_in_query(request, tuple(reversed(IDS)))
    until = _until(request)
    return FetchMany(ids=ids, until=until, wait_s=_wait_s(until))


def _until(request: WireRequest) -> Status:
    """The state that the caller waits for; without one it is answered at once."""
    given = [(name, value) for name, value in request.query if name in STATE_NAMES and value != ""]
    for name, value in given:
        _check_state(name, value)
    if len({value for _, value in given}) > 1:
        raise errors.InvalidInput.of(given[0][0], "asks for more than one state; wait for one")
    return WAITED_FOR[given[0][1]] if given else Status.QUEUED


def _check_state(name: str, value: str) -> None:
    try:
        choose(name, value, tuple(WAITED_FOR))
    except errors.InvalidInput as error:
        if value not in HINTS:
            raise
        raise errors.InvalidInput(*error.problems, errors.Problem("", HINTS[value])) from None


def _wait_s(until: Status) -> float:
    return 0.0 if until is Status.QUEUED else LONGEST_WAIT_S


def show(generation: Generation, reply: Reply) -> dict[str, Any]:
    """Luma's Generation object, with what older clients of AIMLAPI read beside it: `video`, `video_url`, `version`."""
    model = model_name(generation, reply)
    asset = _result(generation)
    video = show_video(generation, reply)
    return {
        "id": generation.id,
        "generation_type": "image" if asset and asset.media_type.startswith("image/") else "video",
        "state": STATES[generation.status],
        "failure_reason": failure_reason(generation),
        "created_at": wire.millis_z(generation.created_at),
        "assets": _assets(asset, reply),
        "video": video,
        "video_url": video["url"] if video else None,
        "prompt": generation.inputs.get("prompt"),
        "version": MODELS.get(model),
        "model": model,
        "request": _request(generation, model, reply),
    }


def failure_reason(generation: Generation) -> str | None:
    if generation.status is Status.CANCELED:
        return "The generation was canceled"
    if generation.status is not Status.FAILED:
        return None
    return generation.cause.message if generation.cause else "The generation failed"


def show_video(generation: Generation, reply: Reply) -> dict[str, Any] | None:
    asset = _result(generation)
    if asset is None or not asset.media_type.startswith("video/"):
        return None
    thumbnail = reply.link(asset.thumbnail) if asset.thumbnail else None
    return {"url": reply.link(asset), "width": asset.width, "height": asset.height, "thumbnail": thumbnail}


def _result(generation: Generation) -> Asset | None:
    is_done = generation.status is Status.COMPLETED
    return generation.outputs[0] if is_done and generation.outputs else None


def _assets(asset: Asset | None, reply: Reply) -> dict[str, str | None] | None:
    """Luma's own kinds are video and image; a sound that was made elsewhere is named as what it is."""
    if asset is None:
        return None
    kind = asset.media_type.partition("/")[0]
    picture = reply.link(asset.thumbnail) if asset.thumbnail else None
    return {"video": None, "image": picture, kind: reply.link(asset)}


def _request(generation: Generation, model: str, reply: Reply) -> dict[str, Any]:
    keyframes = generation.inputs.get("keyframes")
    return {
        "generation_type": "video",
        "model": model,
        **{name: generation.inputs.get(name) for name in REQUEST_FIELDS},
        "keyframes": wire.shown(keyframes, reply) if isinstance(keyframes, Mapping) else None,
        "callback_url": generation.callback_url,
    }


def headers_of(generation: Generation) -> dict[str, str]:
    """AIMLAPI's headers about one generation: what is held for it until it ends, then what it has cost."""
    used = money.units(generation.spent_total if generation.is_terminal else generation.quote)
    return {
        "x-inference-id": generation.id,
        "x-aimlapi-credits-used": str(used),
        "x-aimlapi-usd-spent": money.dollars_text(used),
    }


def render_created(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=201, body=show(generation, reply), headers=headers_of(generation))


def render(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show(generation, reply), headers=headers_of(generation))


def render_many(generations: Sequence[Generation], reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=[show(generation, reply) for generation in generations])


def render_motions(nothing: None, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=list(CAMERA_MOTIONS))


def callback(delivery: Delivery, reply: Reply) -> Message | None:
    """The Generation object as it was at the state that is told, unsigned as Luma's own callbacks are."""
    if delivery.state is Status.QUEUED or isinstance(delivery.state, Notice):
        return None
    told = replace(delivery.generation, status=delivery.state)
    return Message(msgspec.json.encode(show(told, reply)), {"content-type": "application/json"})


PATH = "/v2/generate/video/luma-ai"

ROUTES = (
    Route("POST", f"{PATH}/generation", parse_create, render_created),
    Route("GET", f"{PATH}/generation", parse_fetch, render, is_status=True),
    Route("GET", f"{PATH}/generations", parse_fetch_many, render_many, is_status=True),
    Route("GET", f"{PATH}/camera-motions", lambda request: Tell(), render_motions),
)
