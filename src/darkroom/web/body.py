"""Reads a request's body inside its limits: JSON, or a form with files."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from darkroom.errors import BodyTooLarge, InvalidInput
from darkroom.wire import FormFile

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

JSON_LIMIT_BYTES = 1024 * 1024
FORM_LIMIT_BYTES = 128 * 1024 * 1024
DISCARD_LIMIT_S = 5.0

_decoder = msgspec.json.Decoder()


class Disconnected(Exception):
    """The caller went away before its request was whole."""


class Inbox:
    """A request's body on its way in. It knows whether all of it has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_whole = False

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self._is_whole = not message.get("more_body", False)
        return message

    async def discard(self, headers: Mapping[str, str]) -> None:
        """Take what is still on its way, within reason: a caller that is writing does not read its refusal."""
        if "expect" in headers:
            return  # it asked first, and sends nothing after a no
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_LIMIT_S):
                while not self._is_whole and size <= FORM_LIMIT_BYTES:
                    size += len((await self()).get("body", b""))


async def read_body(receive: Receive, headers: Mapping[str, str]) -> tuple[Any, bool]:
    """The decoded body (None where there is none), and whether it was a form; raises `InvalidInput`."""
    content_type = headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return await _read_form(receive, headers, content_type), True
    content = await _whole(receive, headers)
    if not content.strip():
        return None, False
    if content_type.startswith("application/x-www-form-urlencoded") and not content.lstrip().startswith(b"{"):
        return await _read_urlencoded(content, content_type), True
    return decode_json(content), False


def decode_json(content: bytes) -> Any:
    """Raises `InvalidInput`."""
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput.of("", f"the body is not JSON: {error}") from None


async def _whole(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """A small body, which nearly always comes in one piece."""
    chunks = [chunk async for chunk in _chunks(receive, headers, JSON_LIMIT_BYTES)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _chunks(receive: Receive, headers: Mapping[str, str], limit_bytes: int) -> AsyncGenerator[bytes, None]:
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes)
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(limit_bytes=limit_bytes)
        more = message.get("more_body", False)
        if chunk:
            yield chunk


async def _read_form(receive: Receive, headers: Mapping[str, str], content_type: str) -> dict[str, list[Any]]:
    parser = MultiPartParser(
        Headers({"content-type": content_type}),
        _chunks(receive, headers, FORM_LIMIT_BYTES),
        max_files=16,
        max_fields=200,
        max_part_size=JSON_LIMIT_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise InvalidInput.of("", f"the form cannot be read: {getattr(error, 'message', error)}") from None
    fields: dict[str, list[Any]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            file = FormFile(
                name=value.filename or "",
                media_type=value.content_type or "application/octet-stream",
                content=await value.read(),
            )
            fields.setdefault(name, []).append(file)
        else:
            fields.setdefault(name, []).append(value)
    await form.close()
    return fields


async def _read_urlencoded(content: bytes, content_type: str) -> dict[str, list[Any]]:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield content
        yield b""

    form = await FormParser(Headers({"content-type": content_type}), chunks()).parse()
    fields: dict[str, list[Any]] = {}
    for name, value in form.multi_items():
        fields.setdefault(name, []).append(value)
    return fields
