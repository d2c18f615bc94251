"""What upstreams post when work has ended: taken for a reason to look, and never believed."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

LARGEST_BODY_BYTES = 64 * 1024
LARGEST_CHALLENGE = 1024


class Challenge(msgspec.Struct):
    """Some upstreams make sure of an address before they use it: it must say back what it was told."""

    challenge: str


class Callbacks:
    """`generation_of` tells which generation a token was signed for, `nudge` has its work looked at now."""

    def __init__(self, *, generation_of: Callable[[str], str | None], nudge: Callable[[str], None]) -> None:
        self._generation_of = generation_of
        self._nudge = nudge

    async def take(self, request: Request) -> Response:
        generation_id = self._generation_of(request.path_params["token"])
        if generation_id is None:
            return JSONResponse({"error": "this address is not one of ours"}, status_code=404)
        self._nudge(generation_id)
        body = await _beginning(request)
        try:
            challenge = msgspec.json.decode(body, type=Challenge).challenge
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return JSONResponse({})
        return JSONResponse({"challenge": challenge} if len(challenge) <= LARGEST_CHALLENGE else {})


async def _beginning(request: Request) -> bytes:
    """The body; nothing of one that is larger than a message needs to be."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            return b""
    return body
