"""`POST /api/ai/tts/generate`: speech in one request, answered when it is spoken."""

import re
from collections.abc import Mapping
from typing import Any

from darkroom import errors
from darkroom.brief import Modality
from darkroom.dialects import wire
from darkroom.dialects.skills.bodies import show_file
from darkroom.dialects.skills.codes import code_of, failure
from darkroom.generation import Generation, Status
from darkroom.verbs import Submit
from darkroom.wire import Reply, WireRequest, WireResponse

PATH = "/api/ai/tts/generate"
WAIT_S = 60.0

LEADING = re.compile(r"^/?(api/)?(v1/)?(generation/)?(sse/)?")
"""What may stand before a model's name in an `endpoint`."""


def parse_speech(request: WireRequest) -> Submit:
    body = wire.body_of(request)
    wire.only(body, ("modelId", "provider", "model", "endpoint", "input"))
    inputs = body.get("input")
    if inputs is None:
        raise errors.InvalidInput.of("input", "is required")
    if not isinstance(inputs, dict):
        raise errors.InvalidInput.of("input", f"must be an object, not {wire.kind(inputs)}")
    return Submit(model=_model(body), inputs=inputs, catalogue="skills", modality=Modality.SPEECH, wait_s=WAIT_S)


def _model(body: Mapping[str, Any]) -> str:
    """The first that is there of `endpoint`, `modelId`, and `model` with its `provider` before it."""
    named = {
        name: wire.text(body, name, limit=200)
        for name in ("endpoint", "modelId", "provider", "model")
        if body.get(name) is not None
    }
    if "endpoint" in named:
        return LEADING.sub("", named["endpoint"])
    if "modelId" in named:
        return named["modelId"]
    if "model" not in named:
        raise errors.InvalidInput.of("modelId", "is required (or endpoint, or provider and model)")
    provider = f"{named['provider']}/" if "provider" in named else ""
    return provider + named["model"].removeprefix(provider)


def render_speech(generation: Generation, reply: Reply) -> WireResponse:
    if generation.status is Status.COMPLETED and generation.outputs:
        return WireResponse(status=200, body={"success": True, "data": _data(generation, reply)})
    if generation.is_terminal:
        status, code, message = failure(generation)
    else:
        status, code = 504, code_of(generation.modality, "TIMEOUT")
        message = f"Not finished within {WAIT_S:g} s; GET /api/v1/generation/{generation.id} tells when it is."
    body = {"success": False, "error": code, "message": message, "id": generation.id}
    return WireResponse(status=status, body=body)


def _data(generation: Generation, reply: Reply) -> dict[str, Any]:
    name = wire.model_name(generation, "skills", reply)
    provider, _, model = name.partition("/")
    file = show_file(generation.outputs[0], "audio", reply)
    return {
        "provider": provider,
        "model": model,
        "modelId": name,
        "endpoint": name,
        "audio_url": file["url"],
        "audio": {name: file[name] for name in ("url", "content_type", "duration")},
        "output": {"audio_url": file["url"]},
        "logs": [],
        "metrics": {"duration_ms": wire.millis_between(generation.created_at, generation.settled_at)},
    }
