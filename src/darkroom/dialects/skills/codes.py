"""The codes of skills.video: what was asked for, then what became of it, as in `VIDEO_GENERATION_TIMEOUT`."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom import errors
from darkroom.brief import Modality
from darkroom.credits import MICRO, whole_units
from darkroom.dialects import wire
from darkroom.generation import Generation

KINDS = {"": "VIDEO", Modality.VIDEO: "VIDEO", Modality.IMAGE: "IMAGE"}
"""Everything else is speech. What is refused before a model was found is told as a video, which most models make."""

REFUSED: Mapping[type[errors.DarkroomError], tuple[int, str]] = {
    errors.UnknownModel: (400, "UNSUPPORTED_MODEL"),
    errors.ModelUnavailable: (400, "UNSUPPORTED_MODEL"),
    errors.ModelNotAllowed: (400, "UNSUPPORTED_MODEL"),
    errors.InvalidInput: (400, "INVALID_INPUT"),
    errors.IdempotencyConflict: (422, "IDEMPOTENCY_CONFLICT"),
    errors.InsufficientCredits: (402, "INSUFFICIENT_CREDITS"),
    errors.LimitReached: (429, "RATE_LIMITED"),
    errors.TooManyInFlight: (429, "RATE_LIMITED"),
    errors.Unavailable: (503, "PROVIDER_UNAVAILABLE"),
}
"""Of a submit these are ends of codes, otherwise whole ones."""

OTHERS: Mapping[type[errors.DarkroomError], tuple[int, str]] = {
    errors.Unauthenticated: (401, "UNAUTHORIZED"),
    # 403 is not among the documented statuses; what is missing is to be paid for.
    errors.Forbidden: (402, "PLAN_REQUIRED"),
    errors.NotYours: (404, "NOT_FOUND"),
    errors.NotFound: (404, "NOT_FOUND"),
    errors.WrongMethod: (405, "METHOD_NOT_ALLOWED"),
}
"""Whole codes, whatever was asked for."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`message` is shown as it is; where it is empty the cause's own is, which then names nobody."""

    status: int
    ending: str
    message: str


UNEXPECTED = Failed(502, "FAILED", "The generation failed. Nothing was charged.")

FAILED = {
    "content_refused": Failed(422, "CONTENT_REJECTED", "The content was rejected. Change the prompt or the media."),
    "provider_unavailable": Failed(503, "PROVIDER_UNAVAILABLE", "The model is unavailable now. Please retry later."),
    "provider_timed_out": Failed(504, "TIMEOUT", "The generation did not finish in time. Please retry later."),
    # About the caller's own media, in our words: it tells what to mend.
    "input_unusable": Failed(400, "INVALID_INPUT", ""),
}
"""Code of a cause to what is shown of it. Messages of upstreams name their vendors, so they are not shown."""


def code_of(modality: str, ending: str) -> str:
    return f"{KINDS.get(modality, 'TTS')}_GENERATION_{ending}"


def refusal(error: errors.Rejected, *, is_submit: bool, modality: str) -> tuple[int, str]:
    """HTTP status and code; `modality` is what is known of it without the error."""
    status, ending = wire.look_up({**REFUSED, **OTHERS}, error)
    is_of_generation = is_submit and isinstance(error, tuple(REFUSED))
    return status, code_of(error.modality or modality, ending) if is_of_generation else ending


def refusal_message(error: errors.Rejected) -> str:
    if isinstance(error, errors.InsufficientCredits):
        needed, available = whole_units(error.needed), error.available // MICRO
        return f"Insufficient credits: this costs {needed} and {available} are available."
    if isinstance(error, errors.LimitReached):
        return "Rate limit exceeded. Please retry later."
    if isinstance(error, errors.NotYours):
        return str(errors.NotFound(error.what))
    return str(error)


def failure(generation: Generation) -> tuple[int, str, str]:
    """HTTP status, code and message of a generation that has failed."""
    cause = generation.cause
    failed = FAILED.get(cause.code, UNEXPECTED) if cause is not None else UNEXPECTED
    message = failed.message or (cause.message if cause is not None else "")
    return failed.status, code_of(generation.modality, failed.ending), message
