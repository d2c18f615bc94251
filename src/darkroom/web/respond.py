"""Sends a dialect's response, whole or as server-sent events."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from darkroom.web.line import Line, Moments
from darkroom.wire import Event, WireRequest, WireResponse

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")]
"""Keys travel in a header and never in a cookie, so any origin may ask."""

PREFLIGHT = [
    *CORS,
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"*, authorization, content-type"),
    (b"access-control-max-age", b"86400"),
    (b"content-length", b"0"),
]

KEEP_ALIVE = b": waiting\n\n"

encode = msgspec.json.Encoder().encode


Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Content:
    """A response that only lacks what is each request's own."""

    status: int
    headers: list[Header]
    body: bytes


def content_of(response: WireResponse) -> Content:
    body = b"" if response.body is None else encode(response.body)
    headers = [*CORS, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if response.headers:
        _add(headers, response.headers)
    return Content(response.status, headers, body)


ENDED = Content(204, [*CORS], b"")
"""To a caller that goes on behind a stream's last event."""


async def respond(send: Send, content: Content, request: WireRequest, extra: Mapping[str, str]) -> None:
    headers = [*content.headers, (b"x-request-id", request.id.encode())]
    if extra:
        _add(headers, extra)
    await send({"type": "http.response.start", "status": content.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else content.body})


async def respond_surely(
    send: Send, content: Content, request: WireRequest, extra: Mapping[str, str], line: Line, moments: Moments
) -> None:
    """As `respond`, but the last byte only after a moment, for which `line` goes on listening: nobody has this answer
    before that."""
    headers = [*content.headers, (b"x-request-id", request.id.encode())]
    if extra:
        _add(headers, extra)
    await send({"type": "http.response.start", "status": content.status, "headers": headers})
    await send({"type": "http.response.body", "body": content.body[:-1], "more_body": True})
    await moments.wait()
    line.close()
    await send({"type": "http.response.body", "body": content.body[-1:]})


async def preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": PREFLIGHT})
    await send({"type": "http.response.body", "body": b""})


async def open_stream(send: Send, request: WireRequest, extra: Mapping[str, str]) -> None:
    """The head of an answer in server-sent events."""
    headers = [
        *CORS,
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        (b"x-request-id", request.id.encode()),
    ]
    _add(headers, extra)
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def lines_of(event: Event | None) -> bytes:
    """An event as it is written; nothing for none."""
    if event is None:
        return b""
    id = b"" if event.id is None else b"id: %d\n" % event.id
    name = f"event: {event.name}\n".encode() if event.name else b""
    return id + name + b"data: " + encode(event.data) + b"\n\n"


def _add(headers: list[Header], given: Mapping[str, str]) -> None:
    # A line break in a value would end the header and begin another.
    headers.extend(
        (name.lower().encode("latin-1"), value.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace"))
        for name, value in given.items()
    )
