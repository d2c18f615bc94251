"""Elumenta's words for ours: states, categories, plans, and the names that its callers know models by."""

from collections.abc import Sequence

from darkroom import errors
from darkroom.brief import Modality
from darkroom.generation import Generation, Status
from darkroom.wire import Reply

NAME = "elumenta"

STATES = {
    Status.QUEUED: "pending",
    Status.RUNNING: "pending",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELED: "failed",
}
STATUSES = {
    "pending": (Status.QUEUED, Status.RUNNING),
    "completed": (Status.COMPLETED,),
    "failed": (Status.FAILED, Status.CANCELED),
}
CATEGORIES = {
    Modality.VIDEO: "video",
    Modality.IMAGE: "image",
    Modality.SPEECH: "tts",
    Modality.MUSIC: "music",
    Modality.SOUND: "tool",
}


def slug_of(generation: Generation, reply: Reply) -> str:
    """The name that Elumenta's callers know the model by."""
    return next(iter(_names(generation, reply)), generation.model)


def _names(generation: Generation, reply: Reply) -> Sequence[str]:
    try:
        return reply.catalogue.find(generation.model).names.get(NAME, ())
    except errors.Rejected:
        return ()  # the operator took the model out since


def model_name(generation: Generation, reply: Reply) -> str:
    try:
        return reply.catalogue.find(generation.model).name
    except errors.Rejected:
        return generation.model


def plan_of(plan: str) -> str:
    """Two systems have a plan `pro`: ours is told apart by its name, which Elumenta's callers do not know."""
    return plan.removeprefix("elumenta-")
