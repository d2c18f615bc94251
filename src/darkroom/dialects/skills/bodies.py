"""A generation as skills.video shows it: submitted, fetched, streamed."""

from typing import Any

from darkroom.asset import Asset
from darkroom.brief import Modality
from darkroom.credits import whole_units
from darkroom.dialects import wire
from darkroom.dialects.skills.codes import failure
from darkroom.generation import Generation, Status
from darkroom.ledger import Purse
from darkroom.told import Told
from darkroom.wire import Event, Reply, WireResponse

STATES = {
    Status.QUEUED: "IN_QUEUE",
    Status.RUNNING: "IN_PROGRESS",
    Status.COMPLETED: "COMPLETED",
    Status.FAILED: "FAILED",
    Status.CANCELED: "CANCELED",
}
TYPES = {Modality.VIDEO: "video", Modality.IMAGE: "image"}
"""Everything else is audio."""

NOTHING = {"total": 0, "subscription": 0, "permanent": 0}


def show_submitted(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "id": generation.id,
        "status": STATES[generation.status],
        "input": wire.shown(generation.inputs, reply),
        "usage": show_usage(generation),
    }


def show_generation(generation: Generation, reply: Reply) -> dict[str, Any]:
    return {
        "id": generation.id,
        "status": STATES[generation.status],
        "input": wire.shown(generation.inputs, reply),
        "data": show_data(generation, reply),
        "usage": show_usage(generation),
        **_failure(generation),
    }


def show_event(generation: Generation, reply: Reply) -> dict[str, Any]:
    """As in the documents' stream, nothing is used before the end: there, what is held is not told."""
    return {
        "id": generation.id,
        "status": STATES[generation.status],
        "data": show_data(generation, reply),
        "usage": show_usage(generation) if generation.is_terminal else NOTHING,
        **_failure(generation),
    }


def _failure(generation: Generation) -> dict[str, str]:
    if generation.status is not Status.FAILED:
        return {}
    _, code, message = failure(generation)
    return {"code": code, "message": message}


def show_usage(generation: Generation) -> dict[str, int]:
    """What is held while it is under way, what it cost once it is completed; nothing where it failed."""
    if generation.status is Status.COMPLETED:
        amounts = generation.spent
    else:
        amounts = {} if generation.is_terminal else generation.held
    total = whole_units(sum(amounts.values()))
    subscription = whole_units(amounts.get(Purse.SUBSCRIPTION, 0))
    # Each part rounded up by itself could come to more than the total.
    return {"total": total, "subscription": subscription, "permanent": total - subscription}


def show_data(generation: Generation, reply: Reply) -> dict[str, Any] | None:
    """The files, as a list and the first of them by itself, under the name of what they are."""
    if generation.status is not Status.COMPLETED:
        return None
    kind = TYPES.get(Modality(generation.modality), "audio")
    files = [show_file(asset, kind, reply) for asset in generation.outputs]
    data: dict[str, Any] = {"type": kind, "n": len(files)}
    if kind == "image":
        data["actual_prompt"] = generation.inputs.get("prompt", "")
    return {**data, f"{kind}s": files, kind: files[0] if files else None}


def show_file(asset: Asset, kind: str, reply: Reply) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "url": reply.link(asset),
        "file_name": asset.file_name,
        "content_type": asset.media_type,
    }
    if kind != "audio":
        shown |= {"width": asset.width, "height": asset.height}
    if kind != "image":
        shown["duration"] = wire.number(asset.duration_s)
    return shown


def render_submitted(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=202, body=show_submitted(generation, reply))


def render_generation(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_generation(generation, reply))


def tell_event(told: Told, reply: Reply) -> Event | None:
    """Unnamed and without an id, as in the documents' stream: who comes again is told the state as it is."""
    return None if told.generation is None else Event(data=show_event(told.generation, reply))
