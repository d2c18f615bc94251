"""Calls an ASGI application as a server would, without a socket in between."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlencode

Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]


async def call(
    application: Application,
    method: str,
    path: str,
    *,
    query: Sequence[tuple[str, str]] = (),
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> tuple[int, bytes]:
    """Status and body. `path` is decoded already, as ASGI has it."""
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    answer: list[Message] = []
    never = asyncio.Event()

    async def receive() -> Message:
        if not incoming:
            await never.wait()
        return incoming.pop()

    async def send(message: Message) -> None:
        answer.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "root_path": "",
        "query_string": urlencode(query).encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers],
    }
    await application(scope, receive, send)
    return answer[0]["status"], b"".join(message.get("body", b"") for message in answer[1:])
