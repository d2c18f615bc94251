"""Elumenta's `/api/v2`: integer ids, tokens, options at the top level or inside `params`. 1 token is 1 credit."""

from collections.abc import Mapping, Sequence
from typing import Any

from darkroom import errors
from darkroom.account import KeyForm
from darkroom.credits import whole_units
from darkroom.dialects import elumenta_account as account
from darkroom.dialects import wire
from darkroom.dialects.elumenta_words import NAME, STATES, plan_of, slug_of
from darkroom.generation import Generation, Status
from darkroom.ports import Delivery
from darkroom.verbs import Fetch, Submit
from darkroom.wire import Message, Reply, Route, WireRequest, WireResponse

ERRORS: Mapping[type[errors.DarkroomError], tuple[int, str]] = {
    errors.Unauthenticated: (401, "not_authenticated"),
    errors.Forbidden: (403, "insufficient_plan"),
    errors.NotYours: (404, "not_found"),
    errors.NotFound: (404, "not_found"),
    errors.UnknownModel: (404, "not_found"),
    errors.ModelUnavailable: (503, "model_unavailable"),
    errors.InvalidInput: (422, "validation_error"),
    errors.BodyTooLarge: (413, "bad_request"),
    errors.IdempotencyConflict: (422, "validation_error"),
    errors.InsufficientCredits: (402, "insufficient_tokens"),
    errors.LimitReached: (429, "rate_limit_exceeded"),
    errors.TooManyInFlight: (429, "rate_limit_exceeded"),
    errors.Unavailable: (503, "model_unavailable"),
}

AT_ONCE_S = 25.0
"""Images, speech and sound are answered in the same response when they are done by then. Clients wait 30 s and more."""


def parse_generate(request: WireRequest) -> Submit:
    body = dict(wire.body_of(request))
    model = wire.text(body, "model", limit=200)
    del body["model"]
    params = account.params_of(body.pop("params", None))
    if body.get("stream") in (False, None):
        # A wish for a stream stays: a text model is refused for what it is, any other has no such input.
        body.pop("stream", None)
    # The reference page puts the options inside `params`, the guides beside it; what stands beside it wins.
    inputs = account.renamed({**params, **body})
    return Submit(
        model=model, inputs=inputs, catalogue=NAME, at_once_s=AT_ONCE_S, may_drop=account.asking_nothing(inputs)
    )


def parse_status(request: WireRequest) -> Fetch:
    return Fetch(id=wire.number_in_path(request, "id", what="generation"))


def parse_text_only(request: WireRequest) -> Submit:
    """Streaming and transcription exist for text, which is outside of our field."""
    body = request.body if isinstance(request.body, dict) else {}
    model = body.get("model", "whisper" if request.url.endswith("/stt") else "text")
    shown = model[0] if isinstance(model, list) and model else model
    raise errors.ModelUnavailable(str(shown)[:200], "text is neither streamed nor transcribed by this server")


def show_generation(generation: Generation, reply: Reply) -> dict[str, Any]:
    """The seeds' fields for each state: pending, completed, failed."""
    shown: dict[str, Any] = {
        "id": generation.number,
        "status": STATES[generation.status],
        "model_slug": slug_of(generation, reply),
    }
    if generation.status is Status.COMPLETED:
        shown |= _result(generation, reply)
    elif generation.is_terminal:
        shown["error"] = _error(generation)
    else:
        shown["result_url"] = None
    shown["tokens_spent"] = whole_units(generation.spent_total)
    shown["processing_ms"] = wire.millis_between(generation.started_at, generation.settled_at)
    shown["created_at"] = wire.seconds_z(generation.created_at)
    if generation.is_terminal:
        shown["completed_at"] = wire.seconds_z(generation.settled_at)
    return shown


def _result(generation: Generation, reply: Reply) -> dict[str, Any]:
    if not generation.outputs:
        return {"result_url": None, "thumbnail_url": None, "result_metadata": None}  # past its retention
    first = generation.outputs[0]
    metadata = {"duration": wire.number(first.duration_s), "width": first.width, "height": first.height}
    shown: dict[str, Any] = {"result_url": reply.link(first)}
    if len(generation.outputs) > 1:
        shown["result_urls"] = [reply.link(asset) for asset in generation.outputs]
    shown["thumbnail_url"] = reply.link(first.thumbnail) if first.thumbnail else None
    shown["result_metadata"] = {name: value for name, value in metadata.items() if value is not None}
    return shown


def _error(generation: Generation) -> str:
    if generation.status is Status.CANCELED:
        return "Canceled"
    message = generation.cause.message if generation.cause else "unknown"
    return f"Provider error: {message}"


def render_generation(generation: Generation, reply: Reply) -> WireResponse:
    return WireResponse(status=200, body=show_generation(generation, reply))


class Elumenta:
    name = NAME
    key_form = KeyForm(prefix="nb_", length=48)
    decorates = True
    routes: Sequence[Route] = (
        Route("POST", "/api/v2/generate", parse_generate, render_generation),
        Route("GET", "/api/v2/generate/{id}", parse_status, render_generation, is_status=True, is_timeless=True),
        Route("GET", "/api/v2/generate/status/{id}", parse_status, render_generation, is_status=True, is_timeless=True),
        Route("POST", "/api/v2/generate/stream", parse_text_only, account.render_nothing),
        Route("POST", "/api/v2/stt", parse_text_only, account.render_nothing),
        *account.ROUTES,
    )

    def refuse(self, error: errors.Rejected, request: WireRequest) -> WireResponse:
        status, code = wire.look_up(ERRORS, error)
        if isinstance(error, errors.LimitReached):
            return _refuse_rate(error)
        message = str(error)
        if isinstance(error, errors.NotYours):
            message = str(errors.NotFound(error.what))
        details: dict[str, Any] = {}
        if isinstance(error, errors.InvalidInput):
            details = {problem.field: problem.message for problem in error.problems if problem.field}
            if not details and status == 422:
                status, code = 400, "bad_request"  # the body as a whole, not a field of it
        elif isinstance(error, errors.InsufficientCredits):
            details = {"needed": whole_units(error.needed), "available": error.available // 1_000_000}
        elif isinstance(error, errors.UnknownModel):
            details = {"model": f"unknown; see GET /api/v2/models{_near(error)}"}
        return WireResponse(status=status, body={"error": code, "message": message, "details": details})

    def crash(self, request: WireRequest) -> WireResponse:
        message = f"An error of ours, logged as {request.id}; no tokens were spent"
        return WireResponse(status=500, body={"error": "provider_error", "message": message, "details": {}})

    def decorate(self, reply: Reply) -> Mapping[str, str]:
        """The limits' headers; a plan without limits has none to tell."""
        headers = {}
        for state in reply.limits:
            window = state.window.title()
            headers[f"X-RateLimit-Limit-{window}"] = str(state.limit)
            headers[f"X-RateLimit-Remaining-{window}"] = str(state.remaining)
            if state.window == "hour":
                headers["X-RateLimit-Reset-Hour"] = str(state.resets_at_s)
        return headers

    def new_secret(self) -> str:
        return ""

    def message(self, delivery: Delivery, reply: Reply) -> Message | None:
        """Elumenta documents no webhooks."""
        return None


WINDOWS = {"minute": "Minute", "hour": "Hourly", "day": "Daily"}


def _refuse_rate(error: errors.LimitReached) -> WireResponse:
    plan = error.title or plan_of(error.plan)
    body = {
        "error": "rate_limit_exceeded",
        "message": f"{WINDOWS[error.window]} limit reached: {error.limit} requests/{error.window} on {plan} plan",
        "retry_after": error.retry_after_s,
        "plan": plan_of(error.plan),
        "limit_hour": error.limits.get("hour") or 0,
        "limit_day": error.limits.get("day") or 0,
    }
    return WireResponse(status=429, body=body, headers={"retry-after": str(error.retry_after_s)})


def _near(error: errors.UnknownModel) -> str:
    return f" (near: {', '.join(error.near)})" if error.near else ""
