"""AIMLAPI's one error shape, `{message, path, requestId, statusCode, timestamp}`, and its sentences."""

import re
from collections.abc import Mapping
from typing import Any

from darkroom import errors
from darkroom.dialects import wire
from darkroom.dialects.aimlapi import money
from darkroom.verbs import Tell
from darkroom.wire import Reply, Route, WireRequest, WireResponse

STATUS: Mapping[type[errors.DarkroomError], int] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotYours: 404,  # whether another account's id exists is nobody's business
    errors.NotFound: 404,
    errors.WrongMethod: 405,
    errors.UnknownModel: 400,
    errors.ModelUnavailable: 404,
    errors.InvalidInput: 400,
    errors.BodyTooLarge: 413,
    errors.IdempotencyConflict: 422,
    errors.InsufficientCredits: 403,
    errors.LimitReached: 429,
    errors.TooManyInFlight: 429,
    errors.Unavailable: 503,
}

NO_KEY = (
    "This request requires a valid API key. You can create a new API key with "
    "'darkroom key create ACCOUNT --dialect aimlapi'"
)
NO_CREDITS = "You've run out of credits. Please top up your balance to continue"
SHOWN_LENGTH = 80
"""The most of a caller's own value that is shown back."""

CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def refuse(error: errors.Rejected, request: WireRequest) -> WireResponse:
    headers = {}
    if isinstance(error, errors.LimitReached):
        headers["retry-after"] = str(error.retry_after_s)
    return envelope(wire.look_up(STATUS, error), _message(error, request), request, headers)


def envelope(status: int, message: str, request: WireRequest, headers: Mapping[str, str] | None = None) -> WireResponse:
    body = {
        "message": message,
        "path": request.url,
        # AIMLAPI's are bare UUIDs; the rest of our id is in the log.
        "requestId": request.id.removeprefix("req_"),
        "statusCode": status,
        "timestamp": wire.millis_z(request.at),
    }
    return WireResponse(status=status, body=body, headers=headers or {})


def client_id(request: WireRequest) -> str | None:
    """The caller's own name for its request; one that is not in the documented form is left out."""
    given = request.headers.get("x-client-request-id", "")
    return given if CLIENT_ID.fullmatch(given) else None


def client_id_header(request: WireRequest) -> dict[str, str]:
    given = client_id(request)
    return {} if given is None else {"x-client-request-id": given}


def not_served(method: str, path: str, reason: str) -> Route:
    """A documented route that this server does not have, and says so."""

    def render(nothing: None, reply: Reply) -> WireResponse:
        return envelope(404, f"{method} {path} is not served here: {reason}", reply.request)

    return Route(method, path, lambda request: Tell(), render)


def _message(error: errors.Rejected, request: WireRequest) -> str:
    match error:
        case errors.Unauthenticated():
            return NO_KEY
        case errors.InvalidInput(problems=problems):
            place = "Body" if request.method in ("POST", "PUT", "PATCH") else "Query"
            return f"{place} validation error: " + "; ".join(_told(problem, request) for problem in problems)
        case errors.InsufficientCredits(needed=needed, available=available):
            told = f"this costs {money.units(needed)} credits and {money.balance(available)} are available"
            return f"{NO_CREDITS}: {told}"
        case errors.NotYours(what=what):
            return str(errors.NotFound(what))
        case errors.LimitReached() | errors.TooManyInFlight():
            return f"Too Many Requests: {error}"
        case errors.Unavailable():
            return f"Service unavailable: {error}"
        case _:
            return str(error)


def _told(problem: errors.Problem, request: WireRequest) -> str:
    """One problem in the words of zod, which AIMLAPI's gateway checks its input with."""
    message = problem.message
    if problem.allowed:
        expected = " | ".join(f"'{choice}'" for choice in problem.allowed)
        message = f"Invalid enum value. Expected {expected}{_received(problem.field, request)}"
    elif message == "is required":
        message = "Required"
    return f"{problem.field}: {message}" if problem.field else message


def _received(field: str, request: WireRequest) -> str:
    """What the caller wrote there; nothing where it wrote it under another name."""
    if request.method not in ("POST", "PUT", "PATCH"):
        value: Any = wire.first(request, field)
    else:
        value = request.body
        for step in field.split("."):
            value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return f", received {str(value).lower()}"
    if isinstance(value, str):
        return f", received '{value[:SHOWN_LENGTH]}'"
    return f", received {wire.kind(value)}"
